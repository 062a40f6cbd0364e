#include "runtime/engine/process.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "lang/value/compare.h"
#include "lang/value/int.h"
#include "lang/value/key.h"
#include "runtime/operators/dedup.h"

namespace piperun::engine {
namespace {

// Hidden columns of an Input, filled from the record's envelope.
enum class Hidden : std::uint8_t { Time, Remove, Key, Headers, Timestamp, Topic, Partition, Offset };

std::optional<Hidden> hidden(std::string_view column) {
  constexpr std::pair<std::string_view, Hidden> kNames[] = {
      {"#time", Hidden::Time},             {"#delete", Hidden::Remove},
      {"#meta.key", Hidden::Key},
      {"#meta.headers", Hidden::Headers},  {"#meta.timestamp", Hidden::Timestamp},
      {"#meta.topic", Hidden::Topic},      {"#meta.partition", Hidden::Partition},
      {"#meta.offset", Hidden::Offset},
  };
  const auto found = std::ranges::find(kNames, column, &std::pair<std::string_view, Hidden>::first);
  return found == std::end(kNames) ? std::nullopt : std::optional(found->second);
}

std::uint64_t mix(std::uint64_t seed, std::uint64_t value) {  // the finaliser of MurmurHash3
  seed ^= value + 0x9e3779b97f4a7c15u;
  seed = (seed ^ (seed >> 33)) * 0xff51afd7ed558ccdu;
  seed = (seed ^ (seed >> 33)) * 0xc4ceb9fe1a85ec53u;
  return seed ^ (seed >> 33);
}

struct CellRange {
  int offset;
  int count;
  value::TypeId type;
};

CellRange range_of(const value::TypeTable& types, const ir::Schema& schema, int column) {
  const value::TypeId type = schema[static_cast<std::size_t>(column)].type;
  return {ir::cell_offset(types, schema, column), value::cells(types[type]), type};
}

std::vector<CellRange> ranges_of(const value::TypeTable& types, const ir::Schema& schema, std::span<const int> columns) {
  std::vector<CellRange> ranges;
  for (const int column : columns) ranges.push_back(range_of(types, schema, column));
  return ranges;
}

std::string key_of(const value::TypeTable& types, std::span<const CellRange> ranges, const value::Cell* cells) {
  std::string key;
  for (const CellRange& range : ranges) value::encode_key(types, range.type, cells + range.offset, key);
  return key;
}

// A value that may be null, as text; nullopt for null.
std::optional<std::string_view> text_at(const CellRange& range, const value::Cell* cells) {
  if (range.count == 2 && cells[range.offset].b) return std::nullopt;
  return cells[range.offset + range.count - 1].s;
}

struct HiddenColumn {
  Hidden what;
  CellRange at;
};

}  // namespace

// What is worked out once per node. Only the members of its kind are used.
struct Process::NodeState {
  std::vector<Row> rows;                              // input, of this batch
  const ir::Schema* input = nullptr;                  // schema of what feeds it
  int input_cells = 0;
  int output_cells = 0;
  // Input
  const ir::Source* source = nullptr;
  std::uint32_t source_index = 0;
  std::unique_ptr<record::Decoder> decoder;
  std::string header;
  std::vector<HiddenColumn> hidden;
  std::optional<CellRange> event_time;
  // Apply
  std::optional<expr::RowFunction> function;
  std::vector<int> port_cells;
  // Flatten
  CellRange list{};
  int element_cells = 0;
  // Dedup, Enrich
  std::vector<CellRange> key;
  CellRange time{};
  std::size_t table_index = 0;
  // Output
  std::size_t sink_index = 0;
  std::unique_ptr<record::Encoder> encoder;           // null: the sink takes cells
  std::vector<CellRange> columns, headers, message_key;
  std::optional<CellRange> remove, value, extra;
};

namespace {

bool takes_cells(const ir::Program& program, const ir::Sink& sink) {
  const ir::SystemKind kind = program.systems[sink.system].kind;
  return !sink.is_topic && (kind == ir::SystemKind::Postgres || kind == ir::SystemKind::Embedded || kind == ir::SystemKind::Kafka);
}

template <typename T>
std::uint32_t index_in(const std::vector<T>& list, T item) {
  return static_cast<std::uint32_t>(std::ranges::find(list, item) - list.begin());
}

}  // namespace

Process::Process(const ir::Program& program, const ir::Unit& unit, std::span<const value::NativeFn> natives,
                 const std::vector<std::unique_ptr<connectors::Table>>& tables, const std::vector<ReadPartition>& partitions)
    : program_(program), unit_(unit), tables_(tables), partitions_(partitions), nodes_(unit.dataflow.nodes.size()) {
  const value::TypeTable& types = program.types;
  const std::vector<ir::Node>& nodes = unit.dataflow.nodes;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    for (std::size_t port = 0; port < nodes[i].next.size(); ++port) {
      for (const ir::Edge& edge : nodes[i].next[port]) {
        const auto* apply = std::get_if<ir::Apply>(&nodes[i].op);
        nodes_[edge.to].input = apply ? &program.functions[apply->function].outputs[port] : &nodes[i].output;
      }
    }
  }
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const ir::Node& node = nodes[i];
    NodeState& state = nodes_[i];
    if (state.input) state.input_cells = ir::cell_count(types, *state.input);
    state.output_cells = ir::cell_count(types, node.output);
    if (const auto* input = std::get_if<ir::Input>(&node.op)) {
      state.source = &program.sources[input->source];
      state.source_index = index_in(unit.sources, input->source);
      state.decoder = record::make_decoder(program, *state.source, node.output);
      for (int column = 0; column < static_cast<int>(node.output.size()); ++column) {
        const auto what = hidden(node.output[static_cast<std::size_t>(column)].name);
        if (what) state.hidden.push_back({*what, range_of(types, node.output, column)});
      }
      if (state.source->event_time >= 0) {
        const auto& field = types[state.source->type].fields[static_cast<std::size_t>(state.source->event_time)];
        const auto column = std::ranges::find(node.output, field.name, &ir::Column::name);
        if (column != node.output.end()) state.event_time = range_of(types, node.output, static_cast<int>(column - node.output.begin()));
      }
    } else if (const auto* apply = std::get_if<ir::Apply>(&node.op)) {
      state.function = expr::RowFunction::compile(program, apply->function, natives);
      for (const ir::Schema& port : program.functions[apply->function].outputs) state.port_cells.push_back(ir::cell_count(types, port));
    } else if (std::holds_alternative<ir::Flatten>(node.op)) {
      const int last = static_cast<int>(state.input->size()) - 1;
      state.list = range_of(types, *state.input, last);
      state.element_cells = value::cells(types[types[state.list.type].element]);
    } else if (const auto* dedup = std::get_if<ir::Dedup>(&node.op)) {
      state.key = ranges_of(types, *state.input, dedup->key);
      state.time = range_of(types, *state.input, dedup->time);
    } else if (const auto* enrich = std::get_if<ir::Enrich>(&node.op)) {
      state.key = ranges_of(types, *state.input, enrich->key);
      state.table_index = index_in(unit.tables, enrich->table);
    } else if (const auto* output = std::get_if<ir::Output>(&node.op)) {
      const ir::Sink& sink = program.sinks[output->sink];
      const auto optional_range = [&](int column) {
        return column < 0 ? std::nullopt : std::optional(range_of(types, *state.input, column));
      };
      state.sink_index = index_in(unit.sinks, output->sink);
      if (!takes_cells(program, sink)) state.encoder = record::make_encoder(program, sink);
      state.columns = ranges_of(types, *state.input, output->columns);
      state.headers = ranges_of(types, *state.input, output->headers);
      state.message_key = ranges_of(types, *state.input, output->message_key);
      if (state.message_key.empty() && sink.is_topic) {
        for (const int column : sink.key) state.message_key.push_back(state.columns[static_cast<std::size_t>(column)]);
      }
      state.remove = optional_range(output->remove);
      state.value = optional_range(output->value);
      state.extra = optional_range(output->extra);
    }
  }
}

