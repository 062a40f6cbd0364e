// What Process works out once per node of the dataflow. Private to process*.cpp.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lang/value/cell.h"
#include "runtime/engine/process.h"
#include "runtime/record/key_decoder.h"

namespace piperun::engine {

// One lambda per alternative of a variant; the compiler names the one that was forgotten.
template <typename... Lambdas>
struct Overloaded : Lambdas... {
  using Lambdas::operator()...;
};

// Where a column lies in a row.
struct CellRange {
  int offset;
  int count;
  value::TypeId type;
};

inline CellRange range_of(const value::TypeTable& types, const ir::Schema& schema, int column) {
  const value::TypeId type = schema[static_cast<std::size_t>(column)].type;
  return {ir::cell_offset(types, schema, column), value::cells(types[type]), type};
}

// Hidden columns of an Input that are filled from the record's envelope.
enum class Hidden : std::uint8_t { Time, Remove, Key, Headers, Timestamp, Topic, Partition, Offset };

struct HiddenColumn {
  Hidden what;
  CellRange at;
};

// Only the members of its kind are used.
struct Process::NodeState {
  std::vector<Row> rows;                              // input, of this batch
  const ir::Schema* input = nullptr;                  // schema of what feeds it
  int input_cells = 0;
  int output_cells = 0;
  // Input
  const ir::Source* source = nullptr;
  std::uint32_t source_index = 0;
  std::unique_ptr<record::Decoder> decoder;
  std::optional<record::KeyDecoder> key_decoder;  // of tombstones that delete
  std::string header;
  std::vector<HiddenColumn> hidden;
  std::optional<CellRange> event_time;
  // Apply
  std::optional<expr::RowFunction> function;
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
  std::size_t column_cells = 0;
  std::optional<CellRange> remove, value, extra;
};

// A value that may be null, as text; nullopt for null.
inline std::optional<std::string_view> text_at(const CellRange& range, const value::Cell* cells) {
  if (range.count == 2 && cells[range.offset].b) return std::nullopt;
  return cells[range.offset + range.count - 1].s;
}

}  // namespace piperun::engine
