#include "lang/plan/units.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "lang/plan/after.h"
#include "lang/plan/graph.h"
#include "lang/plan/link.h"
#include "lang/plan/names.h"
#include "lang/plan/systems.h"

namespace piperun::plan {
namespace {

using diag::Code;

// What one unit is made of, before it is copied out of the graph.
struct Part {
  Nodes nodes;
  std::map<Port, std::size_t> reads;   // instead of the node behind this port: a link
  std::map<Port, std::size_t> writes;  // into a link
};

class Cutter {
 public:
  Cutter(ir::Program& program, const Places& places, diag::Report& report)
      : program_(program), places_(places), report_(report), graph_(program.graph) {}

  void run() {
    name_operators();
    check_state();
    const std::size_t systems = program_.systems.size();  // a state store may be added meanwhile
    for (ir::SystemId system = 0; system < systems; ++system) cut_source(system);
    for (const auto& [key, part] : parts_) program_.units.push_back(copy_out(key.first, key.second, part));
    order_units();
    check_dead_letters();
  }

 private:
  using Key = std::pair<ir::SystemId, ir::SystemId>;  // source system, domain

  bool is_exactly_once() const { return program_.delivery == ir::Delivery::ExactlyOnce; }
  const ir::System& system_of(ir::NodeId output) const { return program_.systems[sink_of(output).system]; }
  const ir::Sink& sink_of(ir::NodeId output) const {
    return program_.sinks[std::get<ir::Output>(program_.graph.nodes[output].op).sink];
  }

  void name_operators() {
    std::map<std::string, int> of_flow;
    std::map<std::string, ir::NodeId> seen;
    for (ir::NodeId id = 0; id < program_.graph.nodes.size(); ++id) {
      ir::Node& node = program_.graph.nodes[id];
      auto* dedup = std::get_if<ir::Dedup>(&node.op);
      if (!dedup) continue;
      // One with a name of its own does not change the names of the others when it is added.
      if (dedup->name.empty()) dedup->name = operator_name(node.flow, "dedup", ++of_flow[node.flow]);
      const auto [first, is_new] = seen.try_emplace(dedup->name, id);
      if (is_new) continue;
      report_.add(Code::P0510, places_.at(node.site))
          .message(fmt::format("two stages have the durable name `{}`", dedup->name))
          .secondary(places_.at(program_.graph.nodes[first->second].site), "the first one")
          .help("give one of them another name: `as NAME`");
    }
  }

  void check_state() {
    for (ir::NodeId id = 0; id < program_.graph.nodes.size(); ++id) {
      const ir::Node& node = program_.graph.nodes[id];
      if (!is_stateful(node)) continue;
      if (program_.delivery == ir::Delivery::AtMostOnce) {
        report_.add(Code::P0414, places_.at(node.site))
            .label("its keys would be stored for records that may never take effect")
            .secondary(places_.delivery, "promised here")
            .help("promise more: `delivery = exactly_once`", places_.delivery, "exactly_once");
      }
      std::map<std::string, ir::SourceId> connections;
      for (const ir::NodeId above : graph_.above({id})) {
        const auto* input = std::get_if<ir::Input>(&program_.graph.nodes[above].op);
        if (input) connections.emplace(program_.systems[program_.sources[input->source].system].name, input->source);
      }
      if (connections.size() < 2) continue;
      auto& found =
          report_.add(Code::P0412, places_.at(node.site)).label("its keys would have to be in both connections at once");
      for (const auto& [name, source] : connections) {
        found.secondary(places_.of_source(source), fmt::format("records of `{}` arrive here", name));
      }
      found.help("do this stage before the streams are united, once per connection");
    }
  }

  ir::SystemId state_store() {
    for (ir::SystemId id = 0; id < program_.systems.size(); ++id) {
      if (program_.systems[id].kind == ir::SystemKind::StateStore) return id;
    }
    program_.systems.push_back({.name = "state", .kind = ir::SystemKind::StateStore, .options = {}, .stand_in = false});
    return static_cast<ir::SystemId>(program_.systems.size() - 1);
  }

  ir::SystemId home(ir::SystemId source) {
    return traits(program_.systems[source].kind).keeps_positions ? source : state_store();
  }