Process::~Process() = default;

base::Result<void> Process::run(Batch& batch, std::size_t first, std::size_t last, const LookupKeys& lookup, Processed& out) {
  for (;;) {
    out.first = first;
    out.last = last;
    out.memory.reset();
    out.sinks.assign(unit_.sinks.size(), {});
    out.encoded.assign(unit_.sinks.size(), {});
    out.claims.clear();
    out.newest_time.assign(partitions_.size(), INT64_MIN);
    const base::Result<bool> settled = run_once(batch, lookup, out);
    if (!settled) return std::unexpected(settled.error());
    if (*settled) return {};
  }
}

// False: a record that had passed a dedup died, and the range must be processed again without it.
base::Result<bool> Process::run_once(Batch& batch, const LookupKeys& lookup, Processed& out) {
  for (std::size_t i = out.first; i < out.last; ++i) {
    BatchRecord& record = batch.records[i];
    record.used = record.late = record.duplicate = record.filtered = record.passed_dedup = false;
  }
  for (NodeState& state : nodes_) state.rows.clear();
  const std::size_t dead_before = batch.dead.size();
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const ir::Node& node = unit_.dataflow.nodes[i];
    base::Result<void> done;
    if (std::holds_alternative<ir::Input>(node.op)) read(i, batch, out);
    else if (std::holds_alternative<ir::Apply>(node.op)) apply(i, batch, out);
    else if (std::holds_alternative<ir::Flatten>(node.op)) flatten(i, batch, out);
    else if (std::holds_alternative<ir::Dedup>(node.op)) done = dedup(i, batch, lookup, out);
    else if (std::holds_alternative<ir::Enrich>(node.op)) done = enrich(i, batch, out);
    else emit(i, batch, out);
    if (!done) return std::unexpected(done.error());
  }
  bool lost_key = false;
  if (batch.dead.size() != dead_before) {
    for (const auto& [index, failure] : batch.dead) {
      lost_key |= index >= out.first && index < out.last && batch.records[index].passed_dedup;
    }
  }
  if (lost_key) return false;
  for (SinkRows& sink : out.sinks) {  // one fate: what a dead record gave to other paths is taken back
    if (batch.dead.empty()) break;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < sink.rows.size(); ++i) {
      if (batch.dead.contains(sink.records[i])) continue;
      sink.rows[kept] = sink.rows[i];
      sink.records[kept++] = sink.records[i];
    }
    sink.rows.resize(kept);
    sink.records.resize(kept);
  }
  return true;
}

