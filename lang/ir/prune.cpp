#include <algorithm>
#include <utility>
#include <variant>
#include <vector>

#include "lang/ir/control.h"
#include "lang/ir/graph.h"
#include "lang/ir/hidden_columns.h"
#include "lang/ir/passes.h"

namespace piperun::ir {
namespace {

using Columns = std::vector<bool>;  // per column of a schema: is it read

void drop_columns(Schema& schema, const Columns& keep) {
  std::size_t at = 0;
  std::erase_if(schema, [&](const Column&) { return !keep[at++]; });
}

// Indices into a schema, after its columns were dropped.
struct Renumbering {
  explicit Renumbering(const Columns& keep) : place(keep.size()) {
    for (std::size_t i = 0, next = 0; i < keep.size(); ++i) {
      place[i] = static_cast<int>(next);
      if (keep[i]) ++next;
    }
  }
  void operator()(int& column) const {
    if (column >= 0) column = place[static_cast<std::size_t>(column)];
  }
  void operator()(std::vector<int>& columns) const {
    for (int& column : columns) (*this)(column);
  }
  std::vector<int> place;
};

void mark(Columns& columns, int column) {
  if (column >= 0) columns[static_cast<std::size_t>(column)] = true;
}
void mark(Columns& columns, const std::vector<int>& more) {
  for (int column : more) mark(columns, column);
}

void drop_emitted(Function& function, const std::vector<Columns>& ports) {
  for (Block& block : function.blocks) {
    if (block.end.kind != Terminator::Kind::Emit) continue;
    const Columns& keep = ports[block.end.emit.port];
    std::size_t at = 0;
    std::erase_if(block.end.emit.values, [&](Register) { return !keep[at++]; });
  }
  for (std::size_t port = 0; port < ports.size(); ++port) drop_columns(function.outputs[port], ports[port]);
}

Columns read_inputs(const value::TypeTable& types, Function& function) {
  std::vector<bool> read(function.registers.size());
  for (Block& block : function.blocks) {
    map_operands(block, [&](Register r) {
      for (int i = 0; i < value::cells(types[function.registers[r]]); ++i) read[r + static_cast<Register>(i)] = true;
      return r;
    });
  }
  Columns result;
  std::size_t r = 0;
  for (const Column& column : function.input) {
    bool is_read = false;
    for (int i = 0; i < value::cells(types[column.type]); ++i) is_read = read[r++] || is_read;
    result.push_back(is_read);
  }
  return result;
}

void drop_inputs(const value::TypeTable& types, Function& function, const Columns& keep) {
  std::vector<Register> place(function.registers.size());
  std::vector<value::TypeId> registers;
  std::size_t r = 0;
  const auto take = [&](bool kept) {
    place[r] = static_cast<Register>(registers.size());
    if (kept) registers.push_back(function.registers[r]);
    ++r;
  };
  for (std::size_t column = 0; column < keep.size(); ++column) {
    for (int i = 0; i < value::cells(types[function.input[column].type]); ++i) take(keep[column]);
  }
  while (r < function.registers.size()) take(true);
  function.registers = std::move(registers);
  for (Block& block : function.blocks) map_registers(block, [&](Register old) { return place[old]; });
  drop_columns(function.input, keep);
}

class Pruning {
 public:
  Pruning(Program& program, Dataflow& dataflow) : program_(program), dataflow_(dataflow), incoming_(incoming_edges(dataflow)) {
    for (const Node& node : dataflow.nodes) {
      wanted_.emplace_back();
      const std::size_t ports = std::holds_alternative<Apply>(node.op) ? function(node).outputs.size() : 1;
      for (std::size_t port = 0; port < ports; ++port) wanted_.back().emplace_back(output_schema(program, node, port).size());
    }
    for (const auto& edges : incoming_) keep_what_is_shared(edges);
  }

  void run() {
    for (NodeId id = static_cast<NodeId>(dataflow_.nodes.size()); id-- > 0;) {
      Node& node = dataflow_.nodes[id];
      const auto reads = std::visit([&](auto& op) { return prune_node(id, node, op); }, node.op);
      for (const Incoming& edge : incoming_[id]) {
        Columns& wanted = wanted_[edge.from][edge.port];
        for (std::size_t i = 0; i < wanted.size(); ++i) wanted[i] = wanted[i] || reads[i];
      }
    }
    for (NodeId id = 0; id < dataflow_.nodes.size(); ++id) finish(id);
  }

 private:
  // Where several meet, all must send the same columns: a node whose output depends on more than this one reader sends everything.
  void keep_what_is_shared(const std::vector<Incoming>& edges) {
    const auto depends_on_more = [&](const Incoming& edge) {
      const Node& node = dataflow_.nodes[edge.from];
      const bool chooses = std::holds_alternative<Apply>(node.op) || std::holds_alternative<Input>(node.op);
      return !chooses || node.next[edge.port].size() > 1;
    };
    if (edges.size() < 2 || std::none_of(edges.begin(), edges.end(), depends_on_more)) return;
    for (const Incoming& edge : edges) wanted_[edge.from][edge.port].assign(wanted_[edge.from][edge.port].size(), true);
  }

