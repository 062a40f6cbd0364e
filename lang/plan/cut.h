// What cutting works on: the dataflow of all flows, and per unit the nodes that it gets so far.
#pragma once
#include <cstddef>
#include <map>
#include <string>
#include <utility>

#include "lang/diag/report.h"
#include "lang/ir/program.h"
#include "lang/plan/graph.h"
#include "lang/plan/places.h"
#include "lang/plan/port.h"

namespace piperun::plan {

// What one unit is made of, before it is copied out of the graph. Links are indices into Program::links.
struct Part {
  Nodes nodes;
  std::map<Port, std::size_t> reads;   // instead of the node behind this port: a link
  std::map<Port, std::size_t> writes;  // into a link
};

struct Cut {
  ir::Program& program;
  const Places& places;
  diag::Report& report;
  Graph graph;                                                // of program.graph
  std::map<std::pair<ir::SystemId, ir::SystemId>, Part> parts;  // source system, domain
  std::map<std::string, int> links_of_flow;                   // how many links of each flow there are
};

inline bool is_exactly_once(const Cut& cut) { return cut.program.delivery == ir::Delivery::ExactlyOnce; }

// The sink, and its system, of a node that is an output.
ir::SinkId sink_id_of(const Cut& cut, ir::NodeId output);
const ir::Sink& sink_of(const Cut& cut, ir::NodeId output);
const ir::System& system_of(const Cut& cut, ir::NodeId output);

// Where the positions of this source's readers lie without a transaction elsewhere: in its own system, or in a state store, which is
// added to the program if need be.
ir::SystemId home(Cut& cut, ir::SystemId source);

// The link that `part` writes behind this port, in `system`: made at the first call.
std::size_t link_behind(Cut& cut, Part& part, ir::SystemId system, Port port);

}  // namespace piperun::plan
