// What the failure of a step means for its batch, and where in the list it goes on.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <set>

#include "lang/ir/policy.h"
#include "runtime/engine/attempt.h"

namespace piperun::engine {
namespace {

// How long a batch that meets failures may keep the group waiting for its partitions (microseconds).
constexpr std::int64_t kAnswerWithin = 10'000'000;
// An attempt that fails after so long may be too much for the time that its transaction has, on a slow link or behind a quota.
constexpr std::int64_t kTooLong = 5'000'000;

}  // namespace

// Where in the list to go on after a failure; nullopt: in halves.
base::Result<std::optional<std::size_t>> Worker::recover(const base::Error& error, std::size_t failed_step, Attempt& attempt) {
  switch (base::traits(error.code).error_class) {
    case base::ErrorClass::Configuration:
    case base::ErrorClass::Ownership: abort(attempt); return std::unexpected(error);
    case base::ErrorClass::Data: abort(attempt); return recover_from_data(error, failed_step, attempt);
    case base::ErrorClass::Transient: return recover_from_outage(error, failed_step, attempt);
  }
  return std::unexpected(error);
}

void Worker::abort(Attempt& attempt) {
  if (attempt.in_transaction) domain_->abort();
  attempt.in_transaction = false;
}

// The domain refuses something of the batch, for good.
base::Result<std::optional<std::size_t>> Worker::recover_from_data(const base::Error& error, std::size_t failed_step,
                                                                   Attempt& attempt) {
  const std::vector<ir::Step>& list = unit_.protocol.batch;
  batch_.is_processed = false;  // not without what is set apart now
  for (const ir::Step& poison : unit_.protocol.on_poison) {
    if (observer_.after(unit_, poison) == Verdict::Crash) return std::unexpected(error);
  }
  const bool was_dead = attempt.last - attempt.first == 1 && batch_.dead.contains(static_cast<std::uint32_t>(attempt.first));
  const auto found = set_apart_refused(error, list[failed_step], attempt);
  if (!found) return recover(found.error(), failed_step, attempt);
  if (*found) return index_of(list, ir::StepKind::Process);
  if (was_dead) {
    return base::failure(base::ErrorCode::Stopped, fmt::format("a record that is dead cannot be set apart: {}", error.message));
  }
  if (program_.delivery == ir::Delivery::AtMostOnce && list[failed_step].kind == ir::StepKind::Await) {
    give_up(error, attempt);
    return list.size();
  }
  return std::optional<std::size_t>();
}

// All that this sink and those behind it name, one row after the other, before anything more is written to them. False: what is refused is
// not known.
base::Result<bool> Worker::set_apart_refused(const base::Error& error, const ir::Step& step, const Attempt& attempt) {
  if (step.kind != ir::StepKind::Await) return hold_back_letter(error, step, attempt) || set_apart(error, step, attempt);
  bool are_known = true;
  std::set<std::uint32_t> apart;  // a record may have several rows
  const auto note = [&](const base::Error& each, const ir::Step& at) {
    const auto record = refused_record(each, at, attempt);
    const bool is_letter = hold_back_letter(each, at, attempt);
    if (!is_letter && record && set_apart(each, at, attempt)) apart.insert(*record);
    are_known &= is_letter || (record && apart.contains(*record));
  };
  note(error, step);
  for (const ir::Step* at = &step; at != unit_.protocol.batch.data() + unit_.protocol.batch.size(); ++at) {
    while (at->kind == ir::StepKind::Await) {
      const auto others = sinks_[sink_index(at->sink)]->await();
      if (others) break;
      if (base::traits(others.error().code).error_class != base::ErrorClass::Data) return std::unexpected(others.error());
      note(others.error(), *at);
    }
  }
  return are_known;
}

base::Result<std::optional<std::size_t>> Worker::recover_from_outage(const base::Error& error, std::size_t failed_step,
                                                                     Attempt& attempt) {
  const std::vector<ir::Step>& list = unit_.protocol.batch;
  const ir::Step& step = list[failed_step];
  const bool was_in_transaction = attempt.in_transaction;
  const bool took_long = clock_.monotonic() - attempt.begun > kTooLong;
  const bool is_commit = step.kind == ir::StepKind::Commit || step.kind == ir::StepKind::CommitOffsets;
  if (!is_commit) abort(attempt);
  attempt.in_transaction = false;
  const bool has_effect = !is_commit && step.kind != ir::StepKind::Process;  // who processes asks tables at most
  if (program_.delivery == ir::Delivery::AtMostOnce && has_effect) {
    // The positions are committed: trying again could repeat an effect. The batch's fate stays unknown.
    give_up(error, attempt);
    if (const auto reached = await_sink(step); !reached) return std::unexpected(reached.error());
    return list.size();
  }
  const bool is_taken = membership_ && membership_->change_age() > kAnswerWithin;
  if (is_taken || !wait_before_retry(error)) {
    if (program_.delivery == ir::Delivery::AtMostOnce && !is_commit) give_up(error, attempt);
    if (!is_taken) return std::unexpected(error);
    return base::failure(base::ErrorCode::LostOwnership,
                         fmt::format("the group takes the partitions, and the batch cannot be finished: {}", error.message));
  }
  if (is_commit) {
    const auto settled = settle_commit(failed_step, attempt);
    if (!settled || *settled) return settled;
  }
  // What a failed `await` leaves is unknown, and the sink has dropped it: it is written again, not only waited for.
  const bool starts_over = was_in_transaction || step.kind == ir::StepKind::Await;
  if (starts_over && took_long && program_.delivery != ir::Delivery::AtMostOnce && attempt.last - attempt.first > 1) {
    batch_.is_processed = false;  // not its halves
    spdlog::info("tried in halves unit={} records={}", unit_.name, attempt.last - attempt.first);
    return std::optional<std::size_t>();
  }
  return starts_over ? index_of(list, ir::StepKind::Process) : failed_step;
}

// Under at_most_once: a batch that is taken while its sink is away is lost, too.
base::Result<void> Worker::await_sink(const ir::Step& step) {
  if (step.kind != ir::StepKind::Write && step.kind != ir::StepKind::Await) return {};
  for (;;) {
    const auto reached = sinks_[sink_index(step.sink)]->reach();
    if (reached || !is_passing(reached.error())) return {};
    if (!wait_before_retry(reached.error())) return reached;
    if (membership_ && membership_->change_age() > 0) return {};
  }
}

// Where to go on behind a commit whose acknowledgement is lost; nullopt: it did not take effect.
base::Result<std::optional<std::size_t>> Worker::settle_commit(std::size_t failed_step, Attempt& attempt) {
  const std::size_t end = unit_.protocol.batch.size();
  const std::vector<ir::Step>& unclear = unit_.protocol.on_unclear;
  if (index_of(unclear, ir::StepKind::ReopenConsumer) < unclear.size()) {
    const auto reopened = run_list_with_retries(unit_.protocol.on_unclear);
    if (!reopened) return std::unexpected(reopened.error());
    return end;
  }
  const auto committed = was_committed(attempt);
  if (!committed) return std::unexpected(committed.error());
  if (!*committed) return std::optional<std::size_t>();
  advance(attempt);
  return program_.delivery == ir::Delivery::AtMostOnce ? end : failed_step + 1;
}

// The acknowledgement of a commit is lost: `on_unclear` asks the domain, under a lock, what it holds.
base::Result<bool> Worker::was_committed(Attempt& attempt) {
  for (;;) {
    const auto known = read_positions_again(attempt);
    if (known) break;
    if (!is_passing(known.error())) return std::unexpected(known.error());
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

// True: what is refused is one letter, by its sink or by the transaction that it was written in.
bool Worker::hold_back_letter(const base::Error& error, const ir::Step& step, const Attempt& attempt) {
  const auto last = last_letters_.find(step.sink);
  const auto row = static_cast<std::size_t>(error.row);
  if (step.kind == ir::StepKind::Await && last != last_letters_.end() && row < last->second.records.size())
    return hold_back(last->second.records[row], step.sink, error, attempt);
  const auto dead = batch_.dead.find(static_cast<std::uint32_t>(attempt.first));
  if (attempt.last - attempt.first != 1 || dead == batch_.dead.end()) return false;
  const ir::SinkId sink = program_.policies[dead->second.policy].dead_letter_sink;
  return (step.sink == ir::kNone || step.sink == sink) && hold_back(dead->first, sink, error, attempt);
}

// The store keeps it, and says why. False: the letter of this record is none of this attempt's that `sink` takes.
bool Worker::hold_back(std::uint32_t record, ir::SinkId sink, const base::Error& error, const Attempt& attempt) {
  const std::vector<SentLetter> sent = letters_for(sink, attempt);
  if (std::ranges::count(sent, record, &SentLetter::record) == 0) return false;
  Failure& failure = batch_.dead.at(record);
  failure.letter_refused = true;
  if (failure.message.empty()) failure.message = base::traits(failure.code).title;
  failure.message += fmt::format("; {} does not take the letter: {}", program_.sinks[sink].name, error.message);
  spdlog::warn("dead letter refused by its sink, it is only in the store unit={} sink={} error={}", unit_.name,
               program_.sinks[sink].name, error.message);
  return true;
}

// Whose row it is, where that is beyond doubt.
std::optional<std::uint32_t> Worker::refused_record(const base::Error& error, const ir::Step& step,
                                                    const Attempt& attempt) const {
  if (error.row >= 0 && (step.kind == ir::StepKind::Write || step.kind == ir::StepKind::Await)) {
    const std::vector<std::uint32_t>& records = processed_.sinks[sink_index(step.sink)].records;
    if (const auto row = static_cast<std::size_t>(error.row); row < records.size()) return records[row];
  }
  if (attempt.last - attempt.first == 1) return static_cast<std::uint32_t>(attempt.first);
  return std::nullopt;
}

// That of the flow which has made the refused row. Where the row is not named, the record may have several, and of their policies the one
// counts that gives up the least.
std::uint32_t Worker::policy_of_refused(std::uint32_t record, const base::Error& error, const ir::Step& step) const {
  std::optional<std::uint32_t> result;
  const auto weigh = [&](const SinkRows& written, std::size_t row) {
    const std::uint32_t policy = unit_.dataflow.nodes[written.outputs[row]].policy;
    if (!result || ir::gives_up_less(program_.policies[policy], program_.policies[*result])) result = policy;
  };
  for (std::size_t sink = 0; sink < processed_.sinks.size(); ++sink) {
    const SinkRows& written = processed_.sinks[sink];
    if (step.sink != ir::kNone && sink != sink_index(step.sink)) continue;
    const auto named = static_cast<std::size_t>(error.row);
    if (step.sink != ir::kNone && error.row >= 0 && named < written.records.size() && written.records[named] == record) {
      weigh(written, named);
      continue;
    }
    for (std::size_t row = 0; row < written.records.size(); ++row) {
      if (written.records[row] == record) weigh(written, row);
    }
  }
  return result.value_or(0);
}

// True: a record was fixed as dead, and the rest can be processed again.
bool Worker::set_apart(const base::Error& error, const ir::Step& step, const Attempt& attempt) {
  const auto refused = refused_record(error, step, attempt);
  if (!refused || batch_.dead.contains(*refused)) return false;
  const ir::Site site = step.sink == ir::kNone ? ir::Site{} : program_.sinks[step.sink].site;
  const std::uint32_t policy = policy_of_refused(*refused, error, step);
  const std::string sink_name = step.sink == ir::kNone ? std::string() : program_.sinks[step.sink].name;
  batch_.dead.try_emplace(*refused, Failure{error.code, error.message, error.sqlstate, site, sink_name, policy, 0});
  return true;
}

// Under at_most_once: the positions are committed, and what became of the batch is not known.
void Worker::give_up(const base::Error& error, Attempt& attempt) {
  spdlog::warn("batch given up under at_most_once unit={} error={}", unit_.name, error.message);
  take_back(attempt);
  attempt.counts.assign(share_.all.size(), {});
  for (std::size_t i = attempt.first; i < attempt.last; ++i) {
    commit::Counts& counts = attempt.counts[batch_.records[i].partition];
    ++counts.read;
    ++counts.unknown;
  }
  for (std::size_t i = 0; i < share_.all.size(); ++i) unsettled_[i] += attempt.counts[i];
}

// The attempt is made again: under at_most_once its fates were noted already.
void Worker::take_back(Attempt& attempt) {
  for (std::size_t i = 0; program_.delivery == ir::Delivery::AtMostOnce && i < attempt.counts.size(); ++i) {
    unsettled_[i] -= attempt.counts[i];
  }
  attempt.counts.clear();
}

}  // namespace piperun::engine
