#include "runtime/connectors/postgres/column_cells.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "lang/value/compare.h"
#include "lang/value/decimal.h"
#include "lang/value/json_node.h"
#include "lang/value/time.h"

namespace piperun::postgres {

using value::Cell;
using value::TypeKind;

namespace {

void append_integer(std::string& out, std::int64_t number) {
  const fmt::format_int text(number);
  out.append(text.data(), text.size());
}

// The text of a value that travels as text, appended to `out`. `value` is the cell behind the null bit, `whole` the first cell.
void append_text_form(std::string& out, const value::TypeTable& types, value::TypeId id, Form form, const Cell* whole,
                      const Cell* cell) {
  const value::Type& type = types[id];
  switch (type.kind) {
    case TypeKind::Bool: out += cell->b ? 't' : 'f'; return;
    case TypeKind::Int: append_integer(out, cell->i); return;
    case TypeKind::Float:
      if (std::isnan(cell->f)) out += "NaN";
      else if (std::isinf(cell->f)) out += cell->f < 0 ? "-Infinity" : "Infinity";
      else fmt::format_to(std::back_inserter(out), "{}", cell->f);
      return;
    case TypeKind::String: out += std::string_view(cell->s); return;
    case TypeKind::Bytes: out += hex(cell->s); return;
    case TypeKind::Decimal: value::append_decimal(out, cell->d, type.scale); return;
    case TypeKind::Timestamp: value::append_timestamp(out, cell->i); return;
    case TypeKind::Duration:
      if (form == Form::Interval) fmt::format_to(std::back_inserter(out), "{} microseconds", cell->i);
      else if (form == Form::DurationNumber) append_integer(out, cell->i);
      else value::append_duration(out, cell->i);
      return;
    case TypeKind::Enum: out += type.values[static_cast<std::size_t>(cell->i)]; return;
    case TypeKind::Error:
    case TypeKind::Never:
    case TypeKind::Null: return;
    case TypeKind::List:
    case TypeKind::Map:
    case TypeKind::Record:
    case TypeKind::Json: value::append_json(out, types, id, whole); return;
  }
}

bool is_nothing(const value::Type& type, const Cell* cell) {
  return (type.nullable && cell->b) || type.kind == TypeKind::Null || type.kind == TypeKind::Never ||
         type.kind == TypeKind::Error;
}

bool is_nested(TypeKind kind) {
  return kind == TypeKind::List || kind == TypeKind::Map || kind == TypeKind::Record || kind == TypeKind::Json;
}

// `2026-01-31 12:00:00.5+00` (DateStyle ISO, TimeZone UTC) as RFC 3339.
value::Fallible<std::int64_t> parse_server_time(std::string_view text) {
  std::string rfc(text);
  if (const std::size_t blank = rfc.find(' '); blank != std::string::npos) rfc[blank] = 'T';
  if (rfc.ends_with("+00")) rfc.resize(rfc.size() - 3);
  return value::parse_timestamp(rfc + "Z");
}

bool read_number(std::string_view text, auto& number) {
  const auto end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stopped == end;
}

bool read_float(std::string_view text, double& number) {
  if (text == "Infinity" || text == "-Infinity") {
    number = text[0] == '-' ? -HUGE_VAL : HUGE_VAL;
    return true;
  }
  return read_number(text, number);
}

int digit(char c) { return c >= 'a' ? c - 'a' + 10 : c - '0'; }

std::string_view read_bytes(std::string_view text, value::Arena& arena) {
  text.remove_prefix(2);
  char* bytes = arena.chars(text.size() / 2);
  for (std::size_t i = 0; i < text.size() / 2; ++i)
    bytes[i] = static_cast<char>((digit(text[2 * i]) << 4) | digit(text[2 * i + 1]));
  return {bytes, text.size() / 2};
}

bool read_scalar(std::string_view text, const value::Type& type, Form form, value::Arena& arena, Cell* cell) {
  const auto whole = [&](const value::Fallible<std::int64_t>& parsed) {
    if (parsed) *cell = Cell::of(*parsed);
    return parsed.has_value();
  };
  std::int64_t number = 0;
  double real = 0;
  switch (type.kind) {
    case TypeKind::Bool: *cell = Cell::of(text == "t"); return true;
    case TypeKind::Int:
      if (!read_number(text, number)) {  // 5.00 of a numeric
        const auto parsed = value::parse_decimal(text, {19, 0});
        if (!parsed || *parsed > INT64_MAX || *parsed < INT64_MIN) return false;
        number = static_cast<std::int64_t>(*parsed);
      }
      *cell = Cell::of(number);
      return true;
    case TypeKind::Float:
      if (!read_float(text, real)) return text == "NaN" && (*cell = Cell::of(std::nan("")), true);
      *cell = Cell::of(real);
      return true;
    case TypeKind::String: *cell = Cell::of(std::string_view(arena.copy(text))); return true;
    case TypeKind::Bytes: *cell = Cell::of(read_bytes(text, arena)); return true;
    case TypeKind::Timestamp: return whole(parse_server_time(text));
    case TypeKind::Duration:
      if (form == Form::DurationText) return whole(value::parse_duration(text));
      *cell = Cell::of(std::int64_t{0});
      return read_number(text, cell->i);
    case TypeKind::Decimal: {
      const auto parsed = value::parse_decimal(text, {type.precision, type.scale});
      if (parsed) *cell = Cell::of(*parsed);
      return parsed.has_value();
    }
    case TypeKind::Enum:
      for (std::size_t i = 0; i < type.values.size(); ++i) {
        if (type.values[i] != text) continue;
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

}  // namespace

bool append_cell(Array& array, const value::TypeTable& types, value::TypeId id, Form form, const Cell* whole,
                 std::string& scratch) {
  const value::Type& type = types[id];
  if (is_nothing(type, whole)) {
    array.null();
    return true;
  }
  const Cell* cell = type.nullable ? whole + 1 : whole;
  switch (array.wire()) {
    case Wire::Bool: array.boolean(cell->b); return true;
    case Wire::Integer: array.integer(cell->i); return true;
    case Wire::Real: array.real(cell->f); return true;
    case Wire::Timestamp: array.timestamp(cell->i); return true;
    case Wire::Bytes: array.text(cell->s); return true;
    case Wire::Text: break;
  }
  std::string_view text;
  if (type.kind == TypeKind::String) {
    text = cell->s;
  } else {
    scratch.clear();
    append_text_form(scratch, types, id, form, whole, cell);
    text = scratch;
  }
  if (text.contains('\0')) return false;
  array.text(text);
  return true;
}

void append_copy_field(std::string& out, std::optional<std::string_view> text) {
  if (!text) {
    out += "\\N";
    return;
  }
  for (auto rest = text->begin();;) {
    const auto special = std::find_if(rest, text->end(), [](char c) { return c == '\\' || c == '\t' || c == '\n' || c == '\r'; });
    out.append(rest, special);
    if (special == text->end()) return;
    out += '\\';
    out += *special == '\t' ? 't' : *special == '\n' ? 'n' : *special == '\r' ? 'r' : '\\';
    rest = special + 1;
  }
}

void append_copy_field(std::string& out, const value::TypeTable& types, value::TypeId id, Form form, const Cell* whole,
                       std::string& scratch) {
  const value::Type& type = types[id];
  if (is_nothing(type, whole)) return append_copy_field(out, std::nullopt);
  const Cell* cell = type.nullable ? whole + 1 : whole;
  if (type.kind == TypeKind::String) return append_copy_field(out, std::string_view(cell->s));
  if (type.kind == TypeKind::Int) return append_text_form(out, types, id, form, whole, cell);  // nothing in it is special
  scratch.clear();
  append_text_form(scratch, types, id, form, whole, cell);
  append_copy_field(out, scratch);
}

std::string select_expression(const std::string& column, Form form) {
  return form == Form::Interval ? fmt::format("(extract(epoch FROM {}) * 1000000)::int8", column) : column;
}

bool read_cell(std::optional<std::string_view> text, const value::TypeTable& types, value::TypeId id, Form form,
               value::Arena& arena, Cell* cell) {
  const value::Type& type = types[id];
  if (!text) {
    if (type.nullable) *cell = Cell::of(true);
    return type.nullable;
  }
  if (is_nested(type.kind)) {
    const auto tree = value::parse_json(*text, arena);
    return tree && value::json_to(**tree, types, id, arena, cell).has_value();
  }
  if (type.nullable) *cell++ = Cell::of(false);
  return read_scalar(*text, type, form, arena, cell);
}

}  // namespace piperun::postgres