  Function& function(const Node& node) { return program_.functions[std::get<Apply>(node.op).function]; }

  // Each answers which columns of its input are read, and drops what nobody wants of its output.

  // The time of a record comes from its event time field.
  Columns prune_node(NodeId id, Node& node, Input& input) {
    const Source& source = program_.sources[input.source];
    const auto time =
        std::find_if(node.output.begin(), node.output.end(), [](const Column& column) { return column.name == kTimeColumn; });
    if (source.event_time < 0 || time == node.output.end() ||
        !wanted_[id][0][static_cast<std::size_t>(time - node.output.begin())])
      return {};
    const std::string& field = program_.types[source.type].fields[static_cast<std::size_t>(source.event_time)].name;
    for (std::size_t i = 0; i < node.output.size(); ++i) {
      if (node.output[i].name == field) wanted_[id][0][i] = true;
    }
    return {};
  }

  Columns prune_node(NodeId id, Node& node, Apply& apply) {
    program_.functions.push_back(program_.functions[apply.function]);
    apply.function = static_cast<FunctionId>(program_.functions.size() - 1);
    Function& own = function(node);
    drop_emitted(own, wanted_[id]);
    drop_dead_code(program_.types, own);
    return read_inputs(program_.types, own);
  }

  Columns prune_node(NodeId id, Node& node, Flatten& flatten) {
    const std::size_t added = flatten.with_index ? 2 : 1;
    Columns& wanted = wanted_[id][0];
    wanted[wanted.size() - added] = true;
    if (flatten.with_index && !wanted.back()) {
      flatten.with_index = false;
      node.output.pop_back();
      wanted.pop_back();
    }
    Columns reads(wanted.begin(), wanted.end() - (flatten.with_index ? 2 : 1));
    reads.push_back(true);
    return reads;
  }

  Columns prune_node(NodeId id, Node&, Dedup& dedup) {
    Columns& wanted = wanted_[id][0];
    mark(wanted, dedup.key);
    mark(wanted, dedup.time);
    return wanted;
  }

  Columns prune_node(NodeId id, Node&, Enrich& enrich) {
    Columns& wanted = wanted_[id][0];
    mark(wanted, enrich.key);
    wanted.back() = true;
    return {wanted.begin(), wanted.end() - 1};
  }

  Columns prune_node(NodeId id, Node&, Output& output) {
    Columns reads(input_size(id));
    mark(reads, output.columns);
    mark(reads, output.headers);
    mark(reads, output.message_key);
    for (int column : {output.remove, output.value, output.extra, output.idempotency}) mark(reads, column);
    return reads;
  }

  std::size_t input_size(NodeId id) const {
    const Incoming& edge = incoming_[id][0];
    return wanted_[edge.from][edge.port].size();
  }

  // What flows into a node is what all its siblings want together, so the inputs are renumbered when all is known.
  void finish(NodeId id) {
    Node& node = dataflow_.nodes[id];
    if (incoming_[id].empty()) return drop_columns(node.output, wanted_[id][0]);
    Columns keep(input_size(id));
    for (const Incoming& edge : incoming_[id]) {
      const Columns& wanted = wanted_[edge.from][edge.port];
      for (std::size_t i = 0; i < keep.size(); ++i) keep[i] = keep[i] || wanted[i];
    }
    const Renumbering place(keep);
    if (std::holds_alternative<Apply>(node.op)) {
      drop_inputs(program_.types, function(node), keep);
      node.output = function(node).outputs[0];
    } else if (auto* dedup = std::get_if<Dedup>(&node.op)) {
      place(dedup->key);
      place(dedup->time);
      pass_on(id, std::move(keep));
    } else if (auto* enrich = std::get_if<Enrich>(&node.op)) {
      place(enrich->key);
      keep.push_back(true);
      pass_on(id, std::move(keep));
    } else if (auto* flatten = std::get_if<Flatten>(&node.op)) {
      if (flatten->with_index) keep.push_back(true);
      pass_on(id, std::move(keep));
    } else if (auto* output = std::get_if<Output>(&node.op)) {
      place(output->columns);
      place(output->headers);
      place(output->message_key);
      for (int* column : {&output->remove, &output->value, &output->extra, &output->idempotency}) place(*column);
    }
  }

  // These operators send all that they receive, also what only another reader of their input, or they themselves, wanted.
  void pass_on(NodeId id, Columns columns) {
    drop_columns(dataflow_.nodes[id].output, columns);
    wanted_[id][0] = std::move(columns);
  }

  Program& program_;
  Dataflow& dataflow_;
  std::vector<std::vector<Incoming>> incoming_;
  std::vector<std::vector<Columns>> wanted_;  // per node and port
};

}  // namespace

void prune(Program& program, Dataflow& dataflow) { Pruning(program, dataflow).run(); }

}  // namespace piperun::ir
