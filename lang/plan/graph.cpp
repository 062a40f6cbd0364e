#include "lang/plan/graph.h"

#include <algorithm>
#include <iterator>
#include <ranges>

namespace piperun::plan {

Graph::Graph(const ir::Dataflow& dataflow) : dataflow_(dataflow), previous_(dataflow.nodes.size()) {
  for (ir::NodeId id = 0; id < dataflow.nodes.size(); ++id) {
    for (const auto& port : dataflow.nodes[id].next) {
      for (const ir::Edge& edge : port) previous_[edge.to].insert(id);
    }
  }
}

Nodes Graph::below(Nodes from) const {
  for (ir::NodeId id = 0; id < dataflow_.nodes.size(); ++id) {  // edges lead to greater ids: one pass is enough
    if (!from.contains(id)) continue;
    for (const auto& port : dataflow_.nodes[id].next) {
      for (const ir::Edge& edge : port) from.insert(edge.to);
    }
  }
  return from;
}

Nodes Graph::above(Nodes from) const {
  for (std::size_t id = dataflow_.nodes.size(); id-- > 0;) {
    if (from.contains(static_cast<ir::NodeId>(id))) from.insert(previous_[id].begin(), previous_[id].end());
  }
  return from;
}

Nodes Graph::inputs(const ir::Program& program, ir::SystemId system) const {
  Nodes found;
  for (ir::NodeId id = 0; id < dataflow_.nodes.size(); ++id) {
    const auto* input = std::get_if<ir::Input>(&dataflow_.nodes[id].op);
    if (input && program.sources[input->source].system == system) found.insert(id);
  }
  return found;
}

Nodes Graph::outputs() const {
  Nodes found;
  for (ir::NodeId id = 0; id < dataflow_.nodes.size(); ++id) {
    if (std::holds_alternative<ir::Output>(dataflow_.nodes[id].op)) found.insert(id);
  }
  return found;
}

Nodes intersection(const Nodes& a, const Nodes& b) {
  Nodes both;
  std::ranges::set_intersection(a, b, std::inserter(both, both.end()));
  return both;
}

bool is_stateful(const ir::Node& node) { return std::holds_alternative<ir::Dedup>(node.op); }

bool is_unrepeatable(const ir::Node& node) {
  return is_stateful(node) || node.is_volatile || std::holds_alternative<ir::Enrich>(node.op);
}

}  // namespace piperun::plan
