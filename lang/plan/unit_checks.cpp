#include "lang/plan/unit_checks.h"

#include <map>
#include <string>

#include <fmt/format.h>

#include "lang/plan/systems.h"

namespace piperun::plan {

using diag::Code;

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

}  // namespace piperun::plan
