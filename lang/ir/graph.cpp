#include "lang/ir/graph.h"

#include <array>

namespace piperun::ir {

const Schema& output_schema(const Program& program, const Node& node, std::size_t port) {
  if (port == 0) return node.output;
  return program.functions[std::get<Apply>(node.op).function].outputs[port];
}

std::vector<std::vector<Incoming>> incoming_edges(const Dataflow& dataflow) {
  std::vector<std::vector<Incoming>> result(dataflow.nodes.size());
  for (NodeId id = 0; id < dataflow.nodes.size(); ++id) {
    const Node& node = dataflow.nodes[id];
    for (std::uint32_t port = 0; port < node.next.size(); ++port) {
      for (const Edge& edge : node.next[port]) {
        if (edge.to < result.size()) result[edge.to].push_back({id, port});
      }
    }
  }
  return result;
}

const Schema* input_schema(const Program& program, const Dataflow& dataflow, const std::vector<Incoming>& incoming) {
  if (incoming.empty()) return nullptr;
  return &output_schema(program, dataflow.nodes[incoming[0].from], incoming[0].port);
}

const char* operator_name(const Node& node) {
  static constexpr std::array kNames{"input", "apply", "flatten", "dedup", "enrich", "output"};
  return kNames[node.op.index()];
}

}  // namespace piperun::ir
