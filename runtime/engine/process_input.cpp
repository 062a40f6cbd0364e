// From the records of a batch to rows: decoding, tombstones, and the columns that come from the envelope.
#include <algorithm>
#include <cstring>

#include "runtime/engine/process_state.h"

namespace piperun::engine {

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
    else
      fail(batch, node, origin, base::ErrorCode::Tombstone, "the record has no value; the source says nothing about tombstones",
           node.site);
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
    fault = read_tombstone(state, node, record, row, memory);
  }
  if (fault) {
    fail(batch, node, origin, fault->code, std::move(fault->detail), node.site);
    return false;
  }
  fill_hidden(state, record, row, memory);
  return true;
}

// Only its key is there: everything else is null or zero, and nobody looks at it.
std::optional<record::DecodeFault> Process::read_tombstone(const NodeState& state, const ir::Node& node,
                                                           const BatchRecord& record, value::Cell* row, value::Arena& memory) {
  std::memset(static_cast<void*>(row), 0, sizeof(value::Cell) * static_cast<std::size_t>(state.output_cells));
  for (int column = 0; column < static_cast<int>(node.output.size()); ++column) {
    const CellRange at = range_of(program_.types, node.output, column);
    if (at.count == 2) row[at.offset].b = true;
  }
  return state.key_decoder->decode(record.raw->key, memory, row);
}

void Process::fill_hidden(const NodeState& state, BatchRecord& record, value::Cell* row, value::Arena& memory) {
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
        record.time = cell.i;
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

}  // namespace piperun::engine
