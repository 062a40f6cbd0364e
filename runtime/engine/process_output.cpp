// From rows to what a sink is given: encoded values, message keys, headers.
#include <algorithm>

#include "lang/value/compare.h"
#include "lang/value/key.h"
#include "runtime/engine/process_state.h"

namespace piperun::engine {

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
  sink.outputs.resize(sink.rows.size(), static_cast<ir::NodeId>(node));
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
  value::Cell* cells = out.memory.cells(state.column_cells);
  to.cells = cells;
  for (const CellRange& column : state.columns) cells = std::copy_n(row.cells + column.offset, column.count, cells);
  to.remove = state.remove && row.cells[state.remove->offset].b;
  to.timestamp = batch.records[row.record].raw->timestamp;
  to.partition = partitions_[batch.records[row.record].partition].name.number;
  if (!state.message_key.empty()) {
    std::string key;
    if (state.message_key.size() == 1) {
      const CellRange& part = state.message_key[0];
      value::append_text(key, program_.types, part.type, row.cells + part.offset);
    } else {
      for (const CellRange& part : state.message_key) value::encode_key(program_.types, part.type, row.cells + part.offset, key);
    }
    to.message_key = std::string_view(out.memory.copy(key));
  }
  if (!state.headers.empty()) {
    auto* headers = static_cast<std::optional<std::string_view>*>(
        out.memory.allocate(state.headers.size() * sizeof(std::optional<std::string_view>)));
    for (std::size_t i = 0; i < state.headers.size(); ++i) new (headers + i) std::optional(text_at(state.headers[i], row.cells));
    to.headers = {headers, state.headers.size()};
  }
  if (to.remove) return true;
  if (state.value) {  // a table, too, can take it whole: that of dead letters
    to.encoded = text_at(*state.value, row.cells);
    return true;
  }
  if (!state.encoder) return true;
  const value::JsonNode* extra = state.extra ? row.cells[state.extra->offset].j : nullptr;
  if (auto fault = state.encoder->encode(to.cells, extra, out.encoded[state.sink_index])) {
    fail(batch, node, row, fault->code, std::move(fault->detail), node.site);
    return false;
  }
  return true;
}

}  // namespace piperun::engine