void Process::send(std::size_t node, std::size_t port, const Row& row) {
  for (const ir::Edge& edge : unit_.dataflow.nodes[node].next[port]) nodes_[edge.to].rows.push_back(row);
}

void Process::fail(Batch& batch, const ir::Node& node, const Row& row, base::ErrorCode code, std::string message, ir::Site site) {
  const std::string where = node.stage.empty() ? node.flow : node.flow + "." + node.stage;
  batch.dead.try_emplace(row.record, Failure{code, std::move(message), {}, site, where, node.policy, row.element});
}

// ---- Input

void Process::read(std::size_t node, Batch& batch, Processed& out) {
  NodeState& state = nodes_[node];
  for (std::size_t i = out.first; i < out.last; ++i) {
    const auto index = static_cast<std::uint32_t>(i);
    if (partitions_[batch.records[i].partition].source != state.source_index || batch.dead.contains(index)) continue;
    value::Cell* row = out.memory.cells(static_cast<std::size_t>(state.output_cells));
    if (read_record(state, unit_.dataflow.nodes[node], batch, index, row, out.memory)) send(node, 0, {row, index, 0});
  }
}

bool Process::read_record(NodeState& state, const ir::Node& node, Batch& batch, std::uint32_t index, value::Cell* row,
                          value::Arena& memory) {
  BatchRecord& record = batch.records[index];
  const Row origin{row, index, 0};
  if (!record.raw->value && state.source->tombstone != ir::Tombstone::Delete) {
    if (state.source->tombstone == ir::Tombstone::Skip) record.filtered = true;
    else fail(batch, node, origin, base::ErrorCode::Tombstone, "the record has no value; the source says nothing about tombstones", node.site);
    return false;
  }
  std::optional<record::DecodeFault> fault;
  if (record.raw->value) {
    if (record.header != state.header) {
      state.header = record.header;
      fault = state.decoder->set_header(state.header);
    }
    if (!fault) fault = state.decoder->decode(*record.raw->value, memory, row);
  } else {
    fill_tombstone(state, node, record, row);
  }
  if (fault) {
    fail(batch, node, origin, fault->code, std::move(fault->detail), node.site);
    return false;
  }
  fill_hidden(state, record, row, memory);
  return true;
}

