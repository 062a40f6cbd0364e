#include "lang/plan/copy_out.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "lang/ir/declared.h"
#include "lang/ir/policy.h"
#include "lang/plan/link.h"
#include "lang/plan/names.h"

namespace piperun::plan {
namespace {

ir::StateSchema state_of(const ir::Program& program, const ir::Node& node, const ir::Dedup& dedup) {
  ir::StateSchema state{.name = dedup.name, .kind = "dedup", .key = {}, .within = dedup.within, .fields = dedup.fields};
  for (const int column : dedup.key) state.key.push_back(program.types.name(node.output[static_cast<std::size_t>(column)].type));
  return state;
}

// What cannot be decoded is the failure of all flows of the unit that read the source.
void choose_policy_of_input(const ir::Program& program, const std::vector<ir::Node>& nodes, ir::Node& input) {
  if (input.next[0].empty()) return;
  input.policy = nodes[input.next[0].front().to].policy;
  for (const ir::Edge& edge : input.next[0]) {
    const std::uint32_t policy = nodes[edge.to].policy;
    if (ir::gives_up_less(program.policies[policy], program.policies[input.policy])) input.policy = policy;
  }
}

void collect(const ir::Program& program, ir::Unit& unit) {
  std::set<ir::SinkId> sinks;
  std::set<ir::TableId> tables;
  std::map<std::string, ir::SourceId> sources;
  for (const ir::Node& node : unit.dataflow.nodes) {
    if (const auto* input = std::get_if<ir::Input>(&node.op)) sources[program.sources[input->source].name] = input->source;
    if (const auto* output = std::get_if<ir::Output>(&node.op)) sinks.insert(output->sink);
    if (const auto* enrich = std::get_if<ir::Enrich>(&node.op)) tables.insert(enrich->table);
    if (const auto* dedup = std::get_if<ir::Dedup>(&node.op)) unit.operators.push_back(state_of(program, node, *dedup));
    if (node.policy >= program.policies.size()) continue;
    const ir::ErrorPolicy& policy = program.policies[node.policy];
    if (policy.dead_letter == ir::DeadLetter::Sink) sinks.insert(policy.dead_letter_sink);
  }
  for (const auto& [name, id] : sources) unit.sources.push_back(id);
  unit.sinks.assign(sinks.begin(), sinks.end());
  unit.tables.assign(tables.begin(), tables.end());
  std::ranges::sort(unit.operators, {}, &ir::StateSchema::name);
}

}  // namespace

ir::Unit copy_out(const ir::Program& program, ir::SystemId source, ir::SystemId domain, const Part& part) {
  ir::Unit unit;
  unit.name = unit_name(program, source, domain);
  unit.source_system = source;
  unit.domain = domain;
  std::map<ir::NodeId, ir::NodeId> copies;
  auto& nodes = unit.dataflow.nodes;
  for (const auto& [port, link] : part.reads) {
    nodes.push_back(link_reader(program, program.links[link], program.graph.nodes[port.node]));
  }
  for (const ir::NodeId id : part.nodes) {
    copies[id] = static_cast<ir::NodeId>(nodes.size());
    nodes.push_back(program.graph.nodes[id]);
  }
  const auto inside = [&](const std::vector<ir::Edge>& edges) {
    std::vector<ir::Edge> kept;
    for (const ir::Edge& edge : edges) {
      if (copies.contains(edge.to)) kept.push_back({copies[edge.to]});
    }
    return kept;
  };
  ir::NodeId reader = 0;
  for (const auto& [port, link] : part.reads) { nodes[reader++].next = {inside(program.graph.nodes[port.node].next[port.port])}; }
  for (const ir::NodeId id : part.nodes) {
    auto& next = nodes[copies[id]].next;
    for (std::uint32_t port = 0; port < next.size(); ++port) {
      next[port] = part.reads.contains({id, port}) ? std::vector<ir::Edge>{} : inside(next[port]);
    }
  }
  for (const auto& [port, link] : part.writes) {
    nodes.push_back(link_writer(program, program.links[link], program.graph.nodes[port.node]));
    nodes[copies[port.node]].next[port.port].push_back({static_cast<ir::NodeId>(nodes.size() - 1)});
  }
  for (ir::Node& node : nodes) {
    const auto* input = std::get_if<ir::Input>(&node.op);
    if (input && ir::link_read(program, input->source) == nullptr) choose_policy_of_input(program, nodes, node);
  }
  collect(program, unit);
  return unit;
}

}  // namespace piperun::plan
