#include "lang/ir/verify.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "lang/ir/graph.h"

namespace piperun::ir {
namespace {

class DataflowVerifier {
 public:
  DataflowVerifier(const Program& program, const Dataflow& dataflow) : program_(program), dataflow_(dataflow) {}

  std::vector<std::string> run() {
    for (id_ = 0; id_ < dataflow_.nodes.size(); ++id_) check_edges(dataflow_.nodes[id_]);
    if (!faults_.empty()) return std::move(faults_);
    incoming_ = incoming_edges(dataflow_);
    for (id_ = 0; id_ < dataflow_.nodes.size(); ++id_) check_node(dataflow_.nodes[id_]);
    return std::move(faults_);
  }

 private:
  template <typename... Args>
  void fault(fmt::format_string<Args...> words, Args&&... args) {
    const Node& node = dataflow_.nodes[id_];
    faults_.push_back(
        fmt::format("node {} ({} {}): {}", id_, node.flow, node.stage, fmt::format(words, std::forward<Args>(args)...)));
  }

  void check_edges(const Node& node) {
    for (const auto& edges : node.next) {
      for (const Edge& edge : edges) {
        if (edge.to >= dataflow_.nodes.size()) fault("leads to node {}, which is not there", edge.to);
        else if (edge.to <= id_) fault("leads back to node {}", edge.to);
      }
    }
    std::size_t ports = 1;
    if (const auto* apply = std::get_if<Apply>(&node.op)) {
      if (apply->function >= program_.functions.size()) return fault("applies function {}, which is not there", apply->function);
      ports = program_.functions[apply->function].outputs.size();
    } else if (std::holds_alternative<Output>(node.op)) {
      ports = 0;
    }
    if (node.next.size() > ports) fault("has {} ports, its operator {}", node.next.size(), ports);
    if (node.policy >= program_.policies.size()) fault("has policy {}, which is not there", node.policy);
  }

  static bool same_types(const Schema& a, const Schema& b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (a[i].type != b[i].type) return false;
    }
    return true;
  }

  void check_node(const Node& node) {
    const auto& incoming = incoming_[id_];
    const Schema* input = input_schema(program_, dataflow_, incoming);
    if (const auto* source = std::get_if<Input>(&node.op)) {
      if (input != nullptr) fault("an input that is led to");
      if (source->source >= program_.sources.size()) fault("has source {}, which is not there", source->source);
      return;
    }
    if (input == nullptr) return fault("nothing leads to it");
    for (const Incoming& edge : incoming) {
      if (!same_types(output_schema(program_, dataflow_.nodes[edge.from], edge.port), *input)) {
        fault("the schemas of nodes {} and {} differ", incoming[0].from, edge.from);
      }
    }
    std::visit([&](const auto& op) { check(node, op, *input); }, node.op);
  }

  void check(const Node&, const Input&, const Schema&) {}

  void check(const Node& node, const Apply& apply, const Schema& input) {
    const Function& function = program_.functions[apply.function];
    if (!same_types(function.input, input)) fault("function {} takes another schema", function.name);
    if (function.outputs.empty() || !same_types(function.outputs[0], node.output))
      fault("function {} emits another schema", function.name);
  }

  void check(const Node& node, const Flatten& flatten, const Schema& input) {
    if (input.empty() || type(input.back()).kind != value::TypeKind::List || type(input.back()).nullable)
      return fault("the last column is no list");
    Schema expected(input.begin(), input.end() - 1);
    expected.push_back({"element", type(input.back()).element});
    const std::size_t extra = flatten.with_index ? 1 : 0;
    if (node.output.size() != expected.size() + extra)
      return fault("has {} columns, not {}", node.output.size(), expected.size() + extra);
    if (extra == 1 && type(node.output.back()).kind != value::TypeKind::Int) fault("the number is no int64");
    if (!same_types({node.output.begin(), node.output.end() - static_cast<std::ptrdiff_t>(extra)}, expected))
      fault("emits another schema");
  }

