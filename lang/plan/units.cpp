#include "lang/plan/units.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "lang/plan/copy_out.h"
#include "lang/plan/cut.h"
#include "lang/plan/names.h"
#include "lang/plan/relays.h"
#include "lang/plan/systems.h"
#include "lang/plan/unit_checks.h"
#include "lang/plan/unit_order.h"

namespace piperun::plan {
namespace {

using diag::Code;

class Cutter {
 public:
  explicit Cutter(Cut& cut) : cut_(cut) {}

  void run() {
    name_operators();
    check_state(cut_);
    const std::size_t systems = cut_.program.systems.size();  // a state store may be added meanwhile
    for (ir::SystemId system = 0; system < systems; ++system) cut_source(system);
    for (const auto& [key, part] : cut_.parts) cut_.program.units.push_back(copy_out(cut_.program, key.first, key.second, part));
    for (const ir::Unit& unit : cut_.program.units) check_keys(cut_, unit);
    order_units(cut_.program);
  }

 private:
  void name_operators() {
    std::map<std::string, int> of_flow;
    std::map<std::string, ir::NodeId> seen;
    for (ir::NodeId id = 0; id < cut_.program.graph.nodes.size(); ++id) {
      ir::Node& node = cut_.program.graph.nodes[id];
      auto* dedup = std::get_if<ir::Dedup>(&node.op);
      if (!dedup) continue;
      // One with a name of its own does not change the names of the others when it is added.
      if (dedup->name.empty()) dedup->name = operator_name(node.flow, "dedup", ++of_flow[node.flow]);
      const auto [first, is_new] = seen.try_emplace(dedup->name, id);
      if (is_new) continue;
      cut_.report.add(Code::P0510, cut_.places.at(node.site))
          .message(fmt::format("two stages have the durable name `{}`", dedup->name))
          .secondary(cut_.places.at(cut_.program.graph.nodes[first->second].site), "the first one")
          .help("give one of them another name: `as NAME`");
    }
  }

  void cut_source(ir::SystemId source) {
    const Nodes reached = cut_.graph.below(cut_.graph.inputs(cut_.program, source));
    const Nodes outputs = intersection(reached, cut_.graph.outputs());
    if (outputs.empty()) return;
    if (!is_exactly_once(cut_)) {
      cut_.parts[{source, home(cut_, source)}].nodes = intersection(reached, cut_.graph.above(outputs));
      return;
    }
    check_source(cut_, source);
    std::map<ir::SystemId, Nodes> ways;
    std::vector<Relay> relays;
    for (const ir::NodeId output : outputs) {
      if (auto relay = relay_of(cut_, output)) {
        for (const Port& port : relay->from) ways[relay->through].insert(port.node);
        relays.push_back(std::move(*relay));
        continue;
      }
      check_cluster(cut_, source, output);
      check_positions(cut_, source, output);
      const bool joins = traits(system_of(cut_, output).kind).transactions;
      ways[joins ? sink_of(cut_, output).system : home(cut_, source)].insert(output);
    }
    for (auto& [domain, nodes] : ways) nodes = intersection(reached, cut_.graph.above(nodes));
    chain(source, ways);
    for (const Relay& relay : relays) cut_relay(cut_, source, relay);
  }

  // The parts of `source`, one per domain. What two of them need and must not do twice becomes the business of the source's system.
  void chain(ir::SystemId source, std::map<ir::SystemId, Nodes>& ways) {
    const Nodes shared = shared_chain(ways);
    if (!shared.empty() && !traits(cut_.program.systems[source].kind).transactions) return refuse_chain(source, shared, ways);
    if (!shared.empty()) ways[source].insert(shared.begin(), shared.end());
    for (auto& [domain, nodes] : ways) {
      Part& part = cut_.parts[{source, domain}];
      if (shared.empty() || domain == source) {
        part.nodes.insert(nodes.begin(), nodes.end());
      } else {
        take_behind(source, shared, nodes, part);
      }
    }
  }

  // Nodes that several domains need and that are, or come after, one that must not be done twice; with all that leads to them.
  Nodes shared_chain(const std::map<ir::SystemId, Nodes>& ways) const {
    Nodes needed_twice, once;
    for (const auto& [domain, nodes] : ways) {
      for (const ir::NodeId id : nodes) (once.insert(id).second ? once : needed_twice).insert(id);
    }
    Nodes hard;
    for (const ir::NodeId id : needed_twice) {
      if (is_unrepeatable(cut_.program.graph.nodes[id])) hard.insert(id);
    }
    return intersection(cut_.graph.above(intersection(cut_.graph.below(hard), needed_twice)), once);
  }

  bool has_unrepeatable_above(ir::NodeId id) const {
    return std::ranges::any_of(cut_.graph.above({id}),
                               [&](ir::NodeId n) { return is_unrepeatable(cut_.program.graph.nodes[n]); });
  }

  // What a unit behind the chain does by itself: all that is not shared, and stateless ways from the source to it.
  void take_behind(ir::SystemId source, const Nodes& shared, const Nodes& nodes, Part& part) {
    for (const ir::NodeId id : nodes) {
      if (!shared.contains(id)) part.nodes.insert(id);
    }
    Nodes own_ways;
    for (const ir::NodeId id : shared) {
      const auto& next = cut_.program.graph.nodes[id].next;
      for (std::uint32_t port = 0; port < next.size(); ++port) {
        const bool leaves =
            std::ranges::any_of(next[port], [&](ir::Edge e) { return part.nodes.contains(e.to) && !shared.contains(e.to); });
        if (!leaves) continue;
        if (has_unrepeatable_above(id)) {
          part.reads[{id, port}] = link_behind(cut_, cut_.parts[{source, source}], source, {id, port});
        } else {
          own_ways.insert(id);
        }
      }
    }
    own_ways = cut_.graph.above(own_ways);
    part.nodes.insert(own_ways.begin(), own_ways.end());
  }

  void refuse_chain(ir::SystemId source, const Nodes& shared, const std::map<ir::SystemId, Nodes>& ways) {
    const auto hard = std::ranges::find_if(shared, [&](ir::NodeId id) { return is_unrepeatable(cut_.program.graph.nodes[id]); });
    const ir::Node& node = cut_.program.graph.nodes[*hard];
    std::vector<std::string> domains;
    for (const auto& [domain, nodes] : ways) {
      if (nodes.contains(*hard)) domains.push_back(cut_.program.systems[domain].name);
    }
    auto& found = cut_.report.add(Code::P0413, cut_.places.at(node.site));
    found.message(fmt::format("`{}` is needed in {} at once", node.stage, fmt::join(domains, " and ")))
        .label("it must be done once, and its result be kept in a topic that both can read");
    for (ir::SourceId id = 0; id < cut_.program.sources.size(); ++id) {
      if (cut_.program.sources[id].system != source) continue;
      found.secondary(cut_.places.of_source(id),
                      fmt::format("{} cannot hold such a topic", traits(cut_.program.systems[source].kind).words));
    }
    found.secondary(cut_.places.delivery, "promised here")
        .help("let one pipeline do this stage and write a topic (`embedded { topic = \"…\" }`), and let a second one read it")
        .help("or put both sinks into one system");
  }

  Cut& cut_;
};

}  // namespace

void cut(ir::Program& program, const Places& places, diag::Report& report) {
  Cut cut{program, places, report, Graph(program.graph), {}, {}};
  Cutter(cut).run();
}

}  // namespace piperun::plan
