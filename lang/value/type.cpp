#include "lang/value/type.h"

#include <algorithm>
#include <cassert>

namespace piperun::value {

namespace {

constexpr std::string_view scalar_name(TypeKind kind) {
  switch (kind) {
    case TypeKind::Error: return "?";
    case TypeKind::Never: return "never";
    case TypeKind::Null: return "null";
    case TypeKind::Bool: return "bool";
    case TypeKind::Int: return "int64";
    case TypeKind::Float: return "float64";
    case TypeKind::Decimal: return "decimal";
    case TypeKind::String: return "string";
    case TypeKind::Bytes: return "bytes";
    case TypeKind::Timestamp: return "timestamp";
    case TypeKind::Duration: return "duration";
    case TypeKind::Enum: return "enum";
    case TypeKind::List: return "list";
    case TypeKind::Map: return "map";
    case TypeKind::Record: return "record";
    case TypeKind::Json: return "json";
  }
  return "";
}

std::string fields_text(const TypeTable& types, const Type& record) {
  if (record.fields.empty()) return "{}";
  std::string text = "{ ";
  for (const Field& field : record.fields) {
    if (text.size() > 2) text += ", ";
    text += field.name + ": " + types.name(field.type);
  }
  return text + " }";
}

std::string values_text(const Type& type) {
  std::string text = "enum { ";
  for (std::size_t i = 0; i < type.values.size(); ++i) text += (i == 0 ? "" : ", ") + type.values[i];
  return text + " }";
}

}  // namespace

TypeTable::TypeTable() { intern({.kind = TypeKind::Error}); }

TypeId TypeTable::intern(Type type) {
  const auto next = static_cast<std::uint32_t>(types_.size());
  const auto [position, is_new] = ids_.try_emplace(std::move(type), TypeId{next});
  if (is_new) types_.push_back(position->first);
  return position->second;
}

TypeId TypeTable::decimal(int precision, int scale) {
  assert(precision >= 1 && precision <= 38 && scale >= 0 && scale <= precision);
  return intern(
      {.kind = TypeKind::Decimal, .precision = static_cast<std::uint8_t>(precision), .scale = static_cast<std::uint8_t>(scale)});
}

TypeId TypeTable::list(TypeId element) { return intern({.kind = TypeKind::List, .element = element}); }

TypeId TypeTable::map(TypeId element) { return intern({.kind = TypeKind::Map, .element = element}); }

TypeId TypeTable::record(std::string name, std::vector<Field> fields) {
  return intern({.kind = TypeKind::Record, .name = std::move(name), .fields = std::move(fields)});
}

TypeId TypeTable::with_null(TypeId type, bool nullable) {
  Type copy = types_[type.index];
  const bool has_no_values = copy.kind == TypeKind::Error || copy.kind == TypeKind::Never || copy.kind == TypeKind::Null;
  if (copy.nullable == nullable || has_no_values) return type;
  copy.nullable = nullable;
  return intern(std::move(copy));
}

std::string TypeTable::name(TypeId id) const {
  const Type& type = types_[id.index];
  std::string text(scalar_name(type.kind));
  if (type.kind == TypeKind::Decimal) text += "(" + std::to_string(type.precision) + ", " + std::to_string(type.scale) + ")";
  if (type.kind == TypeKind::List) text += "<" + name(type.element) + ">";
  if (type.kind == TypeKind::Map) text += "<string, " + name(type.element) + ">";
  if (type.kind == TypeKind::Record) text = type.name.empty() ? fields_text(*this, type) : type.name;
  if (type.kind == TypeKind::Enum) text = type.name.empty() ? values_text(type) : type.name;
  if (type.nullable) text += "?";
  return text;
}

int field_index(const Type& record, std::string_view name) {
  const auto found = std::ranges::find(record.fields, name, &Field::name);
  return found == record.fields.end() ? -1 : static_cast<int>(found - record.fields.begin());
}

}  // namespace piperun::value