  void cut_source(ir::SystemId source) {
    const Nodes reached = graph_.below(graph_.inputs(program_, source));
    const Nodes outputs = intersection(reached, graph_.outputs());
    if (outputs.empty()) return;
    if (!is_exactly_once()) {
      parts_[{source, home(source)}].nodes = intersection(reached, graph_.above(outputs));
      return;
    }
    check_source(source);
    std::map<ir::SystemId, Nodes> ways;
    std::vector<Relay> relays;
    for (const ir::NodeId output : outputs) {
      if (auto relay = relay_of(output)) {
        for (const Port& port : relay->from) ways[relay->through].insert(port.node);
        relays.push_back(std::move(*relay));
        continue;
      }
      check_cluster(source, output);
      const bool joins = traits(system_of(output).kind).transactions;
      ways[joins ? sink_of(output).system : home(source)].insert(output);
    }
    for (auto& [domain, nodes] : ways) nodes = intersection(reached, graph_.above(nodes));
    chain(source, ways);
    for (const Relay& relay : relays) cut_relay(source, relay);
  }

  // `to EVENTS after ROWS` where the two have no transaction in common: what goes to EVENTS lies in the system of ROWS first, committed
  // with them, and a unit of its own carries it on.
  struct Relay {
    ir::NodeId output = 0;
    ir::SystemId through = 0;
    std::vector<Port> from;  // what leads to the output
  };

  std::optional<Relay> relay_of(ir::NodeId output) {
    const auto id = std::get<ir::Output>(program_.graph.nodes[output].op).sink;
    const auto after = written_after(program_, id);
    if (!after || program_.sinks[*after].system == program_.sinks[id].system) return std::nullopt;
    Relay relay{output, program_.sinks[*after].system, {}};
    if (!traits(program_.systems[relay.through].kind).transactions) {
      report_.add(Code::P0401, places_.of_sink(*after))
          .message(fmt::format("`{}` cannot be written after `{}`", program_.sinks[id].name, program_.sinks[*after].name))
          .label(fmt::format("{} cannot hold what is to follow in the same transaction",
                             traits(program_.systems[relay.through].kind).words))
          .secondary(places_.delivery, "promised here")
          .help("or promise less: `delivery = at_least_once`", places_.delivery, "at_least_once");
      return std::nullopt;
    }
    for (ir::NodeId node = 0; node < program_.graph.nodes.size(); ++node) {
      const auto& next = program_.graph.nodes[node].next;
      for (std::uint32_t port = 0; port < next.size(); ++port) {
        if (std::ranges::find(next[port], output, &ir::Edge::to) != next[port].end()) relay.from.emplace_back(node, port);
      }
    }
    return relay;
  }

  // The part that commits with ROWS writes the link. What it only reads from a chain itself, the relay reads from there: then nothing
  // binds the two, and the file is refused.
  void cut_relay(ir::SystemId source, const Relay& relay) {
    Part& writer = parts_[{source, relay.through}];
    const ir::SystemId target = sink_of(relay.output).system;
    const bool joins = traits(program_.systems[target].kind).transactions;
    Part& reader = parts_[{relay.through, joins ? target : home(relay.through)}];
    reader.nodes.insert(relay.output);
    for (const Port& port : relay.from) {
      if (!writer.nodes.contains(port.node)) return refuse_relay(relay);
      auto found = writer.writes.find(port);
      if (found == writer.writes.end())
        found = writer.writes.emplace(port, add_link(program_, relay.through, port, links_of_flow_)).first;
      reader.reads[port] = found->second;
    }
  }

  void refuse_relay(const Relay& relay) {
    const ir::Node& node = program_.graph.nodes[relay.output];
    report_.add(Code::P0413, places_.at(node.site))
        .message(fmt::format("`{}` follows a stage whose result several systems need", node.stage))
        .label("what it writes would not be committed with the rows that it is to follow")
        .secondary(places_.delivery, "promised here")
        .help("add a stage between them in this flow, `set` or `map`, or write to the two sinks from flows of their own");
  }

  void check_source(ir::SystemId source) {
    if (program_.systems[source].kind != ir::SystemKind::Stdin) return;
    for (ir::SourceId id = 0; id < program_.sources.size(); ++id) {
      if (program_.sources[id].system != source) continue;
      report_.add(Code::P0410, places_.of_source(id))
          .label("what was read is gone: after a crash nobody can read it again")
          .secondary(places_.delivery, "promised here")
          .help("put the records into a file or a topic first: `file { path = \"…\" }`, `embedded { topic = \"…\" }`")
          .help("or promise less: `delivery = at_least_once`", places_.delivery, "at_least_once");
    }
  }

