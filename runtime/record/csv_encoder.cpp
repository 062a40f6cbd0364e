#include "runtime/record/csv_encoder.h"

#include <fmt/format.h>

#include "lang/value/text.h"
#include "lang/value/time.h"
#include "runtime/record/json_writer.h"

namespace piperun::record {

using value::TypeKind;

void CsvEncoder::append_field(std::string_view text, std::string& out) const {
  const char special[] = {delimiter_, '"', '\r', '\n'};
  if (!text.empty() && text.find_first_of({special, sizeof special}) == std::string_view::npos) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

std::string CsvEncoder::header() const {
  std::string line;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (i > 0) line += delimiter_;
    append_field(columns_[i].name, line);
  }
  return line;
}

// Undeclared fields have no column.
std::optional<EncodeFault> CsvEncoder::encode(const value::Cell* cells, const value::JsonNode*, std::string& out) const {
  const std::size_t before = out.size();
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (i > 0) out += delimiter_;
    const value::Type& type = types_[columns_[i].type];
    const value::Cell* const cell = cells;
    cells += value::cells(type);
    if (type.nullable && cell->b) continue;
    if (!field(type, cell[type.nullable ? 1 : 0], out)) {
      out.resize(before);
      return EncodeFault{base::ErrorCode::NotEncodable, fmt::format("`{}`: NaN and infinity have no form", columns_[i].name)};
    }
  }
  return std::nullopt;
}

bool CsvEncoder::field(const value::Type& type, const value::Cell& cell, std::string& out) const {
  switch (type.kind) {
    case TypeKind::String: append_field(cell.s, out); return true;
    case TypeKind::Enum: append_field(type.values[static_cast<std::size_t>(cell.i)], out); return true;
    case TypeKind::Timestamp: value::append_timestamp(out, cell.i); return true;
    case TypeKind::Duration: value::append_duration(out, cell.i); return true;
    case TypeKind::Bytes:
      if (cell.s.size == 0) return out += "\"\"", true;
      value::append_base64(out, cell.s);
      return true;
    case TypeKind::Bool:
    case TypeKind::Int:
    case TypeKind::Float:
    case TypeKind::Decimal: return JsonWriter(types_, {}, out).present(type, cell);
    case TypeKind::List:
    case TypeKind::Map:
    case TypeKind::Record:
    case TypeKind::Json: {
      std::string json;
      const bool done = JsonWriter(types_, {}, json).present(type, cell);
      append_field(json, out);
      return done;
    }
    case TypeKind::Error:
    case TypeKind::Never:
    case TypeKind::Null: break;  // never the type of a column
  }
  return false;
}

}  // namespace piperun::record