// Only the key of a tombstone is there: a text as it is, an int64 in digits.
void Process::fill_tombstone(const NodeState& state, const ir::Node& node, const BatchRecord& record, value::Cell* row) {
  std::memset(static_cast<void*>(row), 0, sizeof(value::Cell) * static_cast<std::size_t>(state.output_cells));
  const value::Type& type = program_.types[state.source->type];
  for (int column = 0; column < static_cast<int>(node.output.size()); ++column) {
    const CellRange at = range_of(program_.types, node.output, column);
    if (at.count == 2) row[at.offset].b = true;
    const int field = value::field_index(type, node.output[static_cast<std::size_t>(column)].name);
    if (field < 0 || state.source->key.empty() || field != state.source->key[0] || !record.raw->key) continue;
    if (program_.types[at.type].kind == value::TypeKind::String) row[at.offset] = value::Cell::of(*record.raw->key);
    else if (program_.types[at.type].kind == value::TypeKind::Int) row[at.offset].i = value::parse_int(*record.raw->key).value_or(0);
  }
}

void Process::fill_hidden(const NodeState& state, const BatchRecord& record, value::Cell* row, value::Arena& memory) {
  if (state.hidden.empty()) return;
  const record::RawRecord& raw = *record.raw;
  const commit::PartitionName& partition = partitions_[record.partition].name;
  for (const auto& [what, at] : state.hidden) {
    value::Cell& cell = row[at.offset + at.count - 1];
    if (at.count == 2) row[at.offset] = value::Cell::of(false);
    switch (what) {
      case Hidden::Time: {
        const bool has_time = state.event_time && raw.value && !(state.event_time->count == 2 && row[state.event_time->offset].b);
        cell = has_time ? row[state.event_time->offset + state.event_time->count - 1] : value::Cell::of(raw.timestamp);
        break;
      }
      case Hidden::Remove: cell = value::Cell::of(!raw.value.has_value()); break;
      case Hidden::Key:
        if (at.count == 2) row[at.offset].b = !raw.key.has_value();
        cell = value::Cell::of(raw.key.value_or(std::string_view{}));
        break;
      case Hidden::Headers: {
        std::vector<record::Header> sorted = raw.headers;
        std::ranges::stable_sort(sorted, {}, &record::Header::name);
        const bool nullable = program_.types[program_.types[at.type].element].nullable;
        const std::size_t width = nullable ? 3 : 2;
        value::Cell* pairs = memory.cells(sorted.size() * width);
        for (std::size_t i = 0; i < sorted.size(); ++i) {
          value::Cell* pair = pairs + i * width;
          pair[0] = value::Cell::of(sorted[i].name);
          if (nullable) pair[1] = value::Cell::of(!sorted[i].value.has_value());
          pair[width - 1] = value::Cell::of(sorted[i].value.value_or(std::string_view{}));
        }
        cell = value::Cell::of(value::List{pairs, sorted.size()});
        break;
      }
      case Hidden::Timestamp: cell = value::Cell::of(raw.timestamp); break;
      case Hidden::Topic: cell = value::Cell::of(std::string_view(partition.topic)); break;
      case Hidden::Partition: cell = value::Cell::of(static_cast<std::int64_t>(partition.number)); break;
      case Hidden::Offset: cell = value::Cell::of(raw.offset); break;
    }
  }
}

// ---- Operators

