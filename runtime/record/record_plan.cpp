#include "runtime/record/record_plan.h"

#include <algorithm>
#include <bit>

#include "lang/ir/hidden_columns.h"
#include "runtime/base/random.h"

namespace piperun::record {
namespace {

std::size_t name_hash(std::string_view name) {
  const std::uint64_t hash = base::fnv1a(name);
  return static_cast<std::size_t>(hash ^ (hash >> 32));
}

void fill_buckets(RecordPlan& plan) {
  plan.buckets.assign(std::bit_ceil(plan.fields.size() * 2 + 1), 0);
  const std::size_t mask = plan.buckets.size() - 1;
  for (std::size_t i = 0; i < plan.fields.size(); ++i) {
    std::size_t at = name_hash(plan.fields[i].name) & mask;
    while (plan.buckets[at] != 0) at = (at + 1) & mask;
    plan.buckets[at] = static_cast<std::uint32_t>(i + 1);
  }
}

// Formats are declared for the type itself, whether a field holds it as `T` or as `T?`.
const std::vector<ir::FieldFormat>* formats_of(const ir::Program& program, value::TypeId record) {
  if (const auto exact = program.records.find(record); exact != program.records.end()) return &exact->second;
  for (const auto& [id, formats] : program.records) {
    const value::Type& declared = program.types[id];
    const value::Type& wanted = program.types[record];
    if (declared.name == wanted.name && declared.fields == wanted.fields) return &formats;
  }
  return nullptr;
}

std::string usual_token(std::string_view name) {
  const bool plain =
      std::ranges::all_of(name, [](char c) { return c != '"' && c != '\\' && static_cast<unsigned char>(c) >= ' '; });
  return plain ? '"' + std::string(name) + "\":" : std::string();
}

ValuePlan plan_value(const ir::Program& program, value::TypeId id, ir::TimeUnit time) {
  const value::Type& type = program.types[id];
  ValuePlan plan{.kind = type.kind,
                 .nullable = type.nullable,
                 .precision = type.precision,
                 .scale = type.scale,
                 .time = time,
                 .enum_values = type.values,
                 .element = nullptr,
                 .record = nullptr};
  if (type.kind == value::TypeKind::List || type.kind == value::TypeKind::Map)
    plan.element = std::make_unique<ValuePlan>(plan_value(program, type.element, time));
  if (type.kind == value::TypeKind::Record) plan.record = std::make_unique<RecordPlan>(plan_record(program, id));
  return plan;
}

std::optional<std::array<value::Cell, 2>> absent_cells(const ir::Program& program, const ValuePlan& plan,
                                                       const ir::FieldFormat* format) {
  if (format == nullptr || !format->absent) {
    if (!plan.nullable) return std::nullopt;
    return std::array{value::Cell::of(true), value::Cell{}};
  }
  const ir::Constant& constant = *format->absent;
  const bool constant_nullable = program.types[constant.type].nullable;
  if (plan.nullable == constant_nullable) return std::array{constant.cells[0], constant.cells[1]};
  if (plan.nullable) return std::array{value::Cell::of(false), constant.cells[0]};
  return std::array{constant.cells[1], value::Cell{}};
}

}  // namespace

int RecordPlan::find(std::string_view name) const {
  const std::size_t mask = buckets.size() - 1;
  for (std::size_t at = name_hash(name) & mask; buckets[at] != 0; at = (at + 1) & mask) {
    if (fields[buckets[at] - 1].name == name) return static_cast<int>(buckets[at]) - 1;
  }
  return -1;
}

RecordPlan plan_record(const ir::Program& program, value::TypeId record) {
  const value::Type& type = program.types[record];
  const std::vector<ir::FieldFormat>* formats = formats_of(program, record);
  RecordPlan plan;
  for (std::size_t i = 0; i < type.fields.size(); ++i) {
    const ir::FieldFormat* format = formats != nullptr ? &(*formats)[i] : nullptr;
    FieldPlan field;
    field.name = format != nullptr && !format->data_name.empty() ? format->data_name : type.fields[i].name;
    field.token = usual_token(field.name);
    field.value = plan_value(program, type.fields[i].type, format != nullptr ? format->time : ir::TimeUnit::Rfc3339);
    field.cell = plan.cells;
    field.absent = absent_cells(program, field.value, format);
    plan.cells += field.value.cells();
    plan.fields.push_back(std::move(field));
  }
  fill_buckets(plan);
  return plan;
}

RecordPlan plan_row(const ir::Program& program, value::TypeId record, const ir::Schema& row) {
  RecordPlan plan = plan_record(program, record);
  const auto cell_of = [&](std::string_view name) {
    for (std::size_t column = 0; column < row.size(); ++column) {
      if (row[column].name == name)
        return static_cast<std::uint32_t>(ir::cell_offset(program.types, row, static_cast<int>(column)));
    }
    return kUnread;
  };
  const std::vector<value::Field>& fields = program.types[record].fields;
  for (std::size_t i = 0; i < fields.size(); ++i) plan.fields[i].cell = cell_of(fields[i].name);
  plan.extra_cell = cell_of(ir::kExtraColumn);
  return plan;
}

}  // namespace piperun::record
