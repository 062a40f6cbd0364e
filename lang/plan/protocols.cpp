#include "lang/plan/protocols.h"

#include <algorithm>

#include "lang/ir/outbox.h"
#include "lang/plan/after.h"
#include "lang/plan/systems.h"

namespace piperun::plan {
namespace {

using ir::Step;
using ir::StepKind;
using ir::StepMode;
using Steps = std::vector<Step>;

Steps operator+(Steps a, const Steps& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Step one(StepKind kind, StepMode mode = StepMode::None) {
  return {.kind = kind, .sink = ir::kNone, .mode = mode, .in_transaction = false};
}
Step inside(StepKind kind) { return {.kind = kind, .sink = ir::kNone, .mode = StepMode::None, .in_transaction = true}; }
Steps when(bool condition, Steps steps) { return condition ? std::move(steps) : Steps{}; }

class Emitter {
 public:
  Emitter(const ir::Program& program, const ir::Unit& unit)
      : program_(program),
        unit_(unit),
        domain_(runs_as(program.systems[unit.domain])),
        has_keys_(!unit.operators.empty()),
        has_outbox_(reads_outbox(program, unit)) {}

  ir::Protocol emit() const {
    switch (program_.delivery) {
      case ir::Delivery::AtMostOnce: return at_most_once();
      case ir::Delivery::AtLeastOnce: return at_least_once();
      case ir::Delivery::ExactlyOnce: return domain_ == ir::SystemKind::Kafka ? exactly_once_kafka() : exactly_once_database();
    }
    return {};
  }

 private:
  bool is_kafka() const { return domain_ == ir::SystemKind::Kafka; }

  // A letter that goes to a sink lies in the store, too, and can be replayed from there.
  bool keeps_letters() const {
    return std::ranges::any_of(unit_.dataflow.nodes, [&](const ir::Node& node) {
      if (node.policy >= program_.policies.size()) return false;
      const ir::DeadLetter way = program_.policies[node.policy].dead_letter;
      return way == ir::DeadLetter::Keep || way == ir::DeadLetter::Sink;
    });
  }

  // A sample, or a topic of an embedded database that is to be made.
  bool has_samples() const {
    const auto is_filled = [&](ir::SourceId id) {
      const ir::Source& source = program_.sources[id];
      const bool is_made =
          runs_as(program_.systems[source.system]) == ir::SystemKind::Embedded && source.options.contains("partitions");
      return is_made || (program_.local && !source.sample.empty());
    };
    return std::ranges::any_of(unit_.sources, is_filled) ||
           (program_.local &&
            std::ranges::any_of(unit_.tables, [&](ir::TableId id) { return !program_.tables[id].sample.empty(); }));
  }

  // An outbox is emptied by its relay.
  bool writes_link() const {
    return std::ranges::any_of(program_.links, [&](const ir::Link& l) {
      return std::ranges::count(unit_.sinks, l.sink) > 0 && runs_as(program_.systems[l.system]) != ir::SystemKind::Postgres;
    });
  }

  Steps each_sink(StepKind kind, bool joining) const {
    Steps steps;
    for (const ir::SinkId sink : unit_.sinks) {
      if (joins_transaction(program_, unit_, sink) == joining) steps.push_back(of_sink(kind, sink, joining));
    }
    return steps;
  }
  Steps all_sinks(StepKind kind) const {
    Steps steps;
    for (const ir::SinkId sink : unit_.sinks) steps.push_back(of_sink(kind, sink, false));
    return steps;
  }
  // How many sinks of this unit are written before it, one after the other.
  std::size_t place(ir::SinkId sink) const {
    std::size_t result = 0;
    for (auto before = written_after(program_, sink); before && result < unit_.sinks.size(); ++result) {
      if (std::ranges::count(unit_.sinks, *before) == 0) break;
      before = written_after(program_, *before);
    }
    return result;
  }
  // Without a transaction: what follows another sink is written when that one has acknowledged.
  Steps write_all() const {
    Steps steps;
    for (std::size_t turn = 0; turn <= unit_.sinks.size(); ++turn) {
      for (const StepKind kind : {StepKind::Write, StepKind::Await}) {
        for (const ir::SinkId sink : unit_.sinks) {
          if (place(sink) == turn) steps.push_back(of_sink(kind, sink, false));
        }
      }
    }
    return steps;
  }
  // A Kafka producer sends in the background: a `write` that is in no transaction is certain only when it was awaited.
  Step of_sink(StepKind kind, ir::SinkId sink, bool joining) const {
    const bool later = !joining && runs_as(program_.systems[program_.sinks[sink].system]) == ir::SystemKind::Kafka;
    return {.kind = kind, .sink = sink, .mode = StepMode::None, .in_transaction = joining, .later = later};
  }

  // ---- the ends of a worker's life

  // Who owns the partitions, what is stored about them, and the one commit that makes a new pipeline's manifest and positions.
  Steps assign() const {
    const Steps fence = when(is_kafka(), {one(StepKind::CheckMembership)});
    const Steps before =
        is_kafka() ? Steps{one(StepKind::InitProducer), one(StepKind::ReadPosition, StepMode::Locking)} : Steps{};
    // In the transaction, so that a program whose upgrade is refused takes nothing from the one that runs.
    const Steps claim = is_kafka() ? Steps{} : Steps{inside(StepKind::Claim)};
    return when(has_samples(), {one(StepKind::FillSample)}) + Steps{one(StepKind::Freeze)} + before +
           Steps{one(StepKind::Begin)} + claim + Steps{inside(StepKind::PutManifest), inside(StepKind::SeedPosition)} + fence +
           Steps{one(StepKind::Commit)} + when(has_keys_, {one(StepKind::RestoreState)}) +
           when(has_outbox_, {one(StepKind::NumberRows)});
  }

  Steps fetch() const { return when(has_outbox_, {one(StepKind::NumberRows)}) + Steps{one(StepKind::Fetch)}; }

  Steps leave() const { return {one(StepKind::Abort), one(StepKind::Release)}; }

  // ---- what follows a commit and needs no promise: run again, or not at all, it does no harm

  Steps tidy() const {
    return when(has_keys_, {one(StepKind::ExpireKeys)}) + when(writes_link(), {one(StepKind::Trim)}) +
           when(domain_ == ir::SystemKind::Postgres && program_.systems[unit_.source_system].kind == ir::SystemKind::Kafka,
                {one(StepKind::MirrorPositions)}) +
           when(has_outbox_, {one(StepKind::DeleteSent)});
  }

  // ---- the three guarantees

  ir::Protocol at_most_once() const {
    ir::Protocol p;
    p.on_assign = assign();
    p.batch = fetch() + Steps{one(StepKind::CommitOffsets, StepMode::Sync), one(StepKind::Process)} + write_all() +
              Steps{one(StepKind::PutState)} + when(has_outbox_, {one(StepKind::DeleteSent)});
    // A late request must not put the position back: it is refused, or known, before the position is read.
    p.on_unclear = is_kafka() ? Steps{one(StepKind::ReopenConsumer), one(StepKind::ReadPosition, StepMode::Plain)}
                              : Steps{one(StepKind::Abort), one(StepKind::ReadPosition, StepMode::Locking)};
    p.on_poison = {one(StepKind::Reprocess)};
    p.on_revoke = {one(StepKind::CommitOffsets, StepMode::Sync), one(StepKind::Release)};
    p.on_stop = p.on_revoke;
    p.on_lost = leave();
    return p;
  }

  ir::Protocol at_least_once() const {
    const StepMode mode = program_.commit_mode == ir::CommitMode::Async    ? StepMode::Async
                          : program_.commit_mode == ir::CommitMode::Hybrid ? StepMode::Hybrid
                                                                           : StepMode::Sync;
    ir::Protocol p;
    p.on_assign = assign();
    p.batch = fetch() + Steps{one(StepKind::Process)} + write_all() + Steps{one(StepKind::CheckMembership)} +
              when(has_keys_, {one(StepKind::ClaimKeys)}) + when(keeps_letters(), {one(StepKind::TakeReplay)}) +
              Steps{one(StepKind::PutState), one(StepKind::CommitOffsets, mode)} +
              when(has_keys_ && is_kafka(), {one(StepKind::ApplyState)}) + tidy();
    p.on_unclear = Steps{one(StepKind::Abort), one(StepKind::ReadPosition, is_kafka() ? StepMode::Plain : StepMode::Locking)} +
                   when(has_keys_, {one(StepKind::RestoreState)});
    p.on_poison = {one(StepKind::Reprocess)};
    p.on_revoke = all_sinks(StepKind::Await) +
                  Steps{one(StepKind::CheckMembership), one(StepKind::CommitOffsets, StepMode::Sync), one(StepKind::Release)};
    p.on_stop = p.on_revoke;
    p.on_lost = leave();
    return p;
  }

  // Kafka -> PostgreSQL and the embedded database: compare-and-set of (epoch, next_offset) in the transaction that has the rows.
  ir::Protocol exactly_once_database() const {
    ir::Protocol p;
    p.on_assign = assign();
    p.batch = fetch() + Steps{one(StepKind::Process)} + each_sink(StepKind::Write, false) + each_sink(StepKind::Await, false) +
              Steps{one(StepKind::Begin), inside(StepKind::Fence)} + when(keeps_letters(), {inside(StepKind::TakeReplay)}) +
              when(has_keys_, {inside(StepKind::ClaimKeys)}) + each_sink(StepKind::Write, true) +
              Steps{inside(StepKind::PutState), one(StepKind::Commit)} + tidy();
    p.on_unclear = Steps{one(StepKind::Abort), one(StepKind::ReadPosition, StepMode::Locking)} +
                   when(has_keys_, {one(StepKind::RestoreState)});
    p.on_poison = {one(StepKind::Abort), one(StepKind::Reprocess)};
    p.on_revoke = leave();
    p.on_stop = leave();
    p.on_lost = leave();
    return p;
  }

  // KIP-98 and KIP-447: output, changelog and positions in one Kafka transaction, fenced by the group's generation.
  ir::Protocol exactly_once_kafka() const {
    ir::Protocol p;
    p.on_assign = assign();
    p.batch = fetch() + Steps{one(StepKind::Process)} + each_sink(StepKind::Write, false) + each_sink(StepKind::Await, false) +
              Steps{one(StepKind::Begin)} + when(has_keys_, {inside(StepKind::ClaimKeys)}) +
              when(keeps_letters(), {inside(StepKind::TakeReplay)}) + each_sink(StepKind::Write, true) +
              Steps{inside(StepKind::PutState), one(StepKind::CheckMembership), inside(StepKind::StoreOffsets),
                    one(StepKind::Commit), one(StepKind::RetireProducer)} +
              when(has_keys_, {one(StepKind::ApplyState)}) + tidy();
    p.on_unclear = Steps{one(StepKind::InitProducer), one(StepKind::ReadPosition, StepMode::Locking)} +
                   when(has_keys_, {one(StepKind::RestoreState)});
    p.on_poison = {one(StepKind::Abort), one(StepKind::RetireProducer), one(StepKind::Reprocess)};
    p.on_revoke = leave();
    p.on_stop = leave();
    p.on_lost = {one(StepKind::Abort), one(StepKind::InitProducer), one(StepKind::Release)};
    return p;
  }

  const ir::Program& program_;
  const ir::Unit& unit_;
  ir::SystemKind domain_;
  bool has_keys_;
  bool has_outbox_;
};

}  // namespace

bool joins_transaction(const ir::Program& program, const ir::Unit& unit, ir::SinkId sink) {
  const ir::System& system = program.systems[program.sinks[sink].system];
  return program.delivery == ir::Delivery::ExactlyOnce && program.sinks[sink].system == unit.domain &&
         traits(system.kind).transactions;
}

bool reads_outbox(const ir::Program& program, const ir::Unit& unit) {
  return std::ranges::any_of(unit.sources, [&](ir::SourceId id) {
    const ir::Source& source = program.sources[id];
    return ir::is_outbox(source) && runs_as(program.systems[source.system]) == ir::SystemKind::Postgres;
  });
}

ir::Protocol protocol_of(const ir::Program& program, const ir::Unit& unit) { return Emitter(program, unit).emit(); }

}  // namespace piperun::plan
