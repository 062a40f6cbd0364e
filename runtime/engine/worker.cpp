#include "runtime/engine/worker.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <set>

#include "lang/value/time.h"
#include "runtime/base/random.h"
#include "runtime/engine/attempt.h"
#include "runtime/engine/secrets.h"

namespace piperun::engine {
namespace {

constexpr std::int64_t kFetchWait = 50'000;   // microseconds; how long a stop may go unnoticed while nothing arrives
constexpr int kReplayEvery = 16;              // batches between two looks for dead letters to replay
constexpr std::size_t kReplayBatch = 100;     // dead letters replayed in one batch
const char* const kReplayTopic = "#replay";   // the one more source that a unit reads: dead letters that were asked for again

std::size_t index_of(const std::vector<ir::Step>& list, ir::StepKind kind) {
  const auto found = std::ranges::find(list, kind, &ir::Step::kind);
  return static_cast<std::size_t>(found - list.begin());
}

}  // namespace

Worker::Worker(const ir::Program& program, const ir::Unit& unit, const Options& options, std::uint32_t number,
               connectors::Connectors& connectors, base::Clock& clock, Observer& observer, std::stop_token stop)
    : program_(program),
      unit_(unit),
      options_(options),
      number_(number),
      connectors_(connectors),
      clock_(clock),
      observer_(observer),
      stop_(std::move(stop)),
      hand_over_(program, unit, options, connectors),
      retry_(program.policies[0], static_cast<std::uint64_t>(clock.now()) ^ base::mix(base::fnv1a(unit.name) + number)) {}

Worker::~Worker() { intake_.reset(); }

bool Worker::is_replay(const commit::PartitionName& partition) { return partition.topic == kReplayTopic; }

// ---- Lists

base::Result<Progress> Worker::assign() {
  for (auto opened = open(); !opened; opened = open()) {
    if (base::traits(opened.error().code).error_class != base::ErrorClass::Transient) return std::unexpected(opened.error());
    if (!wait_before_retry(opened.error())) return std::unexpected(opened.error());
  }
  const auto done = run_list_with_retries(unit_.protocol.on_assign);
  if (!done || *done == Progress::Crashed) return done;
  if (number_ == 0) hand_over_.retire();
  if (const auto started = start_intake(); !started) return std::unexpected(started.error());
  return Progress::Worked;
}

base::Result<Progress> Worker::run_list(const std::vector<ir::Step>& list) {
  Attempt attempt;
  for (const ir::Step& step : list) {
    const auto done = execute(step, attempt);
    if (!done) {
      if (attempt.in_transaction) domain_->abort();
      return std::unexpected(done.error());
    }
    if (observer_.after(unit_, step) == Verdict::Crash) return Progress::Crashed;
  }
  return Progress::Worked;
}

base::Result<Progress> Worker::run_list_with_retries(const std::vector<ir::Step>& list) {
  for (;;) {
    const auto done = run_list(list);
    if (done || base::traits(done.error().code).error_class != base::ErrorClass::Transient) {
      retry_.succeeded();
      return done;
    }
    if (!wait_before_retry(done.error())) return std::unexpected(done.error());
  }
}

base::Result<Progress> Worker::run_batch() {
  if (const auto fetched = fetch(); !fetched) {
    if (base::traits(fetched.error().code).error_class != base::ErrorClass::Transient) return std::unexpected(fetched.error());
    if (!wait_before_retry(fetched.error())) return std::unexpected(fetched.error());
    return Progress::Idle;
  }
  if (batch_.empty()) {
    // Who has nothing to do must learn too that another took over, or that its positions were moved.
    const auto owned = domain_->read_positions(ir::StepMode::Plain);
    if (!owned && base::traits(owned.error().code).error_class == base::ErrorClass::Ownership)
      return std::unexpected(owned.error());
    return Progress::Idle;
  }
  const std::vector<ir::Step>& list = unit_.protocol.batch;
  if (observer_.after(unit_, list[index_of(list, ir::StepKind::Fetch)]) == Verdict::Crash) return Progress::Crashed;
  return run_range(0, batch_.records.size());
}

// Runs the list over [first, last) until it is committed. What the domain refuses is set apart: by its row where the domain names
// it, else by halves in transactions of their own. `resume`: Attempt::resume.
base::Result<Progress> Worker::run_range(std::size_t first, std::size_t last, std::size_t resume) {
  const std::vector<ir::Step>& list = unit_.protocol.batch;
  Attempt attempt{.first = first, .last = last, .in_transaction = false, .resume = resume, .counts = {}, .letters = {}};
  std::size_t next = resume > 0 ? index_of(list, ir::StepKind::Process) : 0;
  while (next < list.size()) {
    const ir::Step& step = list[next];
    if (step.kind == ir::StepKind::Fetch) {
      ++next;
      continue;
    }
    const auto done = execute(step, attempt);
    if (done && *done == Flow::Reprocess) {
      next = index_of(list, ir::StepKind::Process);
      continue;
    }
    if (done) {
      if (observer_.after(unit_, step) == Verdict::Crash) return Progress::Crashed;
      ++next;
      continue;
    }
    if (program_.delivery == ir::Delivery::AtMostOnce) attempt.resume = std::max(attempt.resume, next);
    const auto go_on = recover(done.error(), next, attempt);
    if (!go_on) return std::unexpected(go_on.error());
    if (*go_on) {
      next = **go_on;
      continue;
    }
    take_back(attempt);
    const std::size_t middle = first + (last - first) / 2;
    const auto lower = run_range(first, middle, attempt.resume);
    if (!lower || *lower == Progress::Crashed) return lower;
    return run_range(middle, last, attempt.resume);
  }
  retry_.succeeded();
  commit::Counts total;
  for (const commit::Counts& counts : attempt.counts) total += counts;
  observer_.committed(unit_, total);
  return Progress::Worked;
}

// Where in the list to go on after a failure; nullopt: in halves.
base::Result<std::optional<std::size_t>> Worker::recover(const base::Error& error, std::size_t failed_step, Attempt& attempt) {
  const std::vector<ir::Step>& list = unit_.protocol.batch;
  const ir::Step& step = list[failed_step];
  const bool was_in_transaction = attempt.in_transaction;
  const auto abort = [&] {
    if (attempt.in_transaction) domain_->abort();
    attempt.in_transaction = false;
  };
  switch (base::traits(error.code).error_class) {
    case base::ErrorClass::Configuration:
    case base::ErrorClass::Ownership: abort(); return std::unexpected(error);
    case base::ErrorClass::Data: {
      abort();
      for (const ir::Step& poison : unit_.protocol.on_poison) {
        if (observer_.after(unit_, poison) == Verdict::Crash) return std::unexpected(error);
      }
      if (attempt.last - attempt.first == 1 && batch_.dead.contains(static_cast<std::uint32_t>(attempt.first))) {
        return base::failure(base::ErrorCode::Stopped,
                             fmt::format("a record that is dead cannot be set apart: {}", error.message));
      }
      if (!set_apart(error, step, attempt)) return std::optional<std::size_t>();
      return index_of(list, ir::StepKind::Process);
    }
    case base::ErrorClass::Transient: break;
  }
  const bool is_commit = step.kind == ir::StepKind::Commit || step.kind == ir::StepKind::CommitOffsets;
  if (!is_commit) abort();
  attempt.in_transaction = false;
  if (program_.delivery == ir::Delivery::AtMostOnce && !is_commit) {
    // The positions are committed: trying again could repeat an effect. The batch's fate stays unknown.
    spdlog::warn("batch given up under at_most_once unit={} error={}", unit_.name, error.message);
    lose(attempt);
    return list.size();
  }
  if (!wait_before_retry(error)) return std::unexpected(error);
  if (is_commit) {
    const auto committed = was_committed(attempt);
    if (!committed) return std::unexpected(committed.error());
    if (*committed) {
      advance(attempt);
      return program_.delivery == ir::Delivery::AtMostOnce ? list.size() : failed_step + 1;
    }
  }
  return was_in_transaction ? index_of(list, ir::StepKind::Process) : failed_step;
}

// The acknowledgement of a commit is lost: the domain is asked, under a lock, what it holds.
base::Result<bool> Worker::was_committed(const Attempt& attempt) {
  for (;;) {
    const auto stored = domain_->read_positions(ir::StepMode::Locking);
    if (!stored) {
      if (base::traits(stored.error().code).error_class != base::ErrorClass::Transient) return std::unexpected(stored.error());
      if (!wait_before_retry(stored.error())) return std::unexpected(stored.error());
      continue;
    }
    const std::vector<commit::Advance> wanted = advances(attempt);
    return std::ranges::all_of(wanted, [&](const commit::Advance& advance) {
      const auto position = std::ranges::find(*stored, advance.partition, &commit::Position::partition);
      return position != stored->end() && position->next_offset == advance.to;
    });
  }
}

// True: a record was fixed as dead, and the rest can be processed again.
bool Worker::set_apart(const base::Error& error, const ir::Step& step, Attempt& attempt) {
  std::optional<std::uint32_t> refused;
  if (error.row >= 0 && step.kind == ir::StepKind::Write) {
    const auto sink = static_cast<std::size_t>(std::ranges::find(unit_.sinks, step.sink) - unit_.sinks.begin());
    const auto row = static_cast<std::size_t>(error.row);
    if (row < processed_.sinks[sink].records.size()) refused = processed_.sinks[sink].records[row];
  }
  if (!refused && attempt.last - attempt.first == 1) refused = static_cast<std::uint32_t>(attempt.first);
  if (!refused) return false;
  const ir::Site site = step.sink == ir::kNone ? ir::Site{} : program_.sinks[step.sink].site;
  std::uint32_t policy = 0;
  for (const ir::Node& node : unit_.dataflow.nodes) {
    const auto* output = std::get_if<ir::Output>(&node.op);
    if (output && output->sink == step.sink) policy = node.policy;
  }
  const std::string sink_name = step.sink == ir::kNone ? std::string() : program_.sinks[step.sink].name;
  batch_.dead.try_emplace(*refused, Failure{error.code, error.message, error.sqlstate, site, sink_name, policy, 0});
  return true;
}

// False: give up, or a stop was asked for.
bool Worker::wait_before_retry(const base::Error& error) {
  const Retry::Decision decision = retry_.after_failure();
  if (decision.paused) spdlog::error("paused unit={} attempts={} error={}", unit_.name, decision.attempt, error.message);
  else
    spdlog::warn("retrying unit={} attempt={} wait_ms={} error={}", unit_.name, decision.attempt, decision.wait / 1000,
                 error.message);
  if (decision.give_up) return false;
  observer_.retrying(unit_, error, decision.attempt, decision.wait, decision.paused);
  constexpr std::int64_t kSlice = 100'000;
  for (std::int64_t left = decision.wait; left > 0; left -= kSlice) {
    if (stop_.stop_requested()) return false;
    clock_.sleep(std::min(left, kSlice));
  }
  return true;
}

// ---- Steps

base::Result<Worker::Flow> Worker::execute(const ir::Step& step, Attempt& attempt) {
  const auto next = [](const base::Result<void>& done) -> base::Result<Flow> {
    if (!done) return std::unexpected(done.error());
    return Flow::Next;
  };
  switch (step.kind) {
    case ir::StepKind::Freeze: return next(number_ == 0 ? hand_over_.freeze(*domain_) : base::Result<void>());
    case ir::StepKind::Claim: return next(claim());
    case ir::StepKind::PutManifest: return next(put_manifest());
    case ir::StepKind::SeedPosition: return next(seed_positions());
    case ir::StepKind::FillSample: return next(number_ == 0 ? connectors_.fill_samples(program_, unit_) : base::Result<void>());
    case ir::StepKind::Begin: {
      const auto begun = domain_->begin();
      attempt.in_transaction = begun.has_value();
      return next(begun);
    }
    case ir::StepKind::Fence: return next(domain_->fence(advances(attempt)));
    case ir::StepKind::Process: return next(process(attempt));
    case ir::StepKind::ClaimKeys: return claim_keys(attempt);
    case ir::StepKind::Write: return next(write(step, attempt));
    case ir::StepKind::Await: {
      const auto sink = static_cast<std::size_t>(std::ranges::find(unit_.sinks, step.sink) - unit_.sinks.begin());
      return next(sinks_[sink]->await());
    }
    case ir::StepKind::PutState: return next(put_state(attempt));
    case ir::StepKind::CommitOffsets: return next(commit_offsets(step, attempt));
    case ir::StepKind::Commit: {
      const auto committed = domain_->commit();
      if (!committed) return std::unexpected(committed.error());
      attempt.in_transaction = false;
      if (attempt.last > attempt.first) advance(attempt);
      return Flow::Next;
    }
    case ir::StepKind::Abort:
      if (attempt.in_transaction) domain_->abort();
      attempt.in_transaction = false;
      return Flow::Next;
    case ir::StepKind::ReadPosition: {
      const auto positions = domain_->read_positions(step.mode);
      if (!positions) return std::unexpected(positions.error());
      return Flow::Next;
    }
    case ir::StepKind::ExpireKeys: return next(expire_keys());
    case ir::StepKind::Release: domain_->release(); return Flow::Next;
    // What the embedded domain has nothing to do for: its keys and state lie in the transaction, `process` asks for keys by itself,
    // ownership is the epoch that `fence` compares, and letters asked for again were fetched like any other record.
    case ir::StepKind::Fetch:
    case ir::StepKind::LookupKeys:
    case ir::StepKind::Reprocess:
    case ir::StepKind::RestoreState:
    case ir::StepKind::ApplyState:
    case ir::StepKind::CheckMembership:
    case ir::StepKind::TakeReplay:
    case ir::StepKind::Trim:
    case ir::StepKind::MirrorPositions: return Flow::Next;
    case ir::StepKind::InitProducer:
    case ir::StepKind::StoreOffsets:
    case ir::StepKind::RetireProducer:
    case ir::StepKind::ReopenConsumer:
    case ir::StepKind::NumberRows:
    case ir::StepKind::DeleteSent:
      return base::failure(base::ErrorCode::NotInThisVersion,
                           fmt::format("the step `{}` needs a server", ir::traits(step.kind).text));
  }
  return Flow::Next;
}

base::Result<void> Worker::open() {
  sinks_.clear();
  auto domain = connectors_.open_domain(program_, unit_);
  if (!domain) return std::unexpected(domain.error());
  domain_ = std::move(*domain);
  for (const ir::SinkId id : unit_.sinks) {
    auto sink = connectors_.open_sink(program_, unit_, id, *domain_);
    if (!sink) return std::unexpected(sink.error());
    sinks_.push_back(std::move(*sink));
  }
  return {};
}

base::Result<void> Worker::claim() {
  sources_.clear();
  tables_.clear();
  all_.clear();
  for (const ir::TableId id : unit_.tables) {
    auto table = connectors_.open_table(program_, unit_, id, *domain_);
    if (!table) return std::unexpected(table.error());
    tables_.push_back(std::move(*table));
  }
  for (std::uint32_t i = 0; i < unit_.sources.size(); ++i) {
    auto source = connectors_.open_source(program_, unit_, unit_.sources[i]);
    if (!source) return std::unexpected(source.error());
    auto partitions = (*source)->partitions();
    if (!partitions) return std::unexpected(partitions.error());
    for (std::uint32_t number = 0; number < partitions->size(); ++number) {
      const connectors::Partition& partition = (*partitions)[number];
      const std::uint64_t seed = base::fnv1a(fmt::format("{}/{}/{}", program_.id, partition.topic, partition.number));
      all_.push_back({i, number, {partition.topic, partition.number}, seed});
    }
    sources_.push_back(std::move(*source));
  }
  all_.push_back({ir::kNone, 0, {kReplayTopic, 0}, 0});
  mine_.clear();
  std::vector<commit::PartitionName> names;
  for (std::uint32_t i = 0; i < all_.size(); ++i) {
    const bool is_replay = i + 1 == all_.size();
    if (!is_replay && i % options_.workers == number_) mine_.push_back(i);
    if (number_ == 0 || (!is_replay && !mine_.empty() && mine_.back() == i)) names.push_back(all_[i].name);
  }
  auto claimed = domain_->claim(names);
  if (!claimed) return std::unexpected(claimed.error());
  claimed_ = std::move(*claimed);
  return {};
}

base::Result<void> Worker::put_manifest() {
  if (number_ != 0) return {};
  const bool has_positions =
      std::ranges::any_of(claimed_, [](const commit::Position& position) { return position.next_offset >= 0; });
  return hand_over_.put_manifest(*domain_, has_positions, all_.size() > 1);
}

// Positions that this unit takes over go first. `start` applies to a topic of which no partition has a position; a partition that
// appeared later starts at its beginning.
base::Result<void> Worker::seed_positions() {
  std::set<std::string> known;
  std::vector<commit::Position> seeds;
  for (commit::Position& position : claimed_) {
    const commit::Position* taken = hand_over_.position(position.partition);
    if (number_ != 0 || !taken) continue;
    position.next_offset = taken->next_offset;
    position.counts = taken->counts;
    seeds.push_back(position);
  }
  for (const commit::Position& position : claimed_) {
    if (position.next_offset >= 0) known.insert(position.partition.topic);
  }
  for (commit::Position& position : claimed_) {
    if (position.next_offset >= 0) continue;
    const ReadPartition& partition = *std::ranges::find(all_, position.partition, &ReadPartition::name);
    position.next_offset = 0;
    if (partition.source != ir::kNone) {
      const ir::Source& source = program_.sources[unit_.sources[partition.source]];
      const std::string& start = known.contains(position.partition.topic) ? "earliest" : source.start;
      const auto resolved = sources_[partition.source]->resolve(start, partition.number);
      if (!resolved) return std::unexpected(resolved.error());
      position.next_offset = *resolved;
    }
    seeds.push_back(position);
  }
  if (seeds.empty()) return {};
  return domain_->seed_positions(seeds);
}

base::Result<void> Worker::start_intake() {
  const auto secrets = read_secrets(program_, options_);
  if (!secrets) return std::unexpected(secrets.error());
  positions_.assign(all_.size(), 0);
  for (std::size_t i = 0; i < all_.size(); ++i) {
    const auto position = std::ranges::find(claimed_, all_[i].name, &commit::Position::partition);
    if (position != claimed_.end()) positions_[i] = position->next_offset;
  }
  unsettled_.assign(all_.size(), {});
  newest_time_.assign(all_.size(), INT64_MIN);
  process_ = std::make_unique<Process>(program_, unit_, options_.natives, *secrets, tables_, all_);
  reading_.clear();
  std::vector<std::int64_t> from;
  std::vector<commit::PartitionName> kept;
  if (number_ == 0) kept.push_back(all_.back().name);
  for (const std::uint32_t index : mine_) {
    kept.push_back(all_[index].name);
    reading_.push_back(all_[index]);
    from.push_back(positions_[index]);
  }
  domain_->keep(kept);  // the first worker claimed all partitions to seed them; the other workers claim theirs after it
  std::vector<std::int64_t> stop_times;
  for (const ir::SourceId id : unit_.sources) {
    const std::string& stop_at = program_.sources[id].stop_at;
    stop_times.push_back(stop_at.empty() ? INT64_MAX : value::parse_timestamp(stop_at).value_or(INT64_MAX));
  }
  auto reader = std::make_unique<Reader>(sources_, reading_, std::move(from), std::move(stop_times));
  const auto limit = static_cast<std::size_t>(program_.commit_records);
  intake_ =
      options_.inline_intake ? make_inline_intake(std::move(reader), limit) : make_threaded_intake(std::move(reader), limit);
  return {};
}

// ---- Fetch

base::Result<void> Worker::fetch() {
  batch_ = Batch{};
  batch_.now = clock_.now();
  if (--batches_until_replay_ < 0) {
    batches_until_replay_ = kReplayEvery;
    const auto found = fetch_replays();
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
  if (number_ != 0 || index_of(list, ir::StepKind::TakeReplay) == list.size()) return false;
  auto letters = domain_->letters(true);
  if (!letters) return std::unexpected(letters.error());
  std::erase_if(*letters, [&](const commit::Letter& letter) {
    return std::ranges::none_of(all_, [&](const ReadPartition& partition) { return partition.name == letter.origin; });
  });
  if (letters->empty()) return false;
  if (letters->size() > kReplayBatch) letters->resize(kReplayBatch);
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
