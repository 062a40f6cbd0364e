#include "lang/prove/explain_flow.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "lang/ir/declared.h"
#include "lang/ir/graph.h"
#include "lang/value/duration_text.h"

namespace piperun::prove {
namespace {

constexpr std::size_t kWidth = 110;
constexpr std::size_t kStageWidth = 34;

// What users see of a record; hidden columns are the engine's.
std::string record_text(const ir::Program& program, const ir::Schema& schema) {
  std::vector<std::string> fields;
  for (const ir::Column& column : schema) {
    if (!column.name.starts_with('#') && !column.name.starts_with('@')) {
      fields.push_back(fmt::format("{}: {}", column.name, program.types.name(column.type)));
    }
  }
  return fmt::format("{}", fmt::join(fields, ", "));
}

// Behind the stage, broken at commas, below where it began.
std::string beside(const std::string& stage, const std::string& text) {
  std::string out = fmt::format("    {:<{}}", stage, kStageWidth);
  const std::string margin(kStageWidth + 4, ' ');
  if (text.empty()) return out.substr(0, out.find_last_not_of(' ') + 1) + "\n";
  if (stage.size() > kStageWidth) out += "\n" + margin;
  std::size_t column = margin.size();
  std::size_t begin = 0;
  while (begin < text.size()) {
    std::size_t end = text.find(", ", begin);
    end = end == std::string::npos ? text.size() : end + 2;
    if (column > margin.size() && column + (end - begin) > kWidth) {
      out.erase(out.find_last_not_of(' ') + 1);
      out += "\n" + margin;
      column = margin.size();
    }
    out += text.substr(begin, end - begin);
    column += end - begin;
    begin = end;
  }
  return out + "\n";
}

class Flows {
 public:
  Flows(const ir::Program& program, const ir::Dataflow& dataflow, const plan::Places* places)
      : program_(program), dataflow_(dataflow), places_(places), incoming_(ir::incoming_edges(dataflow)) {}

  std::string text() {
    std::map<std::string_view, std::size_t> place;
    std::vector<std::vector<ir::NodeId>> flows;  // in the order in which they begin
    for (ir::NodeId id = 0; id < dataflow_.nodes.size(); ++id) {
      const auto [known, is_new] = place.try_emplace(dataflow_.nodes[id].flow, flows.size());
      if (is_new) flows.emplace_back();
      flows[known->second].push_back(id);
    }
    for (const std::vector<ir::NodeId>& nodes : flows) {
      out_ += fmt::format("  flow {}\n", dataflow_.nodes[nodes.front()].flow);
      for (const ir::NodeId id : nodes) stage(id);
    }
    return std::move(out_);
  }

 private:
  void stage(ir::NodeId id) {
    const ir::Node& node = dataflow_.nodes[id];
    std::set<std::string> others;
    for (const ir::Incoming& edge : incoming_[id]) {
      const ir::Node& before = dataflow_.nodes[edge.from];
      if (before.flow != node.flow) others.insert(stream(before));
    }
    if (!others.empty()) out_ += fmt::format("    from {}\n", fmt::join(others, ", "));
    if (const auto* output = std::get_if<ir::Output>(&node.op)) return arrival(*output);
    if (continues(id)) return;
    std::string after = record_text(program_, node.output);
    if (after == last_ && !std::holds_alternative<ir::Input>(node.op)) {
      after = what_it_keeps(node);
    } else {
      last_ = after;
      after = fmt::format("{{ {} }}", after);
    }
    out_ += beside(stage_text(node), after);
  }

  // What another flow reads: a source is read once for all flows, a link is read in place of the flow that writes it.
  std::string stream(const ir::Node& node) const {
    const auto* input = std::get_if<ir::Input>(&node.op);
    const bool is_flow = input == nullptr || ir::link_read(program_, input->source) != nullptr;
    return is_flow ? node.flow : program_.sources[input->source].name;
  }

  // One stage of the file can be several operators: `enrich` looks up, then computes. The last one shows the result.
  bool continues(ir::NodeId id) const {
    const ir::Node& node = dataflow_.nodes[id];
    if (std::holds_alternative<ir::Input>(node.op) || id + 1 >= dataflow_.nodes.size()) return false;
    const ir::Node& next = dataflow_.nodes[id + 1];
    return node.site.line > 0 && next.site.line == node.site.line && next.site.column == node.site.column &&
           next.stage == node.stage;
  }

  std::string stage_text(const ir::Node& node) const {
    if (const auto* input = std::get_if<ir::Input>(&node.op)) return fmt::format("from {}", program_.sources[input->source].name);
    const std::string written = places_ ? places_->line_from(node.site) : "";
    return written.starts_with(node.stage.substr(0, node.stage.find(' '))) ? written : node.stage;
  }

  std::string what_it_keeps(const ir::Node& node) const {
    const auto* dedup = std::get_if<ir::Dedup>(&node.op);
    if (!dedup) return node.is_volatile ? "(reads a clock or a table)" : "";
    return fmt::format("(remembers keys for {} as `{}`)", value::duration_text(dedup->within), dedup->name);
  }

  void arrival(const ir::Output& output) {
    const ir::Sink& sink = program_.sinks[output.sink];
    std::string note;
    if (output.remove >= 0) note = "(a record can delete its key)";
    if (ir::link_written(program_, output.sink) != nullptr) {
      const bool is_outbox = program_.systems[sink.system].kind == ir::SystemKind::Postgres;
      note = is_outbox ? "(an outbox beside the rows, for the next unit)" : "(an internal topic, for the next unit)";
    }
    out_ += beside(fmt::format("to {}", sink.name), note);
  }

  const ir::Program& program_;
  const ir::Dataflow& dataflow_;
  const plan::Places* places_;
  std::vector<std::vector<ir::Incoming>> incoming_;
  std::string last_;
  std::string out_;
};

}  // namespace

std::string explain_flows(const ir::Program& program, const ir::Dataflow& dataflow, const plan::Places* places) {
  return Flows(program, dataflow, places).text();
}

}  // namespace piperun::prove
