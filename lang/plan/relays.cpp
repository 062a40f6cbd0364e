#include "lang/plan/relays.h"

#include <algorithm>

#include <fmt/format.h>

#include "lang/plan/after.h"
#include "lang/plan/systems.h"

namespace piperun::plan {
namespace {

using diag::Code;

void refuse_relay(Cut& cut, const Relay& relay) {
  const ir::Node& node = cut.program.graph.nodes[relay.output];
  cut.report.add(Code::P0413, cut.places.at(node.site))
      .message(fmt::format("`{}` follows a stage whose result several systems need", node.stage))
      .label("what it writes would not be committed with the rows that it is to follow")
      .secondary(cut.places.delivery, "promised here")
      .help("add a stage between them in this flow, `set` or `map`, or write to the two sinks from flows of their own");
}

}  // namespace

std::optional<Relay> relay_of(Cut& cut, ir::NodeId output) {
  const auto id = sink_id_of(cut, output);
  const auto after = written_after(cut.program, id);
  if (!after || cut.program.sinks[*after].system == cut.program.sinks[id].system) return std::nullopt;
  Relay relay{output, cut.program.sinks[*after].system, {}};
  if (!traits(cut.program.systems[relay.through].kind).transactions) {
    cut.report.add(Code::P0401, cut.places.of_sink(*after))
        .message(fmt::format("`{}` cannot be written after `{}`", cut.program.sinks[id].name, cut.program.sinks[*after].name))
        .label(fmt::format("{} cannot hold what is to follow in the same transaction",
                           traits(cut.program.systems[relay.through].kind).words))
        .secondary(cut.places.delivery, "promised here")
        .help("or promise less: `delivery = at_least_once`", cut.places.delivery, "at_least_once");
    return std::nullopt;
  }
  for (ir::NodeId node = 0; node < cut.program.graph.nodes.size(); ++node) {
    const auto& next = cut.program.graph.nodes[node].next;
    for (std::uint32_t port = 0; port < next.size(); ++port) {
      if (std::ranges::find(next[port], output, &ir::Edge::to) != next[port].end()) relay.from.emplace_back(node, port);
    }
  }
  return relay;
}

void cut_relay(Cut& cut, ir::SystemId source, const Relay& relay) {
  Part& writer = cut.parts[{source, relay.through}];
  const ir::SystemId target = sink_of(cut, relay.output).system;
  const bool joins = traits(cut.program.systems[target].kind).transactions;
  Part& reader = cut.parts[{relay.through, joins ? target : home(cut, relay.through)}];
  reader.nodes.insert(relay.output);
  for (const Port& port : relay.from) {
    if (!writer.nodes.contains(port.node)) return refuse_relay(cut, relay);
    reader.reads[port] = link_behind(cut, writer, relay.through, port);
  }
}

}  // namespace piperun::plan
