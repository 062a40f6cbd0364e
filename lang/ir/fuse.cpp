#include <algorithm>
#include <utility>
#include <vector>

#include "lang/ir/control.h"
#include "lang/ir/graph.h"
#include "lang/ir/passes.h"

namespace piperun::ir {
namespace {

BlockId only_emit(const Function& function, std::uint32_t port) {
  BlockId found = kDie;
  for (BlockId id = 0; id < function.blocks.size(); ++id) {
    const Terminator& end = function.blocks[id].end;
    if (end.kind != Terminator::Kind::Emit || end.emit.port != port) continue;
    if (found != kDie) return kDie;
    found = id;
  }
  return found;
}

// Puts `second` behind the one emit to `port` of `first`. Port 0 of `second` takes the place of `port`, its others are appended.
Function inlined(const value::TypeTable& types, Function first, Function second, std::uint32_t port) {
  const BlockId at = only_emit(first, port);
  const std::vector<Register> values = first.blocks[at].end.emit.values;

  std::vector<Register> place(second.registers.size());
  Register input = 0;
  for (std::size_t column = 0; column < second.input.size(); ++column) {
    for (int i = 0; i < value::cells(types[second.input[column].type]); ++i)
      place[input++] = values[column] + static_cast<Register>(i);
  }
  for (Register r = input; r < second.registers.size(); ++r) {
    place[r] = static_cast<Register>(first.registers.size());
    first.registers.push_back(second.registers[r]);
  }

  const auto constants = static_cast<std::uint32_t>(first.constants.size());
  std::move(second.constants.begin(), second.constants.end(), std::back_inserter(first.constants));
  const auto ports = static_cast<std::uint32_t>(first.outputs.size());
  first.outputs[port] = std::move(second.outputs[0]);
  std::move(second.outputs.begin() + 1, second.outputs.end(), std::back_inserter(first.outputs));

  const auto blocks = static_cast<BlockId>(first.blocks.size());
  first.blocks[at].end = {.kind = Terminator::Kind::Jump, .jump = {blocks}, .branch = {}, .emit = {}, .fail = {}};
  for (Block& block : second.blocks) {
    map_registers(block, [&](Register r) { return place[r]; });
    map_blocks(block, [&](BlockId to) { return to + blocks; });
    for (Instruction& instruction : block.code) {
      if (instruction.op == Op::Const) instruction.index += constants;
    }
    if (block.end.kind == Terminator::Kind::Emit) {
      std::uint32_t& to = block.end.emit.port;
      to = to == 0 ? port : ports + to - 1;
    }
    first.blocks.push_back(std::move(block));
  }
  first.name += first.name == second.name ? "" : " + " + second.name;
  straighten(first);
  return first;
}

class Fusion {
 public:
  Fusion(Program& program, Dataflow& dataflow) : program_(program), dataflow_(dataflow) {}

  void run() {
    std::vector<bool> gone(dataflow_.nodes.size());
    incoming_ = incoming_edges(dataflow_);
    for (NodeId id = 0; id < dataflow_.nodes.size(); ++id) {
      if (gone[id] || !std::holds_alternative<Apply>(dataflow_.nodes[id].op)) continue;
      for (std::size_t port = 0; port < dataflow_.nodes[id].next.size();) {
        const NodeId next = partner(id, port);
        if (next == kNone) {
          ++port;
          continue;
        }
        join(id, static_cast<std::uint32_t>(port), next);
        gone[next] = true;
        incoming_ = incoming_edges(dataflow_);
      }
    }
    remove(gone);
  }

 private:
  // The Apply that alone follows `port` of `id` and that nothing else leads to.
  NodeId partner(NodeId id, std::size_t port) const {
    const Node& node = dataflow_.nodes[id];
    if (node.next[port].size() != 1) return kNone;
    const NodeId to = node.next[port][0].to;
    const Node& next = dataflow_.nodes[to];
    if (!std::holds_alternative<Apply>(next.op) || incoming_[to].size() != 1 || next.policy != node.policy) return kNone;
    const Function& function = program_.functions[std::get<Apply>(node.op).function];
    return only_emit(function, static_cast<std::uint32_t>(port)) == kDie ? kNone : to;
  }

  void join(NodeId id, std::uint32_t port, NodeId to) {
    Node& node = dataflow_.nodes[id];
    Node& next = dataflow_.nodes[to];
    FunctionId& function = std::get<Apply>(node.op).function;
    program_.functions.push_back(
        inlined(program_.types, program_.functions[function], program_.functions[std::get<Apply>(next.op).function], port));
    function = static_cast<FunctionId>(program_.functions.size() - 1);
    const Function& fused = program_.functions.back();
    next.next.resize(program_.functions[std::get<Apply>(next.op).function].outputs.size());
    node.next.resize(fused.outputs.size() + 1 - next.next.size());
    node.next[port] = std::move(next.next[0]);
    std::move(next.next.begin() + 1, next.next.end(), std::back_inserter(node.next));
    next.next.clear();
    node.output = fused.outputs[0];
    node.is_volatile = node.is_volatile || next.is_volatile;
    if (node.flow == next.flow) node.stage += ", " + next.stage;
  }

  // A fused node stands where its first part stood; what followed a later part still comes behind it, so the order holds.
  void remove(const std::vector<bool>& gone) {
    std::vector<NodeId> place(gone.size());
    std::vector<Node> nodes;
    for (NodeId id = 0; id < gone.size(); ++id) {
      place[id] = static_cast<NodeId>(nodes.size());
      if (!gone[id]) nodes.push_back(std::move(dataflow_.nodes[id]));
    }
    dataflow_.nodes = std::move(nodes);
    for (Node& node : dataflow_.nodes) {
      for (auto& edges : node.next) {
        for (Edge& edge : edges) edge.to = place[edge.to];
      }
    }
  }

  Program& program_;
  Dataflow& dataflow_;
  std::vector<std::vector<Incoming>> incoming_;
};

}  // namespace

void fuse(Program& program, Dataflow& dataflow) { Fusion(program, dataflow).run(); }

}  // namespace piperun::ir