void Process::apply(std::size_t node, Batch& batch, Processed& out) {
  NodeState& state = nodes_[node];
  expr::Context context{.arena = out.memory, .now = batch.now, .seed = {}};
  const auto room = static_cast<std::size_t>(state.function->output_cells());
  value::Cell* cells = nullptr;
  for (const Row& row : state.rows) {
    if (!cells) cells = out.memory.cells(room);
    const BatchRecord& record = batch.records[row.record];
    context.seed[0] = mix(partitions_[record.partition].seed, static_cast<std::uint64_t>(record.raw->offset));
    context.seed[1] = mix(context.seed[0], row.element);
    const expr::Outcome outcome = state.function->run(row.cells, context, cells);
    switch (outcome.kind) {
      case expr::Outcome::Kind::Emit:
        send(node, outcome.port, {cells, row.record, row.element});
        cells = nullptr;
        break;
      case expr::Outcome::Kind::Filtered: batch.records[row.record].filtered = true; break;
      case expr::Outcome::Kind::Failed:
        fail(batch, unit_.dataflow.nodes[node], row, outcome.code, std::string(outcome.detail), outcome.site);
        break;
    }
  }
}

void Process::flatten(std::size_t node, Batch& batch, Processed& out) {
  NodeState& state = nodes_[node];
  const bool with_index = std::get<ir::Flatten>(unit_.dataflow.nodes[node].op).with_index;
  for (const Row& row : state.rows) {
    const bool is_null = state.list.count == 2 && row.cells[state.list.offset].b;
    const value::List list = is_null ? value::List{nullptr, 0} : row.cells[state.list.offset + state.list.count - 1].l;
    if (list.count == 0) batch.records[row.record].filtered = true;
    for (std::uint64_t i = 0; i < list.count; ++i) {
      value::Cell* cells = out.memory.cells(static_cast<std::size_t>(state.output_cells));
      value::Cell* end = std::copy_n(row.cells, state.list.offset, cells);
      end = std::copy_n(list.items + i * static_cast<std::uint64_t>(state.element_cells), state.element_cells, end);
      if (with_index) *end = value::Cell::of(static_cast<std::int64_t>(i));
      send(node, 0, {cells, row.record, static_cast<std::uint32_t>(mix(row.element, i))});
    }
  }
}

base::Result<void> Process::dedup(std::size_t node, Batch& batch, const LookupKeys& lookup, Processed& out) {
  NodeState& state = nodes_[node];
  if (state.rows.empty()) return {};
  const auto& spec = std::get<ir::Dedup>(unit_.dataflow.nodes[node].op);
  std::vector<std::string> keys;
  keys.reserve(state.rows.size());
  for (const Row& row : state.rows) keys.push_back(key_of(program_.types, state.key, row.cells));
  std::vector<std::string> distinct = keys;
  std::ranges::sort(distinct);
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  const auto stored = lookup(spec.name, distinct);
  if (!stored) return std::unexpected(stored.error());
  operators::Dedup decide(spec.within);
  decide.load(*stored);
  for (std::size_t i = 0; i < state.rows.size(); ++i) {
    const Row& row = state.rows[i];
    BatchRecord& record = batch.records[row.record];
    if (batch.dead.contains(row.record)) continue;  // it may not leave a key behind
    const std::int64_t time = row.cells[state.time.offset + state.time.count - 1].i;
    if (!decide.accept(keys[i], time)) {
      record.duplicate = true;
      continue;
    }
    record.passed_dedup = true;
    out.newest_time[record.partition] = std::max(out.newest_time[record.partition], time);
    send(node, 0, row);
  }
  out.claims.push_back({spec.name, decide.claims()});
  return {};
}

