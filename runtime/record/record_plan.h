// What a decoder must know of a record type, worked out once per program: names in the data, kinds, cell positions, defaults.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lang/ir/program.h"

namespace piperun::record {

struct RecordPlan;
inline constexpr std::uint32_t kUnread = ~std::uint32_t{0};  // checked, but its cells are not wanted

struct ValuePlan {
  value::TypeKind kind = value::TypeKind::Error;
  bool nullable = false;
  std::uint8_t precision = 0;
  std::uint8_t scale = 0;
  ir::TimeUnit time = ir::TimeUnit::Rfc3339;
  std::vector<std::string> enum_values;
  std::unique_ptr<ValuePlan> element;   // List, Map
  std::unique_ptr<RecordPlan> record;   // Record

  std::uint32_t cells() const { return nullable ? 2 : 1; }
};

struct FieldPlan {
  std::string name;        // in the data
  std::string token;       // `"name":`, as the data usually has it; "" if the name needs escapes
  ValuePlan value;
  std::uint32_t cell = 0;  // its first cell in the record, or kUnread
  std::optional<std::array<value::Cell, 2>> absent;  // its cells when absent or null; always there for a `T?`
};

struct RecordPlan {
  std::vector<FieldPlan> fields;
  std::uint32_t cells = 0;
  std::uint32_t extra_cell = kUnread;      // of #extra
  std::vector<std::uint32_t> buckets;      // field + 1 by hash of its name; open addressing, a power of two long

  // The field that the data calls so, or -1.
  int find(std::string_view name) const;
};

// `record` is a record type of the program. Its cells are those of all fields in order.
RecordPlan plan_record(const ir::Program& program, value::TypeId record);

// The same fields, placed as the columns of `row` that have their names.
RecordPlan plan_row(const ir::Program& program, value::TypeId record, const ir::Schema& row);

}  // namespace piperun::record
