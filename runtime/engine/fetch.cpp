#include "runtime/engine/fetch.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace piperun::engine {
namespace {

constexpr std::int64_t kFetchWait = 50'000;  // microseconds; how long a stop may go unnoticed while nothing arrives
constexpr std::int64_t kDrainWait = 10'000;  // so long the end of a drain
constexpr int kReplayEvery = 16;  // batches between two looks for dead letters to replay
constexpr std::int64_t kWaitingLook = 5'000'000;  // microseconds, while all that are asked for wait
constexpr std::size_t kReplayBatch = 100;  // dead letters replayed in one batch

void add_slab(TakenSlab taken, const Share& share, Batch& batch) {
  for (const record::RawRecord& raw : taken.slab.records) {
    BatchRecord record;
    record.raw = &raw;
    record.partition = share.mine[taken.partition];
    record.header = taken.slab.header;
    batch.records.push_back(record);
  }
  batch.slabs.push_back(std::move(taken.slab));
}

// As the source gave it. The letter's value is given the padding that decoding needs.
record::RawRecord raw_of(commit::Letter& letter) {
  record::RawRecord raw;
  raw.offset = letter.offset;
  raw.next = letter.next_offset;
  raw.timestamp = letter.timestamp;
  if (letter.key) raw.key = *letter.key;
  if (letter.value) {
    const std::size_t size = letter.value->size();
    letter.value->resize(size + record::kPadding);
    raw.value = std::string_view(*letter.value).substr(0, size);
  }
  for (const auto& [name, value] : letter.headers) {
    raw.headers.push_back({name, value ? std::optional<std::string_view>(*value) : std::nullopt});
  }
  return raw;
}

}  // namespace

Fetch::Fetch(const ir::Program& program, const ir::Unit& unit, const Options& options, base::Clock& clock, std::stop_token stop)
    : program_(program),
      options_(options),
      clock_(clock),
      stop_(std::move(stop)),
      takes_replays_(std::ranges::count(unit.protocol.batch, ir::StepKind::TakeReplay, &ir::Step::kind) > 0),
      has_keys_(!unit.operators.empty()) {}

void Fetch::forget() {
  held_.reset();
  held_error_.reset();
  look_again_at_ = INT64_MIN;
  has_more_replays_ = false;
}

base::Result<void> Fetch::run(Intake& intake, commit::Domain& domain, const Share& share, Batch& batch) {
  if (--batches_until_replay_ < 0) {
    batch.clear();
    batch.now = clock_.now();
    const auto found = fetch_replays(domain, share, batch);
    batches_until_replay_ = has_more_replays_ ? 1 : kReplayEvery;  // in turn with what is new
    if (!found || *found) return found ? base::Result<void>() : std::unexpected(found.error());
  }
  return gather(intake, share, stop_, batch);
}

base::Result<void> Fetch::run_ahead(Intake& intake, const Share& share, const std::stop_token& hurry, Batch& batch) {
  --batches_until_replay_;
  return gather(intake, share, hurry, batch);
}

base::Result<void> Fetch::gather(Intake& intake, const Share& share, const std::stop_token& hurry, Batch& batch) {
  batch.clear();
  const auto limit = static_cast<std::size_t>(program_.commit_records);
  const std::int64_t begun = clock_.monotonic();
  const std::int64_t longest = options_.drain ? kDrainWait : kFetchWait;
  if (held_error_) return std::unexpected(*std::exchange(held_error_, std::nullopt));
  if (held_) add_slab(std::move(*std::exchange(held_, std::nullopt)), share, batch);
  while (batch.records.size() < limit) {
    const std::int64_t age = clock_.monotonic() - begun;
    const std::int64_t wait =
        batch.empty() ? longest : std::max<std::int64_t>(0, std::min(longest, program_.commit_interval - age));
    auto slab = intake.take(wait);
    if (!slab) {
      if (batch.empty()) return std::unexpected(slab.error());
      held_error_ = std::move(slab.error());  // behind what came before it; a client tells it once
      break;
    }
    if (*slab && batch.records.size() + (*slab)->slab.records.size() > limit && !batch.empty()) {
      held_ = std::move(*slab);
      break;
    }
    if (*slab) {
      add_slab(std::move(**slab), share, batch);
      continue;
    }
    if (batch.empty()) break;
    if (options_.drain || options_.inline_intake) {
      const auto at_end = intake.is_at_end();
      if (!at_end || *at_end) break;
    }
    const bool is_cut_short = stop_.stop_requested() || hurry.stop_requested() || intake.is_interrupted();
    if (clock_.monotonic() - begun >= program_.commit_interval || is_cut_short) break;
  }
  if (batch.empty()) batches_until_replay_ = 0;
  batch.now = clock_.now();
  return {};
}

// A batch of dead letters that were asked for again. They enter the unit like records of the source they came from.
base::Result<bool> Fetch::fetch_replays(commit::Domain& domain, const Share& share, Batch& batch) {
  if (!share.is_first || !takes_replays_ || clock_.monotonic() < look_again_at_) return false;
  auto letters = domain.letters(true);
  if (!letters) return std::unexpected(letters.error());
  const std::size_t asked = letters->size();
  const bool are_bound = has_keys_ && domain.keeps_keys_by_partition();
  std::erase_if(*letters, [&](const commit::Letter& letter) {
    const std::size_t index = share.index_of(letter.origin);
    const bool is_mine = std::ranges::count(share.mine, index) > 0;
    return index == share.all.size() || (are_bound && !is_mine);
  });
  if (!letters->empty() || asked == 0) waiting_since_ = 0;
  if (letters->empty() && asked > 0) {
    if (waiting_since_ == 0 && are_bound) waiting_since_ = clock_.monotonic();
    look_again_at_ = clock_.monotonic() + kWaitingLook;
    if (!std::exchange(are_told_, true))
      spdlog::warn(
          "dead letters to replay wait: another worker has their partition and its keys, or nobody reads their topic letters={}",
          asked);
  }
  has_more_replays_ = letters->size() > kReplayBatch;
  if (letters->empty()) return false;
  if (has_more_replays_) letters->resize(kReplayBatch);
  batch.is_replay = true;
  batch.replays = std::move(*letters);
  batch.replayed_records.reserve(batch.replays.size());
  for (commit::Letter& letter : batch.replays) batch.replayed_records.push_back(raw_of(letter));
  for (std::size_t i = 0; i < batch.replays.size(); ++i) {
    BatchRecord record;
    record.raw = &batch.replayed_records[i];
    record.partition = static_cast<std::uint32_t>(share.index_of(batch.replays[i].origin));
    record.replayed = &batch.replays[i];
    batch.records.push_back(record);
  }
  return true;
}

}  // namespace piperun::engine
