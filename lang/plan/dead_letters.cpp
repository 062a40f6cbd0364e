#include "lang/plan/dead_letters.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "lang/plan/link.h"
#include "lang/plan/names.h"
#include "lang/plan/systems.h"

namespace piperun::plan {
namespace {

using diag::Code;

constexpr const char* kFlow = "dead letters";  // no flow of a file can be called so

class LetterRelays {
 public:
  LetterRelays(ir::Program& program, const Places& places, diag::Report& report)
      : program_(program), places_(places), report_(report) {}

  void run() {
    const std::size_t units = program_.units.size();  // those of relays are added
    for (std::size_t i = 0; i < units; ++i) relay(program_.units[i]);
    for (auto& [systems, unit] : relays_) program_.units.push_back(std::move(unit));
  }

 private:
  // Sends the letters of this unit into internal topics where they have to cross into another system.
  void relay(ir::Unit& unit) {
    std::map<ir::SinkId, std::optional<ir::SinkId>> instead;  // of the sink of a policy; none: it was refused
    std::map<std::uint32_t, std::uint32_t> policies;          // and of the policy
    for (ir::Node& node : unit.dataflow.nodes) {
      if (node.policy >= program_.policies.size()) continue;
      ir::ErrorPolicy policy = program_.policies[node.policy];
      if (policy.dead_letter != ir::DeadLetter::Sink || system_of(policy.dead_letter_sink) == unit.domain) continue;
      const auto [known, is_new] = instead.try_emplace(policy.dead_letter_sink);
      if (is_new) known->second = link(unit, policy.dead_letter_sink);
      if (!known->second) continue;
      policy.dead_letter_sink = *known->second;
      const auto [own, is_first] = policies.try_emplace(node.policy, static_cast<std::uint32_t>(program_.policies.size()));
      if (is_first) program_.policies.push_back(policy);
      node.policy = own->second;
    }
    for (const auto& [sink, link] : instead) {
      if (!link) continue;
      std::erase(unit.sinks, sink);
      unit.sinks.push_back(*link);
    }
    std::ranges::sort(unit.sinks);
  }

  ir::SystemId system_of(ir::SinkId sink) const { return program_.sinks[sink].system; }

  // The internal topic for what `unit` sends to `sink`, and what reads it; returns the topic as a sink.
  std::optional<ir::SinkId> link(const ir::Unit& unit, ir::SinkId sink) {
    if (!is_possible(unit, sink)) return std::nullopt;
    const std::size_t made = add_letter_link(program_, unit, program_.sinks[sink]);
    read(program_.links[made], sink);
    return program_.links[made].sink;
  }

  bool is_possible(const ir::Unit& unit, ir::SinkId id) {
    const ir::Sink& sink = program_.sinks[id];
    const ir::System& from = program_.systems[unit.domain];
    const ir::System& to = program_.systems[sink.system];
    const bool is_other_cluster = from.kind == ir::SystemKind::Kafka && to.kind == ir::SystemKind::Kafka;
    if (traits(to.kind).transactions && !is_other_cluster) return true;
    if (!refused_.insert(id).second) return false;
    report_.add(Code::P0415, places_.of_sink(id))
        .label(is_other_cluster ? fmt::format("no transaction spans `{}`, where this unit commits, and `{}`", from.name, to.name)
                                : fmt::format("`{}` is carried on from `{}`, where this unit commits; {}", sink.name, from.name,
                                              traits(to.kind).repeat))
        .secondary(places_.delivery, "promised here")
        .help("keep them in the store that every domain has: `dead_letter = keep`, then `piperun dlq`")
        .help(is_other_cluster ? fmt::format("or declare a topic of `{}` for them, or a table", from.name)
                               : "or send them to a topic or a table");
    return false;
  }

  // A unit of its own, so that letters which cannot be delivered hold up nothing but letters. What the sink refuses is kept.
  void read(const ir::Link& link, ir::SinkId sink) {
    const ir::SystemId target = system_of(sink);
    const auto [found, is_new] = relays_.try_emplace({link.system, target});
    ir::Unit& unit = found->second;
    if (is_new) {
      unit.name = letter_relay_name(program_, link.system, target);
      unit.source_system = link.system;
      unit.domain = target;
    }
    const auto at = static_cast<ir::NodeId>(unit.dataflow.nodes.size());
    ir::Node input = node(sink, fmt::format("from {}", link.topic));
    input.op = ir::Input{link.source};
    input.output = program_.sinks[link.sink].columns;
    input.next = {{{at + 1}}};
    ir::Output whole;
    whole.sink = sink;
    whole.value = 0;
    ir::Node output = node(sink, fmt::format("to {}", program_.sinks[sink].name));
    output.op = std::move(whole);
    unit.dataflow.nodes.push_back(std::move(input));
    unit.dataflow.nodes.push_back(std::move(output));
    if (std::ranges::count(unit.sinks, sink) == 0) unit.sinks.push_back(sink);
    std::ranges::sort(unit.sinks);
    unit.sources.push_back(link.source);
    std::ranges::sort(unit.sources, {}, [&](ir::SourceId id) { return program_.sources[id].name; });
  }

  ir::Node node(ir::SinkId sink, std::string stage) {
    if (!keeping_) {
      keeping_ = static_cast<std::uint32_t>(program_.policies.size());
      ir::ErrorPolicy policy = program_.policies[0];
      policy.dead_letter = ir::DeadLetter::Keep;
      policy.dead_letter_sink = ir::kNone;
      policy.original = ir::ErrorPolicy::Original::Keep;
      program_.policies.push_back(policy);
    }
    ir::Node node;
    node.flow = kFlow;
    node.stage = std::move(stage);
    node.policy = *keeping_;
    node.site = program_.sinks[sink].site;
    return node;
  }

  ir::Program& program_;
  const Places& places_;
  diag::Report& report_;
  std::map<std::pair<ir::SystemId, ir::SystemId>, ir::Unit> relays_;  // from, to
  std::optional<std::uint32_t> keeping_;                              // the policy of all relays
  std::set<ir::SinkId> refused_;
};

}  // namespace

void relay_dead_letters(ir::Program& program, const Places& places, diag::Report& report) {
  if (program.delivery == ir::Delivery::ExactlyOnce) LetterRelays(program, places, report).run();
}

}  // namespace piperun::plan