base::Result<void> Process::enrich(std::size_t node, Batch&, Processed& out) {
  NodeState& state = nodes_[node];
  if (state.rows.empty()) return {};
  int key_cells = 0;
  for (const CellRange& part : state.key) key_cells += part.count;
  std::vector<const value::Cell*> keys;
  for (const Row& row : state.rows) {
    value::Cell* key = out.memory.cells(static_cast<std::size_t>(key_cells));
    keys.push_back(key);
    for (const CellRange& part : state.key) key = std::copy_n(row.cells + part.offset, part.count, key);
  }
  std::vector<const value::Cell*> found(keys.size(), nullptr);
  if (const auto done = tables_[state.table_index]->lookup(keys, out.memory, found); !done) return done;
  for (std::size_t i = 0; i < state.rows.size(); ++i) {
    const Row& row = state.rows[i];
    value::Cell* cells = out.memory.cells(static_cast<std::size_t>(state.output_cells));
    value::Cell* end = std::copy_n(row.cells, state.input_cells, cells);
    end[0] = value::Cell::of(found[i] == nullptr);
    end[1] = value::Cell::of(found[i]);
    send(node, 0, {cells, row.record, row.element});
  }
  return {};
}

// ---- Output

void Process::emit(std::size_t node, Batch& batch, Processed& out) {
  NodeState& state = nodes_[node];
  SinkRows& sink = out.sinks[state.sink_index];
  std::string& buffer = out.encoded[state.sink_index];
  const char* const before = buffer.data();
  const std::size_t old_rows = sink.rows.size();
  std::vector<std::size_t> ends;
  std::size_t begin = buffer.size();
  for (const Row& row : state.rows) {
    if (batch.dead.contains(row.record)) continue;
    connectors::OutputRow to;
    if (!encode(state, unit_.dataflow.nodes[node], row, batch, to, out)) continue;
    batch.records[row.record].used = true;
    sink.rows.push_back(to);
    sink.records.push_back(row.record);
    ends.push_back(buffer.size());
  }
  // The buffer has stopped growing: now views into it may be taken, and those of other outputs into the same sink renewed.
  for (std::size_t i = 0; i < old_rows; ++i) {
    if (auto& text = sink.rows[i].encoded; text && !state.value) text = {buffer.data() + (text->data() - before), text->size()};
  }
  for (std::size_t i = 0; i < ends.size(); ++i) {
    connectors::OutputRow& to = sink.rows[old_rows + i];
    if (state.encoder && !state.value && !to.remove) to.encoded = std::string_view(buffer.data() + begin, ends[i] - begin);
    begin = ends[i];
  }
}

bool Process::encode(const NodeState& state, const ir::Node& node, const Row& row, Batch& batch, connectors::OutputRow& to,
                     Processed& out) {
  std::size_t cell_count = 0;
  for (const CellRange& column : state.columns) cell_count += static_cast<std::size_t>(column.count);
  value::Cell* cells = out.memory.cells(cell_count);
  to.cells = cells;
  for (const CellRange& column : state.columns) cells = std::copy_n(row.cells + column.offset, column.count, cells);
  to.remove = state.remove && row.cells[state.remove->offset].b;
  to.timestamp = batch.records[row.record].raw->timestamp;
  if (!state.message_key.empty()) {
    std::string key;
    if (state.message_key.size() == 1) {
      const CellRange& part = state.message_key[0];
      value::append_text(key, program_.types, part.type, row.cells + part.offset);
    } else {
      key = key_of(program_.types, state.message_key, row.cells);
    }
    to.message_key = std::string_view(out.memory.copy(key));
  }
  if (!state.headers.empty()) {
    auto* headers = static_cast<std::optional<std::string_view>*>(
        out.memory.allocate(state.headers.size() * sizeof(std::optional<std::string_view>)));
    for (std::size_t i = 0; i < state.headers.size(); ++i) new (headers + i) std::optional(text_at(state.headers[i], row.cells));
    to.headers = {headers, state.headers.size()};
  }
  if (to.remove || !state.encoder) return true;
  if (state.value) {
    to.encoded = text_at(*state.value, row.cells);
    return true;
  }
  const value::JsonNode* extra = state.extra ? row.cells[state.extra->offset].j : nullptr;
  if (auto fault = state.encoder->encode(to.cells, extra, out.encoded[state.sink_index])) {
    fail(batch, node, row, fault->code, std::move(fault->detail), node.site);
    return false;
  }
  return true;
}

}  // namespace piperun::engine
