#include "lang/prove/world.h"

namespace piperun::prove {

bool is_idle(const World& world) {
  return world.owner.alive && static_cast<ListId>(world.owner.list) == ListId::Batch && world.owner.step == 0 &&
         world.owner.position >= kRecords;
}

bool is_silent(const Subject& subject, const ir::Step& step) {
  switch (ir::traits(step.kind).counts) {
    case ir::Counts::Always: return false;
    case ir::Counts::State: return !subject.track_state;
    case ir::Counts::Queued: return !step.later;
    case ir::Counts::Outbox: return !subject.outbox;
    case ir::Counts::Never: return true;
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