  void check_cluster(ir::SystemId source, ir::NodeId output) {
    const ir::Sink& sink = sink_of(output);
    const bool two_clusters = program_.systems[source].kind == ir::SystemKind::Kafka &&
                              program_.systems[sink.system].kind == ir::SystemKind::Kafka && source != sink.system;
    if (!two_clusters) return;
    const auto id = std::get<ir::Output>(program_.graph.nodes[output].op).sink;
    report_.add(Code::P0411, places_.of_sink(id))
        .message(fmt::format("`{}` is in another Kafka cluster than its source", sink.name))
        .label(
            fmt::format("no transaction spans `{}` and `{}`", program_.systems[source].name, program_.systems[sink.system].name))
        .secondary(places_.delivery, "promised here")
        .help("write to a topic of the source's cluster, and let Kafka's own tools mirror that topic")
        .help("or promise less: `delivery = at_least_once`", places_.delivery, "at_least_once");
  }

  // The parts of `source`, one per domain. What two of them need and must not do twice becomes the business of the source's system.
  void chain(ir::SystemId source, std::map<ir::SystemId, Nodes>& ways) {
    const Nodes shared = shared_chain(ways);
    if (!shared.empty() && !traits(program_.systems[source].kind).transactions) return refuse_chain(source, shared, ways);
    if (!shared.empty()) ways[source].insert(shared.begin(), shared.end());
    for (auto& [domain, nodes] : ways) {
      Part& part = parts_[{source, domain}];
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
      if (is_unrepeatable(program_.graph.nodes[id])) hard.insert(id);
    }
    return intersection(graph_.above(intersection(graph_.below(hard), needed_twice)), once);
  }

  bool has_unrepeatable_above(ir::NodeId id) const {
    return std::ranges::any_of(graph_.above({id}), [&](ir::NodeId n) { return is_unrepeatable(program_.graph.nodes[n]); });
  }

  // What a unit behind the chain does by itself: all that is not shared, and stateless ways from the source to it.
  void take_behind(ir::SystemId source, const Nodes& shared, const Nodes& nodes, Part& part) {
    for (const ir::NodeId id : nodes) {
      if (!shared.contains(id)) part.nodes.insert(id);
    }
    Nodes own_ways;
    for (const ir::NodeId id : shared) {
      const auto& next = program_.graph.nodes[id].next;
      for (std::uint32_t port = 0; port < next.size(); ++port) {
        const bool leaves =
            std::ranges::any_of(next[port], [&](ir::Edge e) { return part.nodes.contains(e.to) && !shared.contains(e.to); });
        if (!leaves) continue;
        if (has_unrepeatable_above(id)) {
          part.reads[{id, port}] = link(source, {id, port});
        } else {
          own_ways.insert(id);
        }
      }
    }
    own_ways = graph_.above(own_ways);
    part.nodes.insert(own_ways.begin(), own_ways.end());
  }

  std::size_t link(ir::SystemId source, Port port) {
    auto& writes = parts_[{source, source}].writes;
    const auto found = writes.find(port);
    if (found != writes.end()) return found->second;
    const std::size_t made = add_link(program_, source, port, links_of_flow_);
    writes[port] = made;
    return made;
  }

  void refuse_chain(ir::SystemId source, const Nodes& shared, const std::map<ir::SystemId, Nodes>& ways) {
    const auto hard = std::ranges::find_if(shared, [&](ir::NodeId id) { return is_unrepeatable(program_.graph.nodes[id]); });
    const ir::Node& node = program_.graph.nodes[*hard];
    std::vector<std::string> domains;
    for (const auto& [domain, nodes] : ways) {
      if (nodes.contains(*hard)) domains.push_back(program_.systems[domain].name);
    }
    auto& found = report_.add(Code::P0413, places_.at(node.site));
    found.message(fmt::format("`{}` is needed in {} at once", node.stage, fmt::join(domains, " and ")))
        .label("it must be done once, and its result be kept in a topic that both can read");
    for (ir::SourceId id = 0; id < program_.sources.size(); ++id) {
      if (program_.sources[id].system != source) continue;
      found.secondary(places_.of_source(id),
                      fmt::format("{} cannot hold such a topic", traits(program_.systems[source].kind).words));
    }
    found.secondary(places_.delivery, "promised here")
        .help("let one pipeline do this stage and write a topic (`embedded { topic = \"…\" }`), and let a second one read it")
        .help("or put both sinks into one system");
  }

