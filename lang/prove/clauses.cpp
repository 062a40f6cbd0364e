#include "lang/prove/clauses.h"

#include <fmt/format.h>

#include "lang/plan/names.h"
#include "lang/plan/systems.h"

namespace piperun::prove {
namespace {

using ir::StepKind;
using ir::StepMode;

std::string write_clause(const ir::Program& program, const ir::Unit& unit, const ir::Step& step) {
  const ir::Sink& sink = program.sinks[step.sink];
  const char* what = sink.is_topic ? "records" : "rows";
  if (step.in_transaction) return fmt::format("puts the {} into the transaction; nobody sees them yet", what);
  if (step.later) return fmt::format("queues the {}; they are sent in the background, and each is seen when it arrives", what);
  if (sink.idempotent_by_key) return "sends the requests; the receiver ignores those that it knows by their key";
  return fmt::format("sends the {}; from here on others can see them{}", what,
                     sink.system == unit.domain ? ", in a transaction of their own" : "");
}

std::string commit_offsets_clause(const std::string& domain, StepMode mode) {
  switch (mode) {
    case StepMode::Async: return fmt::format("asks {} to store how far this got, and does not wait", domain);
    case StepMode::Hybrid:
      return fmt::format("asks {} to store how far this got; waits for it every 30 s and at the end", domain);
    case StepMode::Sync:
    case StepMode::None:
    case StepMode::Plain:
    case StepMode::Locking: break;
  }
  return fmt::format("stores in {} how far this got; a restart goes on there", domain);
}

}  // namespace

std::string clause(const ir::Program& program, const ir::Unit& unit, const ir::Step& step) {
  const std::string& domain = program.systems[unit.domain].name;
  const bool is_kafka = plan::runs_as(program.systems[unit.domain]) == ir::SystemKind::Kafka;
  const bool once = program.delivery == ir::Delivery::ExactlyOnce;
  switch (step.kind) {
    case StepKind::InitProducer: return "announces this producer; what a former one of its name left open is settled";
    case StepKind::Claim: return "takes the work over: a former owner that wakes up can change nothing any more";
    case StepKind::PutManifest: return "notes what this unit is, so that a later program can be compared with it";
    case StepKind::SeedPosition: return "the first time only: stores where reading begins, for all partitions";
    case StepKind::RestoreState: return "loads the stored state; what was only in memory is forgotten";
    case StepKind::FillSample: return "the first time only: fills topics and tables from their sample files";
    case StepKind::Fetch: return "reads the next records; nothing is stored";
    case StepKind::CommitOffsets: return commit_offsets_clause(domain, step.mode);
    case StepKind::Begin: return fmt::format("opens a transaction in {}: all or nothing from here to commit", domain);
    case StepKind::Fence: return "checks that nobody took over and nobody was faster, and moves the position, in one statement";
    case StepKind::LookupKeys: return "asks which keys were seen before";
    case StepKind::Process: return "computes; nothing has left the process yet";
    case StepKind::ClaimKeys:
      return once ? "notes the keys of what was accepted, unless somebody else did meanwhile"
                  : "notes the keys of what was accepted and written";
    case StepKind::Write: return write_clause(program, unit, step);
    case StepKind::Await: return "waits until the receiver has confirmed all of it";
    case StepKind::PutState: return "stores dead letters, row counts and state";
    case StepKind::CheckMembership:
      return is_kafka ? "checks that the group still gives us these partitions" : "checks that nobody took over";
    case StepKind::StoreOffsets: return "puts the new position into the same transaction";
    case StepKind::Commit:
      return once ? "makes all of it visible in one step: output, keys, dead letters, position" : "makes it durable in one step";
    case StepKind::ApplyState: return "lets the local copy of the state follow what is now durable";
    case StepKind::Abort: return "drops what is not committed; nothing of it is ever seen";
    case StepKind::RetireProducer: return "after trouble on the line: a new producer, so that a stray request is refused";
    case StepKind::ReopenConsumer: return "joins as a new member, so that a late request of the old one is refused";
    case StepKind::ReadPosition:
      return step.mode == StepMode::Locking ? "asks what is really stored, and waits for requests that are still on their way"
                                            : "asks what is stored";
    case StepKind::Reprocess: return "halves the batch until the refused record is alone; that one becomes a dead letter";
    case StepKind::NumberRows: return "numbers the rows that wait to be sent";
    case StepKind::DeleteSent: return "removes the rows that were sent";
    case StepKind::TakeReplay: return "takes dead letters that somebody asked to replay out of the store";
    case StepKind::ExpireKeys: return "now and then: removes keys that are too old to matter";
    case StepKind::Trim: return "now and then: removes what every reader of the internal topic has behind it";
    case StepKind::MirrorPositions: return "tells the consumer group, for lag tools only; nobody reads it back";
    case StepKind::Freeze: return "when this unit takes over from one in another system: the other one can commit nothing more";
    case StepKind::Release: return "lets go of the partitions";
  }
  return "";
}

}  // namespace piperun::prove
