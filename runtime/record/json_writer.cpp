#include "runtime/record/json_writer.h"

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "lang/value/decimal.h"
#include "lang/value/int.h"
#include "lang/value/text.h"
#include "lang/value/time.h"

namespace piperun::record {
namespace {

using value::Cell;
using value::TypeKind;

void append_number(std::string& out, std::int64_t v) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, v).ptr;
  out.append(digits, static_cast<std::size_t>(end - digits));
}

constexpr char kHex[] = "0123456789abcdef";

// How a byte is written inside of a string: 0 as it is, 'u' as \u00xx, else the letter behind a backslash.
constexpr auto kEscapes = [] {
  std::array<char, 256> table{};
  for (std::size_t c = 0; c < 0x20; ++c) table[c] = 'u';
  table['"'] = '"', table['\\'] = '\\', table['\n'] = 'n', table['\r'] = 'r', table['\t'] = 't', table['\b'] = 'b',
  table['\f'] = 'f';
  return table;
}();

// The first byte that is not written as it is, or `end`.
const char* next_escaped(const char* from, const char* end) {
#if defined(__SSE2__)
  const __m128i quotes = _mm_set1_epi8('"'), backslashes = _mm_set1_epi8('\\'), last_control = _mm_set1_epi8(0x1f);
  for (; end - from >= 16; from += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, last_control), bytes);
    const __m128i stops = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, quotes), _mm_cmpeq_epi8(bytes, backslashes)), control);
    if (const int mask = _mm_movemask_epi8(stops)) return from + std::countr_zero(static_cast<unsigned>(mask));
  }
#endif
  while (from < end && kEscapes[static_cast<unsigned char>(*from)] == 0) ++from;
  return from;
}

}  // namespace

void write_json_string(std::string_view text, std::string& out) {
  out += '"';
  const char* plain = text.data();
  const char* const end = plain + text.size();
  for (const char* p = next_escaped(plain, end); p < end; p = next_escaped(p + 1, end)) {
    const char escape = kEscapes[static_cast<unsigned char>(*p)];
    out.append(plain, p);
    plain = p + 1;
    out += '\\';
    out += escape;
    if (escape == 'u') (out += "00") += {kHex[static_cast<unsigned char>(*p) >> 4], kHex[*p & 15]};
  }
  out.append(plain, end);
  out += '"';
}

bool JsonWriter::value(value::TypeId id, const Cell* cell) {
  const value::Type& type = types_[id];
  if (!type.nullable) return present(type, *cell);
  if (cell[0].b) return out_ += "null", true;
  return present(type, cell[1]);
}

bool JsonWriter::present(const value::Type& type, const Cell& cell) {
  switch (type.kind) {
    case TypeKind::Bool: out_ += cell.b ? "true" : "false"; return true;
    case TypeKind::Int: append_number(out_, cell.i); return true;
    case TypeKind::Float: return number(cell.f);
    case TypeKind::Decimal: decimal(cell.d, type.scale); return true;
    case TypeKind::String: write_json_string(cell.s, out_); return true;
    case TypeKind::Bytes:
      out_ += '"';
      value::append_base64(out_, cell.s);
      out_ += '"';
      return true;
    case TypeKind::Timestamp:
      out_ += '"';
      value::append_timestamp(out_, cell.i);
      out_ += '"';
      return true;
    case TypeKind::Duration:
      out_ += '"';
      value::append_duration(out_, cell.i);
      out_ += '"';
      return true;
    case TypeKind::Enum: write_json_string(type.values[static_cast<std::size_t>(cell.i)], out_); return true;
    case TypeKind::List: return list(type.element, cell.l);
    case TypeKind::Map: return map(type.element, cell.l);
    case TypeKind::Record: return record(type, cell.r);
    case TypeKind::Json: value::write_json(*cell.j, out_); return true;
    case TypeKind::Null: out_ += "null"; return true;
    case TypeKind::Error:
    case TypeKind::Never: break;  // have no values
  }
  fault_ = "has no value";
  return false;
}

bool JsonWriter::number(double v) {
  if (!std::isfinite(v)) {
    fault_ = std::isnan(v) ? "NaN has no JSON form" : "infinity has no JSON form";
    return false;
  }
  value::append_float(out_, v);
  return true;
}

void JsonWriter::decimal(value::Int128 v, int scale) {
  if (form_.decimals == ir::DecimalForm::String) out_ += '"';
  value::append_decimal(out_, v, scale);
  if (form_.decimals == ir::DecimalForm::String) out_ += '"';
}

bool JsonWriter::list(value::TypeId element, value::List list) {
  const auto width = static_cast<std::size_t>(value::cells(types_[element]));
  out_ += '[';
  for (std::size_t i = 0; i < list.count; ++i) {
    if (i > 0) out_ += ',';
    if (!value(element, list.items + i * width)) return false;
  }
  out_ += ']';
  return true;
}

bool JsonWriter::map(value::TypeId element, value::List map) {
  const auto width = 1 + static_cast<std::size_t>(value::cells(types_[element]));
  out_ += '{';
  for (std::size_t i = 0; i < map.count; ++i) {
    if (i > 0) out_ += ',';
    write_json_string(map.items[i * width].s, out_);
    out_ += ':';
    if (!value(element, map.items + i * width + 1)) return false;
  }
  out_ += '}';
  return true;
}

bool JsonWriter::record(const value::Type& type, const Cell* cells) {
  out_ += '{';
  bool first = true;
  for (const value::Field& field : type.fields) {
    const value::Type& of_field = types_[field.type];
    const Cell* const cell = cells;
    cells += value::cells(of_field);
    if (of_field.nullable && cell->b && form_.nulls == ir::NullForm::Omit) continue;
    if (!first) out_ += ',';
    first = false;
    write_json_string(field.name, out_);
    out_ += ':';
    if (!value(field.type, cell)) return false;
  }
  out_ += '}';
  return true;
}

}  // namespace piperun::record
