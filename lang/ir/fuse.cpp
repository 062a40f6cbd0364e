#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include "lang/ir/control.h"
#include "lang/ir/graph.h"
#include "lang/ir/passes.h"

namespace piperun::ir {
namespace {

// A function that grows at its end, with the place of each port's emit at hand: a chain of thousands is fused in one go.
class Growing {
 public:
  Growing(const value::TypeTable& types, Function function) : types_(types), f_(std::move(function)), emits_(f_.outputs.size()) {
    for (BlockId id = 0; id < f_.blocks.size(); ++id) note_emit(id);
  }

  std::size_t ports() const { return f_.outputs.size(); }
  bool emits_once(std::uint32_t port) const { return emits_[port].count == 1; }

  // Puts `second` behind the one emit to `port`. Port 0 of `second` takes the place of `port`, its others are appended.
  void append(Function second, std::uint32_t port) {
    const BlockId at = emits_[port].block;
    const std::vector<Register> place = place_registers(second, f_.blocks[at].end.emit.values);
    const auto constants = static_cast<std::uint32_t>(f_.constants.size());
    std::move(second.constants.begin(), second.constants.end(), std::back_inserter(f_.constants));
    const auto ports = static_cast<std::uint32_t>(f_.outputs.size());
    f_.outputs[port] = std::move(second.outputs[0]);
    std::move(second.outputs.begin() + 1, second.outputs.end(), std::back_inserter(f_.outputs));
    emits_[port] = {};
    emits_.resize(f_.outputs.size());

    const auto blocks = static_cast<BlockId>(f_.blocks.size());
    f_.blocks[at].end = {.kind = Terminator::Kind::Jump, .jump = {blocks}, .branch = {}, .emit = {}, .fail = {}};
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
      f_.blocks.push_back(std::move(block));
      note_emit(static_cast<BlockId>(f_.blocks.size() - 1));
    }
    if (f_.name != second.name) f_.name += " + " + second.name;
  }

  Function finish() && {
    straighten(f_);
    return std::move(f_);
  }

 private:
  struct Emits {
    std::size_t count = 0;
    BlockId block = kDie;
  };

  void note_emit(BlockId id) {
    const Terminator& end = f_.blocks[id].end;
    if (end.kind != Terminator::Kind::Emit) return;
    ++emits_[end.emit.port].count;
    emits_[end.emit.port].block = id;
  }

  // Where the registers of `second` are from now on: those of its input are the emitted `values`, the others are new.
  std::vector<Register> place_registers(const Function& second, const std::vector<Register>& values) {
    std::vector<Register> place(second.registers.size());
    Register input = 0;
    for (std::size_t column = 0; column < second.input.size(); ++column) {
      for (int i = 0; i < value::cells(types_[second.input[column].type]); ++i)
        place[input++] = values[column] + static_cast<Register>(i);
    }
    for (Register r = input; r < second.registers.size(); ++r) {
      place[r] = static_cast<Register>(f_.registers.size());
      f_.registers.push_back(second.registers[r]);
    }
    return place;
  }

  const value::TypeTable& types_;
  Function f_;
  std::vector<Emits> emits_;  // per port
};

class Fusion {
 public:
  Fusion(Program& program, Dataflow& dataflow) : program_(program), dataflow_(dataflow), readers_(dataflow.nodes.size()) {}

  void run() {
    const auto incoming = incoming_edges(dataflow_);
    for (NodeId id = 0; id < readers_.size(); ++id) readers_[id] = incoming[id].size();
    std::vector<bool> gone(dataflow_.nodes.size());
    for (NodeId id = 0; id < dataflow_.nodes.size(); ++id) {
      if (!gone[id] && std::holds_alternative<Apply>(dataflow_.nodes[id].op)) grow(id, gone);
    }
    remove(gone);
  }

 private:
  const Function& function(const Node& node) const { return program_.functions[std::get<Apply>(node.op).function]; }

  void grow(NodeId id, std::vector<bool>& gone) {
    std::optional<Growing> fused;
    for (std::size_t port = 0; port < dataflow_.nodes[id].next.size();) {
      const NodeId next = partner(id, port);
      if (next != kNone && !fused) fused.emplace(program_.types, function(dataflow_.nodes[id]));
      if (next == kNone || !fused->emits_once(static_cast<std::uint32_t>(port))) {
        ++port;
        continue;
      }
      join(id, port, next, *fused);
      gone[next] = true;
    }
    if (!fused) return;
    program_.functions.push_back(std::move(*fused).finish());
    std::get<Apply>(dataflow_.nodes[id].op).function = static_cast<FunctionId>(program_.functions.size() - 1);
    dataflow_.nodes[id].output = program_.functions.back().outputs[0];
  }

  // The Apply that alone follows `port` of `id` and that nothing else leads to.
  NodeId partner(NodeId id, std::size_t port) const {
    const Node& node = dataflow_.nodes[id];
    if (node.next[port].size() != 1) return kNone;
    const NodeId to = node.next[port][0].to;
    const Node& next = dataflow_.nodes[to];
    return std::holds_alternative<Apply>(next.op) && readers_[to] == 1 && next.policy == node.policy ? to : kNone;
  }

  void join(NodeId id, std::size_t port, NodeId to, Growing& fused) {
    Node& node = dataflow_.nodes[id];
    Node& next = dataflow_.nodes[to];
    node.next.resize(fused.ports());
    fused.append(function(next), static_cast<std::uint32_t>(port));
    next.next.resize(function(next).outputs.size());
    node.next[port] = std::move(next.next[0]);
    std::move(next.next.begin() + 1, next.next.end(), std::back_inserter(node.next));
    next.next.clear();
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
  std::vector<std::size_t> readers_;  // per node: edges that lead to it; fusing leaves their number as it is
};

}  // namespace

void fuse(Program& program, Dataflow& dataflow) { Fusion(program, dataflow).run(); }

}  // namespace piperun::ir
