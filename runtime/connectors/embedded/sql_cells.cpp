#include "runtime/connectors/embedded/sql_cells.h"

#include "lang/value/compare.h"
#include "lang/value/decimal.h"
#include "lang/value/json_node.h"
#include "lang/value/time.h"

namespace piperun::embedded {

using value::Cell;
using value::TypeKind;

std::string_view column_type(const value::Type& type) {
  switch (type.kind) {
    case TypeKind::Bool:
    case TypeKind::Int: return "INTEGER";
    case TypeKind::Float: return "REAL";
    case TypeKind::Bytes: return "BLOB";
    case TypeKind::Error:
    case TypeKind::Never:
    case TypeKind::Null:
    case TypeKind::Decimal:
    case TypeKind::String:
    case TypeKind::Timestamp:
    case TypeKind::Duration:
    case TypeKind::Enum:
    case TypeKind::List:
    case TypeKind::Map:
    case TypeKind::Record:
    case TypeKind::Json: return "TEXT";
  }
  return "TEXT";
}

void bind_cell(Query& query, int parameter, const value::TypeTable& types, value::TypeId id, const Cell* cell,
               std::string& scratch) {
  const value::Type& type = types[id];
  const Cell* first = cell;
  if (type.nullable) {
    if (cell->b) {
      query.bind_null(parameter);
      return;
    }
    ++cell;
  }
  scratch.clear();
  switch (type.kind) {
    case TypeKind::Bool: query.bind(parameter, std::int64_t{cell->b}); return;
    case TypeKind::Int: query.bind(parameter, cell->i); return;
    case TypeKind::Float: query.bind(parameter, cell->f); return;
    case TypeKind::String: query.bind(parameter, std::string_view(cell->s)); return;
    case TypeKind::Bytes: query.bind_bytes(parameter, std::string_view(cell->s)); return;
    case TypeKind::Decimal: value::append_decimal(scratch, cell->d, type.scale); break;
    case TypeKind::Timestamp: value::append_timestamp(scratch, cell->i); break;
    case TypeKind::Duration: value::append_duration(scratch, cell->i); break;
    case TypeKind::Enum: scratch = type.values[static_cast<std::size_t>(cell->i)]; break;
    case TypeKind::Error:
    case TypeKind::Never:
    case TypeKind::Null: query.bind_null(parameter); return;
    case TypeKind::List:
    case TypeKind::Map:
    case TypeKind::Record:
    case TypeKind::Json: value::append_json(scratch, types, id, first); break;
  }
  query.bind(parameter, std::string_view(scratch));
}

namespace {

bool read_scalar(const Query& query, int column, const value::Type& type, value::Arena& arena, Cell* cell) {
  const auto whole = [&](const value::Fallible<std::int64_t>& parsed) {
    if (parsed) *cell = Cell::of(*parsed);
    return parsed.has_value();
  };
  switch (type.kind) {
    case TypeKind::Bool: *cell = Cell::of(query.integer(column) != 0); return true;
    case TypeKind::Int: *cell = Cell::of(query.integer(column)); return true;
    case TypeKind::Float: *cell = Cell::of(query.real(column)); return true;
    case TypeKind::String:
    case TypeKind::Bytes: *cell = Cell::of(std::string_view(arena.copy(query.bytes(column)))); return true;
    case TypeKind::Timestamp: return whole(value::parse_timestamp(query.bytes(column)));
    case TypeKind::Duration: return whole(value::parse_duration(query.bytes(column)));
    case TypeKind::Decimal: {
      const auto parsed = value::parse_decimal(query.bytes(column), {type.precision, type.scale});
      if (parsed) *cell = Cell::of(*parsed);
      return parsed.has_value();
    }
    case TypeKind::Enum:
      for (std::size_t i = 0; i < type.values.size(); ++i) {
        if (type.values[i] != query.bytes(column)) continue;
        *cell = Cell::of(static_cast<std::int64_t>(i));
        return true;
      }
      return false;
    case TypeKind::Error:
    case TypeKind::Never:
    case TypeKind::Null:
    case TypeKind::List:
    case TypeKind::Map:
    case TypeKind::Record:
    case TypeKind::Json: return false;
  }
  return false;
}

bool is_nested(TypeKind kind) {
  return kind == TypeKind::List || kind == TypeKind::Map || kind == TypeKind::Record || kind == TypeKind::Json;
}

}  // namespace

bool read_cell(const Query& query, int column, const value::TypeTable& types, value::TypeId id, value::Arena& arena, Cell* cell) {
  const value::Type& type = types[id];
  if (query.is_null(column)) {
    if (type.nullable) *cell = Cell::of(true);
    return type.nullable;
  }
  if (is_nested(type.kind)) {
    const auto tree = value::parse_json(query.bytes(column), arena);
    return tree && value::json_to(**tree, types, id, arena, cell).has_value();
  }
  if (type.nullable) *cell++ = Cell::of(false);
  return read_scalar(query, column, type, arena, cell);
}

void copy_value(const value::TypeTable& types, value::TypeId id, const Cell* from, value::Arena& arena, Cell* to) {
  const value::Type& type = types[id];
  if (type.nullable) {
    *to++ = *from;
    if (from++->b) return;
  }
  *to = *from;
  const auto copy_list = [&](std::size_t width, auto copy_element) {
    Cell* items = arena.cells(from->l.count * width);
    for (std::uint64_t i = 0; i < from->l.count; ++i) copy_element(from->l.items + i * width, items + i * width);
    to->l.items = items;
  };
  switch (type.kind) {
    case TypeKind::String:
    case TypeKind::Bytes: to->s = arena.copy(from->s); return;
    case TypeKind::List: {
      const value::TypeId element = type.element;
      copy_list(static_cast<std::size_t>(value::cells(types[element])),
                [&](const Cell* a, Cell* b) { copy_value(types, element, a, arena, b); });
      return;
    }
    case TypeKind::Map: {
      const value::TypeId element = type.element;
      copy_list(1 + static_cast<std::size_t>(value::cells(types[element])), [&](const Cell* a, Cell* b) {
        b->s = arena.copy(a->s);
        copy_value(types, element, a + 1, arena, b + 1);
      });
      return;
    }
    case TypeKind::Record: {
      std::size_t width = 0;
      for (const value::Field& field : type.fields) width += static_cast<std::size_t>(value::cells(types[field.type]));
      Cell* fields = arena.cells(width);
      to->r = fields;
      const Cell* source = from->r;
      for (const value::Field& field : type.fields) {
        copy_value(types, field.type, source, arena, fields);
        source += value::cells(types[field.type]);
        fields += value::cells(types[field.type]);
      }
      return;
    }
    case TypeKind::Json: {
      std::string text;
      value::write_json(*from->j, text);
      if (const auto tree = value::parse_json(text, arena)) to->j = *tree;
      return;
    }
    case TypeKind::Error:
    case TypeKind::Never:
    case TypeKind::Null:
    case TypeKind::Bool:
    case TypeKind::Int:
    case TypeKind::Float:
    case TypeKind::Decimal:
    case TypeKind::Timestamp:
    case TypeKind::Duration:
    case TypeKind::Enum: return;
  }
}

}  // namespace piperun::embedded
