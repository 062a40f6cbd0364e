#include "lang/plan/unit_checks.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "lang/plan/lineage.h"
#include "lang/plan/systems.h"

namespace piperun::plan {

using diag::Code;

namespace {

// Which of a dedup's keys decide in which partition a record of this origin is; nullopt: what is not among them has a part in it.
std::optional<std::vector<std::size_t>> deciding_keys(const ir::Program& program, const Origin& origin) {
  const auto place = [&](std::string_view field) {
    return static_cast<std::size_t>(std::ranges::find(origin.fields, field) - origin.fields.begin());
  };
  if (const std::size_t partition = place("#meta.partition"); partition < origin.fields.size()) return std::vector{partition};
  std::vector<std::size_t> result;
  for (const std::string& field : partitioned_by(program.sources[origin.source])) {
    result.push_back(place(field));
    if (result.back() == origin.fields.size()) return std::nullopt;
  }
  if (result.empty()) return std::nullopt;
  return result;
}

void explain_origin(const Cut& cut, const Origin& origin, diag::Diagnostic& found) {
  const ir::Source& source = cut.program.sources[origin.source];
  const std::vector<std::string> promised = partitioned_by(source);
  if (!promised.empty()) {
    found.secondary(cut.places.of_source(origin.source),
                    fmt::format("in `{}` the partition follows from `{}`, which is not among the keys here as it was read",
                                source.name, fmt::join(promised, ", ")));
    return;
  }
  found.secondary(cut.places.of_source(origin.source),
                  fmt::format("nothing says which records of `{}` are in one partition", source.name));
  std::vector<std::string> fields;
  for (const std::string& field : origin.fields) {
    if (!field.empty() && !field.starts_with('#') && std::ranges::find(fields, field) == fields.end()) fields.push_back(field);
  }
  if (fields.empty()) return;
  found.help(fields.size() == 1
                 ? fmt::format("if records with equal `{0}` have equal Kafka keys, say so in `{1}`: `partitioned_by = {0}`",
                               fields[0], source.name)
                 : fmt::format(
                       "if records with equal fields have equal Kafka keys, say so in `{}`: `partitioned_by = [{}]`, or fewer of "
                       "them",
                       source.name, fmt::join(fields, ", ")));
}

// Keys lie by the number of a partition: equal numbers of all that is read must be with one process, as `range` gives them.
void check_topics_together(Cut& cut, const ir::Unit& unit, ir::NodeId dedup) {
  const ir::Node& node = unit.dataflow.nodes[dedup];
  std::set<ir::SourceId> sources;
  for (const Origin& origin : origins(cut.program, unit.dataflow, dedup, std::get<ir::Dedup>(node.op).key))
    sources.insert(origin.source);
  if (sources.size() < 2) return;
  for (const ir::SourceId source : sources) {
    const ir::System& system = cut.program.systems[cut.program.sources[source].system];
    const ir::System& group = system.kind == ir::SystemKind::Kafka ? system : cut.program.systems[unit.domain];
    const auto assignment = group.options.find("assignment");
    if (assignment == group.options.end() || assignment->second != "cooperative_sticky") continue;
    cut.report.add(Code::P0419, cut.places.at(node.site))
        .label(
            "with `cooperative_sticky` equal partitions of several topics may be with different processes, and their keys never "
            "meet")
        .help(fmt::format("`assignment = range` in `{}` keeps them together", group.name))
        .help("or do this stage for each source, before they are united");
    return;
  }
}

}  // namespace

void check_state(Cut& cut) {
  for (ir::NodeId id = 0; id < cut.program.graph.nodes.size(); ++id) {
    const ir::Node& node = cut.program.graph.nodes[id];
    if (!is_stateful(node)) continue;
    if (cut.program.delivery == ir::Delivery::AtMostOnce) {
      cut.report.add(Code::P0414, cut.places.at(node.site))
          .label("its keys would be stored for records that may never take effect")
          .secondary(cut.places.delivery, "promised here")
          .help("promise more: `delivery = exactly_once`", cut.places.delivery, "exactly_once");
    }
    std::map<std::string, ir::SourceId> connections;
    for (const ir::NodeId above : cut.graph.above({id})) {
      const auto* input = std::get_if<ir::Input>(&cut.program.graph.nodes[above].op);
      if (input) connections.emplace(cut.program.systems[cut.program.sources[input->source].system].name, input->source);
    }
    if (connections.size() < 2) continue;
    auto& found =
        cut.report.add(Code::P0412, cut.places.at(node.site)).label("its keys would have to be in both connections at once");
    for (const auto& [name, source] : connections) {
      found.secondary(cut.places.of_source(source), fmt::format("records of `{}` arrive here", name));
    }
    found.help("do this stage before the streams are united, once per connection");
  }
}

void check_keys(Cut& cut, const ir::Unit& unit) {
  if (cut.program.systems[unit.domain].kind != ir::SystemKind::Kafka || cut.program.delivery == ir::Delivery::AtMostOnce) return;
  for (ir::NodeId id = 0; id < unit.dataflow.nodes.size(); ++id) {
    const ir::Node& node = unit.dataflow.nodes[id];
    const auto* dedup = std::get_if<ir::Dedup>(&node.op);
    if (dedup == nullptr) continue;
    check_topics_together(cut, unit, id);
    std::vector<Origin> unknown;
    std::set<std::vector<std::size_t>> ways;
    for (Origin& origin : origins(cut.program, unit.dataflow, id, dedup->key)) {
      if (!has_partitions(cut.program.systems[cut.program.sources[origin.source].system].kind)) continue;
      if (auto keys = deciding_keys(cut.program, origin)) ways.insert(std::move(*keys));
      else unknown.push_back(std::move(origin));
    }
    if (unknown.empty() && ways.size() < 2) continue;
    auto& found = cut.report.add(Code::P0419, cut.places.at(node.site));
    found.label("its keys lie in Kafka by the partition of their records: equal ones in two partitions never meet");
    if (unknown.empty())
      found.help("the ways that lead here are partitioned by different keys: do this stage before they are united");
    for (const Origin& origin : unknown) explain_origin(cut, origin, found);
    found.help(is_exactly_once(cut)
                   ? "or write to PostgreSQL or an embedded database, where the keys of all partitions are one set, "
                     "and into Kafka behind it: `to events after lines`"
                   : "or promise `exactly_once` to a sink in PostgreSQL or an embedded database: there the keys of all "
                     "partitions are one set");
  }
}

void check_source(Cut& cut, ir::SystemId source) {
  if (cut.program.systems[source].kind != ir::SystemKind::Stdin) return;
  for (ir::SourceId id = 0; id < cut.program.sources.size(); ++id) {
    if (cut.program.sources[id].system != source) continue;
    cut.report.add(Code::P0410, cut.places.of_source(id))
        .label("what was read is gone: after a crash nobody can read it again")
        .secondary(cut.places.delivery, "promised here")
        .help("put the records into a file or a topic first: `file { path = \"…\" }`, `embedded { topic = \"…\" }`")
        .help("or promise less: `delivery = at_least_once`", cut.places.delivery, "at_least_once");
  }
}

void check_cluster(Cut& cut, ir::SystemId source, ir::NodeId output) {
  const ir::Sink& sink = sink_of(cut, output);
  const bool two_clusters = cut.program.systems[source].kind == ir::SystemKind::Kafka &&
                            cut.program.systems[sink.system].kind == ir::SystemKind::Kafka && source != sink.system;
  if (!two_clusters) return;
  const auto id = sink_id_of(cut, output);
  cut.report.add(Code::P0411, cut.places.of_sink(id))
      .message(fmt::format("`{}` is in another Kafka cluster than its source", sink.name))
      .label(fmt::format("no transaction spans `{}` and `{}`", cut.program.systems[source].name,
                         cut.program.systems[sink.system].name))
      .secondary(cut.places.delivery, "promised here")
      .help("write to a topic of the source's cluster, and let Kafka's own tools mirror that topic")
      .help("or promise less: `delivery = at_least_once`", cut.places.delivery, "at_least_once");
}

// A transaction of Kafka holds positions of topics, in the consumer group; those of an outbox lie in a topic of their own.
void check_positions(Cut& cut, ir::SystemId source, ir::NodeId output) {
  using enum ir::SystemKind;
  const ir::SystemKind from = cut.program.systems[source].kind;
  const ir::Sink& sink = sink_of(cut, output);
  if (cut.program.systems[sink.system].kind != Kafka || from == Kafka || from == Postgres || from == Stdin) return;
  cut.report.add(Code::P0420, cut.places.of_sink(sink_id_of(cut, output)))
      .message(fmt::format("`{}` is in Kafka, and its source is not", sink.name))
      .label(fmt::format("a transaction of `{}` holds no positions of {}", cut.program.systems[sink.system].name,
                         traits(from).words))
      .secondary(cut.places.delivery, "promised here")
      .help("put the records into a topic first, read that, and remove the repeats by a key: `dedup KEY within D`")
      .help("or promise less: `delivery = at_least_once`", cut.places.delivery, "at_least_once");
}

}  // namespace piperun::plan
