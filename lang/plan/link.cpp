#include "lang/plan/link.h"

#include <fmt/format.h>

#include "lang/plan/names.h"

namespace piperun::plan {
namespace {

int column_named(const ir::Schema& schema, std::string_view name) {
  for (std::size_t i = 0; i < schema.size(); ++i) {
    if (schema[i].name == name) return static_cast<int>(i);
  }
  return -1;
}

// What was computed from a clock or a look-up is fixed once it is written down. A hidden column becomes data: `#time` is `@time`.
ir::Schema written_down(ir::Schema schema) {
  for (ir::Column& column : schema) {
    column.is_volatile = false;
    if (column.name.starts_with('#')) column.name[0] = '@';
  }
  return schema;
}

std::size_t add(ir::Program& program, ir::SystemId system, std::string topic, ir::Schema schema, ir::Site site) {
  ir::Sink sink;
  sink.name = topic;
  sink.system = system;
  sink.object = topic;
  sink.columns = schema;
  sink.is_topic = true;
  sink.options = {{"topic", topic}};
  sink.site = site;

  std::vector<value::Field> fields;
  std::vector<ir::FieldFormat> formats;
  for (const ir::Column& column : schema) {
    fields.push_back({column.name, column.type});
    formats.push_back({.data_name = column.name, .absent = {}, .time = ir::TimeUnit::Rfc3339});
  }
  ir::Source source;
  source.name = topic;
  source.system = system;
  source.object = topic;
  source.type = program.types.record(topic, std::move(fields));
  source.event_time = column_named(schema, "@time");
  source.options = {{program.systems[system].kind == ir::SystemKind::Postgres ? "outbox" : "topic", topic}};
  source.site = site;
  program.records[source.type] = std::move(formats);

  program.sinks.push_back(std::move(sink));
  program.sources.push_back(std::move(source));
  program.links.push_back({std::move(topic), system, static_cast<ir::SinkId>(program.sinks.size() - 1),
                           static_cast<ir::SourceId>(program.sources.size() - 1)});
  return program.links.size() - 1;
}

}  // namespace

const ir::Schema& schema_behind(const ir::Program& program, Port port) {
  const ir::Node& node = program.graph.nodes[port.node];
  const auto* apply = std::get_if<ir::Apply>(&node.op);
  if (apply && port.port > 0) return program.functions[apply->function].outputs[port.port];
  return node.output;
}

std::size_t add_link(ir::Program& program, ir::SystemId system, Port from, std::map<std::string, int>& links_of_flow) {
  const ir::Node& node = program.graph.nodes[from.node];
  return add(program, system, link_topic(program, node.flow, ++links_of_flow[node.flow]),
             written_down(schema_behind(program, from)), node.site);
}

std::size_t add_letter_link(ir::Program& program, const ir::Unit& unit, const ir::Sink& sink) {
  const ir::Schema letter = {{"letter", program.types.scalar(value::TypeKind::String), false}};
  const std::size_t made = add(program, unit.domain, letter_topic(program, unit, sink), letter, sink.site);
  program.sources[program.links[made].source].format = ir::Format::Raw;
  return made;
}

ir::Node link_reader(const ir::Program& program, const ir::Link& link, const ir::Node& writer) {
  ir::Node node;
  node.flow = writer.flow;
  node.stage = fmt::format("from {}", link.topic);
  node.op = ir::Input{link.source};
  node.output = program.sinks[link.sink].columns;
  node.policy = writer.policy;
  node.site = writer.site;
  return node;
}

ir::Node link_writer(const ir::Program& program, const ir::Link& link, const ir::Node& from) {
  ir::Output output;
  output.sink = link.sink;
  const ir::Schema& columns = program.sinks[link.sink].columns;
  for (std::size_t i = 0; i < columns.size(); ++i) output.columns.push_back(static_cast<int>(i));
  const int key = column_named(columns, "@key");
  if (key >= 0) output.message_key = {key};
  ir::Node node;
  node.flow = from.flow;
  node.stage = fmt::format("to {}", link.topic);
  node.op = std::move(output);
  node.output = columns;
  node.policy = from.policy;
  node.site = from.site;
  return node;
}

}  // namespace piperun::plan