  ir::Unit copy_out(ir::SystemId source, ir::SystemId domain, const Part& part) {
    ir::Unit unit;
    unit.name = unit_name(program_, source, domain);
    unit.source_system = source;
    unit.domain = domain;
    std::map<ir::NodeId, ir::NodeId> copies;
    auto& nodes = unit.dataflow.nodes;
    for (const auto& [port, link] : part.reads) {
      nodes.push_back(link_reader(program_, program_.links[link], program_.graph.nodes[port.node]));
    }
    for (const ir::NodeId id : part.nodes) {
      copies[id] = static_cast<ir::NodeId>(nodes.size());
      nodes.push_back(program_.graph.nodes[id]);
    }
    const auto inside = [&](const std::vector<ir::Edge>& edges) {
      std::vector<ir::Edge> kept;
      for (const ir::Edge& edge : edges) {
        if (copies.contains(edge.to)) kept.push_back({copies[edge.to]});
      }
      return kept;
    };
    ir::NodeId reader = 0;
    for (const auto& [port, link] : part.reads) {
      nodes[reader++].next = {inside(program_.graph.nodes[port.node].next[port.port])};
    }
    for (const ir::NodeId id : part.nodes) {
      auto& next = nodes[copies[id]].next;
      for (std::uint32_t port = 0; port < next.size(); ++port) {
        next[port] = part.reads.contains({id, port}) ? std::vector<ir::Edge>{} : inside(next[port]);
      }
    }
    for (const auto& [port, link] : part.writes) {
      nodes.push_back(link_writer(program_, program_.links[link], program_.graph.nodes[port.node]));
      nodes[copies[port.node]].next[port.port].push_back({static_cast<ir::NodeId>(nodes.size() - 1)});
    }
    collect(unit);
    return unit;
  }

  void collect(ir::Unit& unit) const {
    std::set<ir::SinkId> sinks;
    std::set<ir::TableId> tables;
    std::map<std::string, ir::SourceId> sources;
    for (const ir::Node& node : unit.dataflow.nodes) {
      if (const auto* input = std::get_if<ir::Input>(&node.op)) sources[program_.sources[input->source].name] = input->source;
      if (const auto* output = std::get_if<ir::Output>(&node.op)) sinks.insert(output->sink);
      if (const auto* enrich = std::get_if<ir::Enrich>(&node.op)) tables.insert(enrich->table);
      if (const auto* dedup = std::get_if<ir::Dedup>(&node.op)) unit.operators.push_back(state_of(node, *dedup));
      if (node.policy >= program_.policies.size()) continue;
      const ir::ErrorPolicy& policy = program_.policies[node.policy];
      if (policy.dead_letter == ir::DeadLetter::Sink) sinks.insert(policy.dead_letter_sink);
    }
    for (const auto& [name, id] : sources) unit.sources.push_back(id);
    unit.sinks.assign(sinks.begin(), sinks.end());
    unit.tables.assign(tables.begin(), tables.end());
    std::ranges::sort(unit.operators, {}, &ir::StateSchema::name);
  }

  ir::StateSchema state_of(const ir::Node& node, const ir::Dedup& dedup) const {
    ir::StateSchema state{.name = dedup.name, .kind = "dedup", .key = {}, .within = dedup.within};
    for (const int column : dedup.key)
      state.key.push_back(program_.types.name(node.output[static_cast<std::size_t>(column)].type));
    return state;
  }

  void order_units() {
    const auto writes_link = [&](const ir::Unit& unit) {
      return std::ranges::any_of(program_.links, [&](const ir::Link& l) { return std::ranges::count(unit.sinks, l.sink) > 0; });
    };
    std::ranges::stable_sort(program_.units, [&](const ir::Unit& a, const ir::Unit& b) {
      const bool first = writes_link(a), second = writes_link(b);
      return first != second ? first : a.name < b.name;
    });
  }

  void check_dead_letters() {
    if (!is_exactly_once()) return;
    for (const ir::Unit& unit : program_.units) {
      for (const ir::ErrorPolicy& policy : program_.policies) {
        if (policy.dead_letter != ir::DeadLetter::Sink || std::ranges::count(unit.sinks, policy.dead_letter_sink) == 0) continue;
        const ir::Sink& sink = program_.sinks[policy.dead_letter_sink];
        if (sink.system == unit.domain) continue;
        report_.add(Code::P0415, places_.of_sink(policy.dead_letter_sink))
            .label(fmt::format("`{}` is not in `{}`, where this unit commits", sink.name, program_.systems[unit.domain].name))
            .secondary(places_.delivery, "promised here")
            .help("keep them in the store that every domain has: `dead_letter = keep`, then `piperun dlq`");
      }
    }
  }

  ir::Program& program_;
  const Places& places_;
  diag::Report& report_;
  Graph graph_;
  std::map<Key, Part> parts_;
  std::map<std::string, int> links_of_flow_;
};

}  // namespace

void cut(ir::Program& program, const Places& places, diag::Report& report) { Cutter(program, places, report).run(); }

}  // namespace piperun::plan
