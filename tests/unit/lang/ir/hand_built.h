// Small programs written by hand, for tests of the passes and the verifier.
#pragma once
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lang/ir/builder.h"
#include "lang/ir/print.h"
#include "lang/ir/verify.h"

namespace piperun::ir {

struct HandBuilt {
  Program program;
  value::TypeId boolean, integer, string, nullable_string;

  HandBuilt() {
    program.memory = std::make_unique<value::Arena>();
    program.policies.emplace_back();
    program.files = {"t.pipe"};
    boolean = program.types.scalar(value::TypeKind::Bool);
    integer = program.types.scalar(value::TypeKind::Int);
    string = program.types.scalar(value::TypeKind::String);
    nullable_string = program.types.with_null(string);
    program.systems.push_back({.name = "db", .kind = SystemKind::Embedded, .options = {}});
  }

  Constant number(std::int64_t value) const {
    Constant constant{.type = integer, .secret = {}};
    constant.cells[0] = value::Cell::of(value);
    return constant;
  }
  Constant truth(bool value) const {
    Constant constant{.type = boolean, .secret = {}};
    constant.cells[0] = value::Cell::of(value);
    return constant;
  }

  FunctionId add(Function function) {
    program.functions.push_back(std::move(function));
    return static_cast<FunctionId>(program.functions.size() - 1);
  }

  // A source of a record with these fields, read by node 0.
  void add_input(const Schema& columns) {
    std::vector<value::Field> fields;
    for (const Column& column : columns) fields.push_back({column.name, column.type});
    Source source;
    source.name = "s";
    source.type = program.types.record("S", fields);
    program.sources.push_back(source);
    add_node(Input{0}, columns, 1);
  }

  NodeId add_node(decltype(Node::op) op, Schema output, std::size_t ports) {
    Node node;
    node.flow = "f";
    node.stage = "stage";
    node.op = std::move(op);
    node.output = std::move(output);
    node.next.resize(ports);
    program.graph.nodes.push_back(std::move(node));
    return static_cast<NodeId>(program.graph.nodes.size() - 1);
  }

  NodeId add_apply(FunctionId function) {
    return add_node(Apply{function}, program.functions[function].outputs[0], program.functions[function].outputs.size());
  }

  NodeId add_output(const Schema& columns) {
    Sink sink;
    sink.name = "out" + std::to_string(program.sinks.size());
    sink.columns = columns;
    Output output;
    output.sink = static_cast<SinkId>(program.sinks.size());
    for (std::size_t i = 0; i < columns.size(); ++i) output.columns.push_back(static_cast<int>(i));
    program.sinks.push_back(sink);
    return add_node(output, {}, 0);
  }

  void connect(NodeId from, NodeId to, std::size_t port = 0) { program.graph.nodes[from].next[port].push_back({to}); }

  // Passes its input on, column `index` plus `amount`.
  Function plus(const Schema& columns, std::size_t index, std::int64_t amount) {
    FunctionBuilder b(program.types, "plus");
    std::vector<Value> values;
    for (const Column& column : columns) values.push_back(b.add_input(column));
    values[index] = b.add(Op::AddInt, integer, {values[index], b.constant(number(amount))});
    b.add_output(columns);
    b.emit(0, values);
    return b.finish();
  }

  std::string faults() const {
    std::string text;
    for (const std::string& fault : verify(program)) text += fault + "\n";
    return text;
  }
};

}  // namespace piperun::ir
