#include "runtime/engine/worker.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "runtime/base/random.h"
#include "runtime/engine/attempt.h"

namespace piperun::engine {

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
      relays_(program, unit, connectors),
      link_trim_(program, unit, connectors, clock),
      key_expiry_(program, unit),
      unit_end_(options.drain ? UnitEnd::Kind::OfNow : UnitEnd::Kind::ForGood, unit, clock,
                [this](std::uint32_t source) { return stop_time(source); }),
      output_end_(unit, clock),
      hand_over_(program, unit, options, connectors),
      fetch_(program, unit, options, clock, stop_),
      ahead_(unit, options),
      retry_(program.policies[0], static_cast<std::uint64_t>(clock.now()) ^ base::mix(base::fnv1a(unit.name) + number)),
      end_retry_(retry_) {
  share_.is_first = number == 0;
}

// What uses the group goes before it.
Worker::~Worker() {
  ahead_.drop();
  if (membership_) membership_->stop_polling();
  intake_.reset();
  sinks_.clear();
  domain_.reset();
}

std::size_t Worker::sink_index(ir::SinkId sink) const {
  return static_cast<std::size_t>(std::ranges::find(unit_.sinks, sink) - unit_.sinks.begin());
}

Intake* Worker::intake() { return membership_ ? membership_->intake() : intake_.get(); }

bool Worker::is_replay(const commit::PartitionName& partition) { return partition.topic == kReplayTopic; }

// ---- Lists

base::Result<Progress> Worker::assign() {
  if (const auto opened = open(); !opened) return std::unexpected(opened.error());
  if (membership_) {
    retry_.succeeded();
    return Progress::Worked;
  }
  const auto done = run_list(unit_.protocol.on_assign);
  if (!done || *done == Progress::Crashed) return done;
  retry_.succeeded();
  if (share_.is_first) hand_over_.retire(*domain_);
  if (const auto started = start_reading(); !started) return std::unexpected(started.error());
  return Progress::Worked;
}

base::Result<Progress> Worker::assign_after(base::Error failure) {
  for (;;) {
    if (!is_passing(failure) || !wait_before_retry(failure)) return std::unexpected(failure);
    auto assigned = assign();
    if (assigned) return assigned;
    failure = std::move(assigned.error());
  }
}

void Worker::join() {
  if (membership_) membership_->join(static_cast<std::size_t>(program_.commit_records));
}

base::Result<bool> Worker::is_at_end() { return has_ended(&Intake::is_at_end); }

base::Result<bool> Worker::is_exhausted() { return has_ended(&Intake::is_exhausted); }

base::Result<bool> Worker::has_ended(OwnEnd own_end) {
  const auto ended = look_for_end(own_end);
  if (ended) {
    if (std::exchange(is_end_unknown_, false)) observer_.recovered(unit_);
    end_retry_.succeeded();
    return ended;
  }
  const base::ErrorClass kind = base::traits(ended.error().code).error_class;
  if (kind == base::ErrorClass::Ownership) return false;  // the next batch tells it
  if (kind != base::ErrorClass::Transient) return ended;
  is_end_unknown_ = true;
  if (!wait_before_retry(ended.error(), end_retry_)) return ended;
  return false;
}

base::Result<bool> Worker::look_for_end(OwnEnd own_end) {
  if (has_work_waiting()) return false;
  if (!intake()) return true;
  const auto own = (intake()->*own_end)();
  if (!own || !*own) return own;
  const auto others = are_others_at_end();
  if (!others || !*others || !options_.drain || number_ != 0) return others;
  return output_end_.is_reached(sinks_);
}

base::Result<bool> Worker::are_others_at_end() {
  const bool has_all = share_.mine.size() + 1 == share_.all.size();  // but that of replayed letters
  if (!membership_ || has_all) return true;
  return unit_end_.is_reached(*membership_, [this] { return positions(); });
}

// What no look at the sources shows.
bool Worker::has_work_waiting() const {
  return ahead_.has_begun() || fetch_.has_more_replays() || (membership_ && membership_->waits_to_retake());
}

base::Result<Progress> Worker::run_list(const std::vector<ir::Step>& list) {
  Attempt attempt;
  for (const ir::Step& step : list) {
    last_step_ = step.kind;
    const auto done = execute(step, attempt);
    if (!done) {
      abort(attempt);
      return std::unexpected(done.error());
    }
    if (observer_.after(unit_, step) == Verdict::Crash) return Progress::Crashed;
  }
  return Progress::Worked;
}

base::Result<Progress> Worker::run_list_with_retries(const std::vector<ir::Step>& list) {
  for (;;) {
    const auto done = run_list(list);
    if (done || !is_passing(done.error())) {
      retry_.succeeded();
      return done;
    }
    if (!wait_before_retry(done.error())) return std::unexpected(done.error());
  }
}

base::Result<Progress> Worker::run_batch() { return membership_ ? run_as_member() : fetch_and_run(); }

// The list `batch` up to `fetch`, and with what it has brought, the rest.
base::Result<Progress> Worker::fetch_and_run() {
  const std::vector<ir::Step>& list = unit_.protocol.batch;
  Attempt attempt;
  for (std::size_t next = 0; next <= index_of(list, ir::StepKind::Fetch); ++next) {
    const auto done = execute(list[next], attempt);
    if (!done) {
      if (!is_passing(done.error())) return std::unexpected(done.error());
      if (!wait_before_retry(done.error())) return std::unexpected(done.error());
      return Progress::Idle;
    }
    if (list[next].kind == ir::StepKind::Fetch && batch_.empty()) return look_for_owner();
    if (observer_.after(unit_, list[next]) == Verdict::Crash) return Progress::Crashed;
  }
  return run_range(0, batch_.records.size());
}

// Who has nothing to do must learn too that another took over, or that its positions were moved.
base::Result<Progress> Worker::look_for_owner() {
  if (membership_) return Progress::Idle;
  const auto owned = domain_->read_positions(ir::StepMode::Plain);
  if (!owned && base::traits(owned.error().code).error_class == base::ErrorClass::Ownership)
    return std::unexpected(owned.error());
  return Progress::Idle;
}

// Runs what follows `fetch` over [first, last) until it is committed. What the domain refuses is set apart: by its row where the domain
// names it, else by halves in transactions of their own. So is what fails after so long that it may be too much. `resume`: Attempt::resume.
base::Result<Progress> Worker::run_range(std::size_t first, std::size_t last, std::size_t resume) {
  const std::vector<ir::Step>& list = unit_.protocol.batch;
  Attempt attempt;
  attempt.first = first;
  attempt.last = last;
  attempt.resume = resume;
  std::size_t next = resume > 0 ? index_of(list, ir::StepKind::Process) : index_of(list, ir::StepKind::Fetch) + 1;
  while (next < list.size()) {
    const ir::Step& step = list[next];
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

// False: give up, or a stop was asked for.
bool Worker::wait_before_retry(const base::Error& error, Retry& retry) {
  const Retry::Decision decision = retry.after_failure();
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
    if (membership_ && membership_->change_age() > 0) break;  // the group does not wait for a system that is down
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
    case ir::StepKind::SeedPosition: {
      const auto seeded = seed_positions();
      return next(seeded ? check_marks() : seeded);
    }
    case ir::StepKind::FillSample:
      return next(share_.is_first ? connectors_.fill_samples(program_, unit_) : base::Result<void>());
    case ir::StepKind::Begin: {
      const auto begun = domain_->begin();
      attempt.in_transaction = begun.has_value();
      return next(begun);
    }
    case ir::StepKind::Fence: return next(domain_->fence(advances(attempt)));
    case ir::StepKind::Process: return next(process(attempt));
    case ir::StepKind::ClaimKeys: return claim_keys(attempt);
    case ir::StepKind::Write: return next(write(step, attempt));
    case ir::StepKind::Await: return next(sinks_[sink_index(step.sink)]->await());
    case ir::StepKind::PutState: return next(put_state(attempt));
    case ir::StepKind::CommitOffsets: return next(commit_offsets(step, attempt));
    case ir::StepKind::Commit: {
      const auto committed = domain_->commit();
      if (!committed) return std::unexpected(committed.error());
      attempt.in_transaction = false;
      if (attempt.last > attempt.first) advance(attempt);
      return Flow::Next;
    }
    case ir::StepKind::Abort: abort(attempt); return Flow::Next;
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
    case ir::StepKind::ExpireKeys:
      return next(key_expiry_.run(*domain_, share_, batch_.now, [this] { return intake()->ends(); }));
    case ir::StepKind::Release: domain_->release(); return Flow::Next;
    case ir::StepKind::Trim:
      if (share_.is_first) link_trim_.trim_links();
      return Flow::Next;
    case ir::StepKind::NumberRows: return next(number_rows());
    case ir::StepKind::DeleteSent: return next(delete_sent());
    case ir::StepKind::Fetch: return next(fetch());
    // `process` asks for keys by itself, halves are made where the batch failed, and letters asked for again were fetched like any
    // other record.
    case ir::StepKind::LookupKeys:
    case ir::StepKind::Reprocess:
    case ir::StepKind::TakeReplay: return Flow::Next;
  }
  return Flow::Next;
}

}  // namespace piperun::engine
