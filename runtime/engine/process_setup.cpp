// Works out, once per worker, what each node of the dataflow needs.
#include <algorithm>

#include "lang/ir/hidden_columns.h"
#include "runtime/engine/process_state.h"

namespace piperun::engine {
namespace {

std::optional<Hidden> hidden(std::string_view column) {
  if (column == ir::kTimeColumn) return Hidden::Time;
  if (column == ir::kDeleteColumn) return Hidden::Remove;
  if (!column.starts_with(ir::kMetaColumns)) return std::nullopt;
  constexpr std::pair<std::string_view, Hidden> kMeta[] = {
      {"key", Hidden::Key},     {"headers", Hidden::Headers},     {"timestamp", Hidden::Timestamp},
      {"topic", Hidden::Topic}, {"partition", Hidden::Partition}, {"offset", Hidden::Offset},
  };
  const std::string_view name = column.substr(ir::kMetaColumns.size());
  const auto found = std::ranges::find(kMeta, name, &std::pair<std::string_view, Hidden>::first);
  return found == std::end(kMeta) ? std::nullopt : std::optional(found->second);
}

std::vector<CellRange> ranges_of(const value::TypeTable& types, const ir::Schema& schema, std::span<const int> columns) {
  std::vector<CellRange> ranges;
  for (const int column : columns) ranges.push_back(range_of(types, schema, column));
  return ranges;
}

bool takes_cells(const ir::Program& program, const ir::Sink& sink) {
  const ir::SystemKind kind = program.systems[sink.system].kind;
  return !sink.is_topic &&
         (kind == ir::SystemKind::Postgres || kind == ir::SystemKind::Embedded || kind == ir::SystemKind::Kafka);
}

template <typename T>
std::uint32_t index_in(const std::vector<T>& list, T item) {
  return static_cast<std::uint32_t>(std::ranges::find(list, item) - list.begin());
}

}  // namespace

Process::Process(const ir::Program& program, const ir::Unit& unit, std::span<const value::NativeFn> natives,
                 const expr::Secrets& secrets, const std::vector<std::unique_ptr<connectors::Table>>& tables,
                 const std::vector<ReadPartition>& partitions)
    : program_(program), unit_(unit), tables_(tables), partitions_(partitions), nodes_(unit.dataflow.nodes.size()) {
  find_inputs();
  const value::TypeTable& types = program.types;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const ir::Node& node = unit.dataflow.nodes[i];
    NodeState& state = nodes_[i];
    if (state.input) state.input_cells = ir::cell_count(types, *state.input);
    state.output_cells = ir::cell_count(types, node.output);
    std::visit(Overloaded{
                   [&](const ir::Input& input) { set_up_input(state, node, input); },
                   [&](const ir::Apply& apply) {
                     state.function = expr::RowFunction::compile(program, apply.function, natives, secrets);
                   },
                   [&](const ir::Flatten&) {
                     state.list = range_of(types, *state.input, static_cast<int>(state.input->size()) - 1);
                     state.element_cells = value::cells(types[types[state.list.type].element]);
                   },
                   [&](const ir::Dedup& dedup) {
                     state.key = ranges_of(types, *state.input, dedup.key);
                     state.time = range_of(types, *state.input, dedup.time);
                   },
                   [&](const ir::Enrich& enrich) {
                     state.key = ranges_of(types, *state.input, enrich.key);
                     state.table_index = index_in(unit.tables, enrich.table);
                   },
                   [&](const ir::Output& output) { set_up_output(state, output); },
               },
               node.op);
  }
}

Process::~Process() = default;

// The schema of what feeds each node.
void Process::find_inputs() {
  const std::vector<ir::Node>& nodes = unit_.dataflow.nodes;
  for (const ir::Node& node : nodes) {
    const auto* apply = std::get_if<ir::Apply>(&node.op);
    for (std::size_t port = 0; port < node.next.size(); ++port) {
      for (const ir::Edge& edge : node.next[port]) {
        nodes_[edge.to].input = apply ? &program_.functions[apply->function].outputs[port] : &node.output;
      }
    }
  }
}

void Process::set_up_input(NodeState& state, const ir::Node& node, const ir::Input& input) {
  const value::TypeTable& types = program_.types;
  state.source = &program_.sources[input.source];
  state.source_index = index_in(unit_.sources, input.source);
  state.decoder = record::make_decoder(program_, *state.source, node.output);
  if (state.source->tombstone == ir::Tombstone::Delete) state.key_decoder.emplace(program_, *state.source, node.output);
  const std::vector<value::Field>& fields = types[state.source->type].fields;
  const std::string time = state.source->event_time < 0 ? "" : fields[static_cast<std::size_t>(state.source->event_time)].name;
  for (int column = 0; column < static_cast<int>(node.output.size()); ++column) {
    const std::string& name = node.output[static_cast<std::size_t>(column)].name;
    const CellRange at = range_of(types, node.output, column);
    if (const auto what = hidden(name)) state.hidden.push_back({*what, at});
    else if (name == time) state.event_time = at;
  }
}

void Process::set_up_output(NodeState& state, const ir::Output& output) {
  const value::TypeTable& types = program_.types;
  const ir::Sink& sink = program_.sinks[output.sink];
  const auto optional_range = [&](int column) {
    return column < 0 ? std::nullopt : std::optional(range_of(types, *state.input, column));
  };
  state.sink_index = index_in(unit_.sinks, output.sink);
  if (!takes_cells(program_, sink)) state.encoder = record::make_encoder(program_, sink);
  state.columns = ranges_of(types, *state.input, output.columns);
  state.headers = ranges_of(types, *state.input, output.headers);
  state.message_key = ranges_of(types, *state.input, output.message_key);
  if (state.message_key.empty() && sink.is_topic) {
    for (const int column : sink.key) state.message_key.push_back(state.columns[static_cast<std::size_t>(column)]);
  }
  for (const CellRange& column : state.columns) state.column_cells += static_cast<std::size_t>(column.count);
  state.remove = optional_range(output.remove);
  state.value = optional_range(output.value);
  state.extra = optional_range(output.extra);
}

}  // namespace piperun::engine
