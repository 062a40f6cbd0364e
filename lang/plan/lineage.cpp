#include "lang/plan/lineage.h"

#include <algorithm>
#include <set>
#include <utility>

#include "lang/ast/match.h"
#include "lang/plan/port.h"

namespace piperun::plan {
namespace {

using Columns = std::vector<int>;  // -1: not a copy of any

class Tracer {
 public:
  Tracer(const ir::Program& program, const ir::Dataflow& dataflow)
      : program_(program), dataflow_(dataflow), into_(dataflow.nodes.size()) {
    for (ir::NodeId id = 0; id < dataflow.nodes.size(); ++id) {
      const auto& next = dataflow.nodes[id].next;
      for (std::uint32_t port = 0; port < next.size(); ++port) {
        for (const ir::Edge& edge : next[port]) into_[edge.to].push_back({id, port});
      }
    }
  }

  void go_above(ir::NodeId node, const Columns& columns) {
    for (const Port& port : into_[node]) visit(port, columns);
  }

  std::set<Origin> found;

 private:
  void visit(const Port& port, const Columns& columns) {
    if (!seen_.emplace(port, columns).second) return;
    const ir::Node& node = dataflow_.nodes[port.node];
    const auto leading = [&](std::size_t count) {
      Columns kept = columns;
      std::ranges::replace_if(kept, [&](int column) { return column >= static_cast<int>(count); }, -1);
      go_above(port.node, kept);
    };
    ast::match(
        node.op, [&](const ir::Input& op) { arrive(op, node, columns); },
        [&](const ir::Apply& op) { through(program_.functions[op.function], port, columns); },
        [&](const ir::Flatten& op) { leading(node.output.size() - (op.with_index ? 2 : 1)); },
        [&](const ir::Dedup&) { go_above(port.node, columns); }, [&](const ir::Enrich&) { leading(node.output.size() - 1); },
        [](const ir::Output&) {});
  }

  void arrive(const ir::Input& input, const ir::Node& node, const Columns& columns) {
    Origin origin{input.source, {}};
    for (const int column : columns)
      origin.fields.push_back(column < 0 ? "" : node.output[static_cast<std::size_t>(column)].name);
    found.insert(std::move(origin));
  }

  // A row function may send a row out of a port at several places.
  void through(const ir::Function& function, const Port& port, const Columns& columns) {
    for (const ir::Block& block : function.blocks) {
      if (block.end.kind != ir::Terminator::Kind::Emit || block.end.emit.port != port.port) continue;
      Columns before;
      for (const int column : columns) {
        before.push_back(column < 0 ? -1 : copied_column(function, block.end.emit.values[static_cast<std::size_t>(column)]));
      }
      go_above(port.node, before);
    }
  }

  // The input column whose value, or whose value if it is not null, this register has.
  int copied_column(const ir::Function& function, ir::Register wanted) const {
    for (;;) {
      const int column = input_column(function, wanted);
      if (column >= 0) return column;
      const ir::Instruction* maker = nullptr;
      for (const ir::Block& block : function.blocks) {
        for (const ir::Instruction& instruction : block.code) {
          if (!makes(function, instruction, wanted)) continue;
          if (maker != nullptr || instruction.op != ir::Op::Copy) return -1;
          maker = &instruction;
        }
      }
      if (maker == nullptr) return -1;
      wanted = maker->operands[0];
    }
  }

  int input_column(const ir::Function& function, ir::Register wanted) const {
    for (int column = 0; column < static_cast<int>(function.input.size()); ++column) {
      const auto first = static_cast<ir::Register>(ir::cell_offset(program_.types, function.input, column));
      if (wanted >= first && wanted < first + cells(function.input[static_cast<std::size_t>(column)].type)) return column;
    }
    return -1;
  }

  bool makes(const ir::Function& function, const ir::Instruction& instruction, ir::Register wanted) const {
    return instruction.result != ir::kNone && wanted >= instruction.result &&
           wanted < instruction.result + cells(function.registers[instruction.result]);
  }

  ir::Register cells(value::TypeId type) const { return program_.types[type].nullable ? 2 : 1; }

  const ir::Program& program_;
  const ir::Dataflow& dataflow_;
  std::vector<std::vector<Port>> into_;
  std::set<std::pair<Port, Columns>> seen_;
};

}  // namespace

std::vector<Origin> origins(const ir::Program& program, const ir::Dataflow& dataflow, ir::NodeId node,
                            const std::vector<int>& columns) {
  Tracer tracer(program, dataflow);
  tracer.go_above(node, columns);
  return {tracer.found.begin(), tracer.found.end()};
}

}  // namespace piperun::plan
