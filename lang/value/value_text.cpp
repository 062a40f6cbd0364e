// Values of any type as text and as JSON.
#include <cmath>

#include "lang/value/compare.h"
#include "lang/value/decimal.h"
#include "lang/value/int.h"
#include "lang/value/json_node.h"
#include "lang/value/text.h"
#include "lang/value/time.h"

namespace piperun::value {

namespace {

enum class Form { Plain, Json };

void append(std::string& out, const TypeTable& types, TypeId id, const Cell* value, Form form);

void append_elements(std::string& out, const TypeTable& types, const Type& type, List list) {
  const auto width = static_cast<std::size_t>(cells(types[type.element]));
  for (std::uint64_t i = 0; i < list.count; ++i) {
    if (i != 0) out += ',';
    append(out, types, type.element, list.items + i * width, Form::Json);
  }
}

void append_pairs(std::string& out, const TypeTable& types, const Type& type, List list) {
  const auto width = static_cast<std::size_t>(cells(types[type.element])) + 1;
  for (std::uint64_t i = 0; i < list.count; ++i) {
    if (i != 0) out += ',';
    append_json_string(out, list.items[i * width].s);
    out += ':';
    append(out, types, type.element, list.items + i * width + 1, Form::Json);
  }
}

void append_fields(std::string& out, const TypeTable& types, const Type& type, const Cell* fields) {
  bool is_first = true;
  for (const Field& field : type.fields) {
    if (!is_first) out += ',';
    is_first = false;
    append_json_string(out, field.name);
    out += ':';
    append(out, types, field.type, fields, Form::Json);
    fields += cells(types[field.type]);
  }
}

// What is quoted in JSON: strings and all that is written as one.
void append_string_like(std::string& out, const Type& type, const Cell& value) {
  switch (type.kind) {
    case TypeKind::String: out += value.s; return;
    case TypeKind::Bytes: append_base64(out, value.s); return;
    case TypeKind::Timestamp: append_timestamp(out, value.i); return;
    case TypeKind::Duration: append_duration(out, value.i); return;
    case TypeKind::Enum: out += type.values[static_cast<std::size_t>(value.i)]; return;
    case TypeKind::Bool:
    case TypeKind::Int:
    case TypeKind::Float:
    case TypeKind::Decimal:
    case TypeKind::List:
    case TypeKind::Map:
    case TypeKind::Record:
    case TypeKind::Json:
    case TypeKind::Error:
    case TypeKind::Never:
    case TypeKind::Null: return;
  }
}

void append_payload(std::string& out, const TypeTable& types, const Type& type, const Cell& value, Form form) {
  switch (type.kind) {
    case TypeKind::Bool: out += value.b ? "true" : "false"; return;
    case TypeKind::Int: append_int(out, value.i); return;
    case TypeKind::Float:
      if (form == Form::Json && !std::isfinite(value.f)) out += "null";
      else append_float(out, value.f);
      return;
    case TypeKind::Decimal: append_decimal(out, value.d, type.scale); return;
    case TypeKind::String:
    case TypeKind::Bytes:
    case TypeKind::Timestamp:
    case TypeKind::Duration:
    case TypeKind::Enum:
      if (form == Form::Plain) {
        append_string_like(out, type, value);
      } else {
        std::string text;
        append_string_like(text, type, value);
        append_json_string(out, text);
      }
      return;
    case TypeKind::List:
      out += '[';
      append_elements(out, types, type, value.l);
      out += ']';
      return;
    case TypeKind::Map:
      out += '{';
      append_pairs(out, types, type, value.l);
      out += '}';
      return;
    case TypeKind::Record:
      out += '{';
      append_fields(out, types, type, value.r);
      out += '}';
      return;
    case TypeKind::Json: write_json(*value.j, out); return;
    case TypeKind::Error:
    case TypeKind::Never:
    case TypeKind::Null: out += "null"; return;
  }
}

void append(std::string& out, const TypeTable& types, TypeId id, const Cell* value, Form form) {
  const Type& type = types[id];
  if (type.nullable && value[0].b) {
    out += "null";
  } else {
    append_payload(out, types, type, value[type.nullable ? 1 : 0], form);
  }
}

}  // namespace

void append_text(std::string& out, const TypeTable& types, TypeId id, const Cell* value) {
  append(out, types, id, value, Form::Plain);
}

void append_json(std::string& out, const TypeTable& types, TypeId id, const Cell* value) {
  append(out, types, id, value, Form::Json);
}

}  // namespace piperun::value
