#include "runtime/engine/worker.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "runtime/base/random.h"
#include "runtime/engine/attempt.h"

namespace piperun::engine {
namespace {

std::size_t index_of(const std::vector<ir::Step>& list, ir::StepKind kind) {
  const auto found = std::ranges::find(list, kind, &ir::Step::kind);
  return static_cast<std::size_t>(found - list.begin());
}

// How long a batch that meets failures may keep the group waiting for its partitions (microseconds).
constexpr std::int64_t kAnswerWithin = 10'000'000;

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
      is_first_(number == 0),
      hand_over_(program, unit, options, connectors),
      retry_(program.policies[0], static_cast<std::uint64_t>(clock.now()) ^ base::mix(base::fnv1a(unit.name) + number)) {}

Worker::~Worker() {
  intake_.reset();
  sinks_.clear();
  domain_.reset();
  if (group_) group_->close();
}

bool Worker::is_replay(const commit::PartitionName& partition) { return partition.topic == kReplayTopic; }

// ---- Lists

base::Result<Progress> Worker::assign() {
  for (auto opened = open(); !opened; opened = open()) {
    if (base::traits(opened.error().code).error_class != base::ErrorClass::Transient) return std::unexpected(opened.error());
    if (!wait_before_retry(opened.error())) return std::unexpected(opened.error());
  }
  if (group_) {
    join();
    return Progress::Worked;
  }
  const auto done = run_list_with_retries(unit_.protocol.on_assign);
  if (!done || *done == Progress::Crashed) return done;
  if (is_first_) hand_over_.retire();
  if (const auto started = start_reading(); !started) return std::unexpected(started.error());
  return Progress::Worked;
}

base::Result<bool> Worker::is_at_end() {
  if (retake_at_ || has_more_replays_) return false;
  return intake_ ? intake_->is_at_end() : true;
}

base::Result<bool> Worker::is_exhausted() {
  if (retake_at_ || has_more_replays_) return false;
  return intake_ ? intake_->is_exhausted() : true;
}

base::Result<Progress> Worker::run_list(const std::vector<ir::Step>& list) {
  Attempt attempt;
  for (const ir::Step& step : list) {
    last_step_ = step.kind;
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
  if (!group_) return fetch_and_run();
  const auto change = group_intake_->change();
  const bool is_due = retake_at_ && clock_.monotonic() >= *retake_at_;
  auto done = change ? answer(*change) : is_due ? take_over() : fetch_and_run();
  if (done) return done;
  const bool is_fenced = base::traits(done.error().code).error_class == base::ErrorClass::Ownership;
  const bool is_refused = group_ && group_->is_refused();
  if (is_refused || (is_fenced && !change && !is_due))
    spdlog::warn("batch given up unit={} worker={} error={}", unit_.name, number_, done.error().message);
  if (is_refused) return join_anew();
  return is_fenced && !change && !is_due ? retake() : done;
}

base::Result<Progress> Worker::fetch_and_run() {
  const std::vector<ir::Step>& list = unit_.protocol.batch;
  const auto numbering = std::ranges::find(list, ir::StepKind::NumberRows, &ir::Step::kind);
  const auto numbered = numbering == list.end() ? base::Result<void>() : number_rows();
  if (numbered && numbering != list.end() && observer_.after(unit_, *numbering) == Verdict::Crash) return Progress::Crashed;
  if (const auto fetched = numbered ? fetch() : numbered; !fetched) {
    if (base::traits(fetched.error().code).error_class != base::ErrorClass::Transient) return std::unexpected(fetched.error());
    if (!wait_before_retry(fetched.error())) return std::unexpected(fetched.error());
    return Progress::Idle;
  }
  if (batch_.empty()) {
    // Who has nothing to do must learn too that another took over, or that its positions were moved.
    const auto owned = group_ ? std::vector<commit::Position>() : domain_->read_positions(ir::StepMode::Plain);
    if (!owned && base::traits(owned.error().code).error_class == base::ErrorClass::Ownership)
      return std::unexpected(owned.error());
    return Progress::Idle;
  }
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
    if (step.kind == ir::StepKind::Fetch || step.kind == ir::StepKind::NumberRows) {  // they were done
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
  if (group_intake_ && group_intake_->change_age() > kAnswerWithin) {
    return base::failure(base::ErrorCode::LostOwnership,
                         fmt::format("the group takes the partitions, and the batch cannot be finished: {}", error.message));
  }
  if (!wait_before_retry(error)) return std::unexpected(error);
  if (is_commit) {
    if (group_ && program_.delivery == ir::Delivery::AtMostOnce) {
      const auto reopened = run_list_with_retries(unit_.protocol.on_unclear);
      if (!reopened) return std::unexpected(reopened.error());
      return list.size();
    }
    const auto committed = was_committed(attempt);
    if (!committed) return std::unexpected(committed.error());
    if (*committed) {
      advance(attempt);
      return program_.delivery == ir::Delivery::AtMostOnce ? list.size() : failed_step + 1;
    }
  }
  // What a failed `await` leaves is unknown, and the sink has dropped it: it is written again, not only waited for.
  const bool starts_over = was_in_transaction || step.kind == ir::StepKind::Await;
  return starts_over ? index_of(list, ir::StepKind::Process) : failed_step;
}

// The acknowledgement of a commit is lost: `on_unclear` asks the domain, under a lock, what it holds.
base::Result<bool> Worker::was_committed(Attempt& attempt) {
  for (;;) {
    const auto known = read_positions_again(attempt);
    if (known) break;
    if (base::traits(known.error().code).error_class != base::ErrorClass::Transient) return std::unexpected(known.error());
    if (!wait_before_retry(known.error())) return std::unexpected(known.error());
  }
  const std::vector<commit::Advance> wanted = advances(attempt);
  return std::ranges::all_of(wanted, [&](const commit::Advance& advance) {
    const auto position = std::ranges::find(stored_, advance.partition, &commit::Position::partition);
    return position != stored_.end() && position->next_offset == advance.to;
  });
}

base::Result<void> Worker::read_positions_again(Attempt& attempt) {
  for (const ir::Step& step : unit_.protocol.on_unclear) {
    if (const auto done = execute(step, attempt); !done) return std::unexpected(done.error());
  }
  return {};
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
  if (decision.paused)
    spdlog::error("paused unit={} attempts={} wait_ms={} error={}", unit_.name, decision.attempt, decision.wait / 1000,
                  error.message);
  else
    spdlog::warn("retrying unit={} attempt={} wait_ms={} error={}", unit_.name, decision.attempt, decision.wait / 1000,
                 error.message);
  if (decision.give_up) return false;
  observer_.retrying(unit_, error, decision.attempt, decision.wait, decision.paused);
  constexpr std::int64_t kSlice = 100'000;
  for (std::int64_t left = decision.wait; left > 0; left -= kSlice) {
    if (stop_.stop_requested()) return false;
    clock_.sleep(std::min(left, kSlice));
    if (group_intake_ && group_intake_->change_age() > 0) break;  // the group does not wait for a system that is down
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
    case ir::StepKind::Freeze: return next(freeze());
    case ir::StepKind::Claim: return next(claim());
    case ir::StepKind::PutManifest: return next(put_manifest());
    case ir::StepKind::SeedPosition: return next(seed_positions());
    case ir::StepKind::FillSample: return next(is_first_ ? connectors_.fill_samples(program_, unit_) : base::Result<void>());
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
      if (attempt.last == attempt.first) return next(claim());  // on_assign: the group says who owns them
      auto positions = domain_->read_positions(step.mode);
      if (!positions) return std::unexpected(positions.error());
      stored_ = std::move(*positions);
      return Flow::Next;
    }
    case ir::StepKind::InitProducer: return next(domain_->init_producer());
    case ir::StepKind::CheckMembership: return next(domain_->check_membership());
    case ir::StepKind::StoreOffsets: return next(domain_->store_offsets(advances(attempt)));
    case ir::StepKind::RetireProducer: return next(domain_->retire_producer_if_unclear());
    case ir::StepKind::RestoreState: return next(domain_->restore_state());
    case ir::StepKind::ApplyState: return next(domain_->apply_state());
    case ir::StepKind::ReopenConsumer: return next(rejoin());
    case ir::StepKind::MirrorPositions: mirror_positions(attempt); return Flow::Next;
    case ir::StepKind::ExpireKeys: return next(expire_keys());
    case ir::StepKind::Release: domain_->release(); return Flow::Next;
    case ir::StepKind::Trim: trim(); return Flow::Next;
    // `process` asks for keys by itself, halves are made where the batch failed, and letters asked for again were fetched like any
    // other record.
    case ir::StepKind::Fetch:
    case ir::StepKind::LookupKeys:
    case ir::StepKind::Reprocess:
    case ir::StepKind::TakeReplay: return Flow::Next;
    case ir::StepKind::NumberRows: {
      const auto claimed = attempt.last == attempt.first ? claim_relays() : base::Result<void>();
      return next(claimed ? number_rows() : claimed);
    }
    case ir::StepKind::DeleteSent: return next(delete_sent());
  }
  return Flow::Next;
}

}  // namespace piperun::engine
