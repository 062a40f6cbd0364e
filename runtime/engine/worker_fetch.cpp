// The step `fetch`: gathers a batch of what the intake read, or of dead letters that were asked for again.
#include <algorithm>
#include <utility>

#include "runtime/engine/attempt.h"

namespace piperun::engine {
namespace {

constexpr std::int64_t kFetchWait = 50'000;   // microseconds; how long a stop may go unnoticed while nothing arrives
constexpr int kReplayEvery = 16;              // batches between two looks for dead letters to replay
constexpr std::size_t kReplayBatch = 100;     // dead letters replayed in one batch

}  // namespace

base::Result<void> Worker::fetch() {
  batch_ = Batch{};
  batch_.now = clock_.now();
  if (--batches_until_replay_ < 0) {
    const auto found = fetch_replays();
    batches_until_replay_ = has_more_replays_ ? 1 : kReplayEvery;  // in turn with what is new
    if (!found || *found) return found ? base::Result<void>() : std::unexpected(found.error());
  }
  const auto limit = static_cast<std::size_t>(program_.commit_records);
  const std::int64_t begun = clock_.monotonic();
  if (held_) add_slab(std::move(*std::exchange(held_, std::nullopt)));
  while (batch_.records.size() < limit) {
    const std::int64_t age = clock_.monotonic() - begun;
    const std::int64_t wait =
        batch_.empty() ? kFetchWait : std::max<std::int64_t>(0, std::min(kFetchWait, program_.commit_interval - age));
    auto slab = intake_->take(wait);
    if (!slab) {
      if (!batch_.empty()) break;  // it will be told again
      return std::unexpected(slab.error());
    }
    if (*slab && batch_.records.size() + (*slab)->slab.records.size() > limit && !batch_.empty()) {
      held_ = std::move(*slab);
      break;
    }
    if (*slab) {
      add_slab(std::move(**slab));
      continue;
    }
    if (batch_.empty()) {
      batches_until_replay_ = 0;
      break;
    }
    if (options_.drain || options_.inline_intake) {
      const auto at_end = intake_->is_at_end();
      if (!at_end || *at_end) break;
    }
    if (clock_.monotonic() - begun >= program_.commit_interval || stop_.stop_requested()) break;
  }
  batch_.now = clock_.now();
  return {};
}

void Worker::add_slab(TakenSlab taken) {
  for (const record::RawRecord& raw : taken.slab.records) {
    BatchRecord record;
    record.raw = &raw;
    record.partition = mine_[taken.partition];
    record.header = taken.slab.header;
    batch_.records.push_back(record);
  }
  batch_.slabs.push_back(std::move(taken.slab));
}

// A batch of dead letters that were asked for again. They enter the unit like records of the source they came from.
base::Result<bool> Worker::fetch_replays() {
  const std::vector<ir::Step>& list = unit_.protocol.batch;
  const bool takes_replays = std::ranges::count(list, ir::StepKind::TakeReplay, &ir::Step::kind) > 0;
  if (!is_first_ || !takes_replays) return false;
  auto letters = domain_->letters(true);
  if (!letters) return std::unexpected(letters.error());
  std::erase_if(*letters, [&](const commit::Letter& letter) {
    return std::ranges::none_of(all_, [&](const ReadPartition& partition) { return partition.name == letter.origin; });
  });
  has_more_replays_ = letters->size() > kReplayBatch;
  if (letters->empty()) return false;
  if (has_more_replays_) letters->resize(kReplayBatch);
  batch_.is_replay = true;
  batch_.replays = std::move(*letters);
  batch_.replayed_records.reserve(batch_.replays.size());
  for (commit::Letter& letter : batch_.replays) {
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
    batch_.replayed_records.push_back(std::move(raw));
  }
  for (std::size_t i = 0; i < batch_.replays.size(); ++i) {
    BatchRecord record;
    record.raw = &batch_.replayed_records[i];
    const auto origin = std::ranges::find(all_, batch_.replays[i].origin, &ReadPartition::name);
    record.partition = static_cast<std::uint32_t>(origin - all_.begin());
    record.replayed = &batch_.replays[i];
    batch_.records.push_back(record);
  }
  return true;
}

}  // namespace piperun::engine