  void check(const Node& node, const Dedup& dedup, const Schema& input) {
    check_keys(dedup.key, input);
    if (!is_column(dedup.time, input) || type(input[static_cast<std::size_t>(dedup.time)]).kind != value::TypeKind::Timestamp)
      fault("has no time");
    if (dedup.within <= 0) fault("has no `within`");
    if (!same_types(node.output, input)) fault("emits another schema");
  }

  void check(const Node& node, const Enrich& enrich, const Schema& input) {
    check_keys(enrich.key, input);
    if (enrich.table >= program_.tables.size()) return fault("has table {}, which is not there", enrich.table);
    const Table& table = program_.tables[enrich.table];
    if (table.key.size() != enrich.key.size()) fault("has {} keys, the table {}", enrich.key.size(), table.key.size());
    if (node.output.size() != input.size() + 1 || !same_types({node.output.begin(), node.output.end() - 1}, input))
      return fault("emits another schema");
    value::Type row = type(node.output.back());
    row.nullable = false;
    if (!type(node.output.back()).nullable || row != program_.types[table.type])
      fault("the looked-up row is a {}", program_.types.name(node.output.back().type));
  }

  void check(const Node&, const Output& output, const Schema& input) {
    if (output.sink >= program_.sinks.size()) return fault("has sink {}, which is not there", output.sink);
    const Sink& sink = program_.sinks[output.sink];
    if (output.columns.size() != sink.columns.size())
      return fault("has {} columns, the sink {}", output.columns.size(), sink.columns.size());
    for (std::size_t i = 0; i < output.columns.size(); ++i) {
      if (!is_column(output.columns[i], input)) fault("column {} is not there", output.columns[i]);
      else if (input[static_cast<std::size_t>(output.columns[i])].type != sink.columns[i].type)
        fault("`{}` has another type in the sink", sink.columns[i].name);
    }
    if (output.headers.size() != sink.headers.size())
      fault("has {} headers, the sink {}", output.headers.size(), sink.headers.size());
    for (int column : output.headers) check_hidden(column, input, "header");
    for (int column : output.message_key) check_hidden(column, input, "message key");
    if (output.remove != -1 && check_hidden(output.remove, input, "delete mark") &&
        type(input[static_cast<std::size_t>(output.remove)]).kind != value::TypeKind::Bool) {
      fault("the delete mark is no bool");
    }
    if (output.value != -1) check_hidden(output.value, input, "value");
    if (output.extra != -1) check_hidden(output.extra, input, "extra");
    if (output.idempotency != -1) check_hidden(output.idempotency, input, "idempotency");
  }

  const value::Type& type(const Column& column) const { return program_.types[column.type]; }
  static bool is_column(int column, const Schema& schema) {
    return column >= 0 && static_cast<std::size_t>(column) < schema.size();
  }
  bool check_hidden(int column, const Schema& schema, std::string_view what) {
    if (!is_column(column, schema)) fault("the column {} of its {} is not there", column, what);
    return is_column(column, schema);
  }
  void check_keys(const std::vector<int>& keys, const Schema& input) {
    if (keys.empty()) fault("has no key");
    for (int column : keys) {
      if (!check_hidden(column, input, "key")) continue;
      if (type(input[static_cast<std::size_t>(column)]).nullable)
        fault("the key `{}` may be null", input[static_cast<std::size_t>(column)].name);
    }
  }

  const Program& program_;
  const Dataflow& dataflow_;
  NodeId id_ = 0;
  std::vector<std::vector<Incoming>> incoming_;
  std::vector<std::string> faults_;
};

}  // namespace

std::vector<std::string> verify(const Program& program, const Dataflow& dataflow) {
  return DataflowVerifier(program, dataflow).run();
}

std::vector<std::string> verify(const Program& program) {
  std::vector<std::string> faults;
  const auto add = [&](const std::string& where, std::vector<std::string> found) {
    for (std::string& fault : found) faults.push_back(where + std::move(fault));
  };
  for (const Function& function : program.functions) add("", verify(program, function));
  add("graph: ", verify(program, program.graph));
  for (const Unit& unit : program.units) add("unit " + unit.name + ": ", verify(program, unit.dataflow));
  if (program.policies.empty()) faults.push_back("the program has no error policy");
  return faults;
}

}  // namespace piperun::ir
