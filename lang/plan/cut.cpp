#include "lang/plan/cut.h"

#include "lang/plan/link.h"
#include "lang/plan/systems.h"

namespace piperun::plan {
namespace {

ir::SystemId state_store(ir::Program& program) {
  for (ir::SystemId id = 0; id < program.systems.size(); ++id) {
    if (program.systems[id].kind == ir::SystemKind::StateStore) return id;
  }
  program.systems.push_back({.name = "state", .kind = ir::SystemKind::StateStore, .options = {}, .stand_in = false});
  return static_cast<ir::SystemId>(program.systems.size() - 1);
}

}  // namespace

ir::SinkId sink_id_of(const Cut& cut, ir::NodeId output) { return std::get<ir::Output>(cut.program.graph.nodes[output].op).sink; }

const ir::Sink& sink_of(const Cut& cut, ir::NodeId output) { return cut.program.sinks[sink_id_of(cut, output)]; }

const ir::System& system_of(const Cut& cut, ir::NodeId output) { return cut.program.systems[sink_of(cut, output).system]; }

ir::SystemId home(Cut& cut, ir::SystemId source) {
  return traits(cut.program.systems[source].kind).keeps_positions ? source : state_store(cut.program);
}

std::size_t link_behind(Cut& cut, Part& part, ir::SystemId system, Port port) {
  const auto found = part.writes.find(port);
  if (found != part.writes.end()) return found->second;
  return part.writes[port] = add_link(cut.program, system, port, cut.links_of_flow);
}

}  // namespace piperun::plan
