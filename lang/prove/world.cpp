#include "lang/prove/world.h"

namespace piperun::prove {

using ir::StepKind;

bool is_idle(const World& world) {
  return world.owner.alive && static_cast<ListId>(world.owner.list) == ListId::Batch && world.owner.step == 0 &&
         world.owner.position >= kRecords;
}

bool is_silent(const Subject& subject, const ir::Step& step) {
  switch (step.kind) {
    case StepKind::InitProducer:
    case StepKind::PutManifest:
    case StepKind::SeedPosition:
    case StepKind::FillSample:
    case StepKind::LookupKeys:
    case StepKind::RetireProducer:
    case StepKind::NumberRows:
    case StepKind::DeleteSent:
    case StepKind::TakeReplay:
    case StepKind::ExpireKeys:
    case StepKind::Trim:
    case StepKind::MirrorPositions:
    case StepKind::Freeze: return true;
    case StepKind::Await: return !step.later;
    case StepKind::PutState:
    case StepKind::ApplyState:
    case StepKind::RestoreState: return !subject.track_state;
    case StepKind::Claim:
    case StepKind::Fetch:
    case StepKind::CommitOffsets:
    case StepKind::Begin:
    case StepKind::Fence:
    case StepKind::Process:
    case StepKind::ClaimKeys:
    case StepKind::Write:
    case StepKind::CheckMembership:
    case StepKind::StoreOffsets:
    case StepKind::Commit:
    case StepKind::Abort:
    case StepKind::ReopenConsumer:
    case StepKind::ReadPosition:
    case StepKind::Reprocess:
    case StepKind::Release: return false;
  }
  return false;
}

const std::vector<ir::Step>& list_of(const ir::Protocol& protocol, ListId list) {
  switch (list) {
    case ListId::OnAssign: return protocol.on_assign;
    case ListId::Batch: return protocol.batch;
    case ListId::OnRevoke: return protocol.on_revoke;
    case ListId::OnLost: return protocol.on_lost;
    case ListId::OnUnclear: return protocol.on_unclear;
    case ListId::OnPoison: return protocol.on_poison;
    case ListId::OnStop: return protocol.on_stop;
  }
  return protocol.batch;
}

}  // namespace piperun::prove
