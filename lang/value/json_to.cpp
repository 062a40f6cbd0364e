// A tree as a value of a declared type.
#include <algorithm>
#include <vector>

#include "lang/value/decimal.h"
#include "lang/value/int.h"
#include "lang/value/json_node.h"
#include "lang/value/text.h"
#include "lang/value/time.h"

namespace piperun::value {

namespace {

class Converter {
 public:
  Converter(const TypeTable& types, Arena& arena) : types_(types), arena_(arena) {}

  Fallible<void> convert(const JsonNode& node, TypeId id, Cell* result) {
    const Type& type = types_[id];
    const bool is_json = type.kind == TypeKind::Json;
    if (type.nullable) {
      const bool is_null = node.kind == JsonKind::Null;
      result[0] = Cell::of(is_null);
      result[1] = Cell{};
      return is_null ? Fallible<void>() : payload(node, type, result[1]);
    }
    if (node.kind == JsonKind::Null && !is_json) return std::unexpected(Fault::NullValue);
    return payload(node, type, *result);
  }

 private:
  template <typename T>
  static Fallible<void> put(const Fallible<T>& value, Cell& result) {
    if (!value) return std::unexpected(value.error());
    result = Cell::of(*value);
    return {};
  }

  Fallible<void> payload(const JsonNode& node, const Type& type, Cell& result) {
    const auto wrong_type = std::unexpected(Fault::JsonType);
    const bool is_text = node.kind == JsonKind::String;
    const bool is_number = node.kind == JsonKind::Number;
    const std::string_view text = node.text;
    switch (type.kind) {
      case TypeKind::Bool:
        if (node.kind != JsonKind::True && node.kind != JsonKind::False) return wrong_type;
        result = Cell::of(node.kind == JsonKind::True);
        return {};
      case TypeKind::Int: return is_number ? put(integer(text), result) : wrong_type;
      case TypeKind::Float: return is_number ? put(parse_float(text), result) : wrong_type;
      case TypeKind::Decimal:
        return is_number || is_text ? put(parse_decimal(text, {type.precision, type.scale}), result) : wrong_type;
      case TypeKind::String:
        if (!is_text) return wrong_type;
        result = Cell::of(text);
        return {};
      case TypeKind::Bytes: return is_text ? bytes(text, result) : wrong_type;
      case TypeKind::Timestamp: return is_text ? put(parse_timestamp(text), result) : wrong_type;
      case TypeKind::Duration: return is_text ? put(parse_duration(text), result) : wrong_type;
      case TypeKind::Enum: return is_text ? enum_value(text, type, result) : wrong_type;
      case TypeKind::List: return node.kind == JsonKind::Array ? list(node, type, result) : wrong_type;
      case TypeKind::Map: return node.kind == JsonKind::Object ? map(node, type, result) : wrong_type;
      case TypeKind::Record: return node.kind == JsonKind::Object ? record(node, type, result) : wrong_type;
      case TypeKind::Json: result = Cell::of(&node); return {};
      case TypeKind::Error:
      case TypeKind::Never:
      case TypeKind::Null: break;
    }
    return wrong_type;
  }

  static Fallible<std::int64_t> integer(std::string_view text) {
    const auto value = parse_decimal(text, kInt64AsDecimal);
    if (!value) return std::unexpected(value.error() == Fault::PrecisionExceeded ? Fault::ParseInt : value.error());
    return decimal_to_int(*value, 0);
  }

  Fallible<void> bytes(std::string_view text, Cell& result) {
    const auto decoded = decode_base64(text);
    if (!decoded) return std::unexpected(decoded.error());
    result = Cell::of(std::string_view(arena_.copy(*decoded)));
    return {};
  }

  static Fallible<void> enum_value(std::string_view text, const Type& type, Cell& result) {
    const auto found = std::ranges::find(type.values, text);
    if (found == type.values.end()) return std::unexpected(Fault::UnknownEnumValue);
    result = Cell::of(static_cast<std::int64_t>(found - type.values.begin()));
    return {};
  }

  Fallible<void> list(const JsonNode& node, const Type& type, Cell& result) {
    const auto width = static_cast<std::size_t>(cells(types_[type.element]));
    Cell* items = arena_.cells(node.count * width);
    for (std::uint64_t i = 0; i < node.count; ++i) {
      if (const auto done = convert(node.children[i], type.element, items + i * width); !done) return done;
    }
    result = Cell::of(List{items, node.count});
    return {};
  }

  Fallible<void> map(const JsonNode& node, const Type& type, Cell& result) {
    const auto width = static_cast<std::size_t>(cells(types_[type.element])) + 1;
    std::vector<std::uint64_t> by_name(node.count);
    for (std::uint64_t i = 0; i < node.count; ++i) by_name[i] = i;
    std::ranges::sort(by_name, {}, [&](std::uint64_t i) { return std::string_view(node.names[i]); });
    Cell* items = arena_.cells(node.count * width);
    for (std::uint64_t i = 0; i < node.count; ++i) {
      Cell* pair = items + i * width;
      pair[0] = Cell::of(std::string_view(node.names[by_name[i]]));
      if (const auto done = convert(node.children[by_name[i]], type.element, pair + 1); !done) return done;
    }
    result = Cell::of(List{items, node.count});
    return {};
  }

  Fallible<void> record(const JsonNode& node, const Type& type, Cell& result) {
    static constexpr JsonNode kAbsent{};
    std::size_t width = 0;
    for (const Field& field : type.fields) width += static_cast<std::size_t>(cells(types_[field.type]));
    Cell* fields = arena_.cells(width);
    Cell* next = fields;
    for (const Field& field : type.fields) {
      const JsonNode* found = member(node, field.name);
      if (found == nullptr && !types_[field.type].nullable) return std::unexpected(Fault::KeyMissing);
      if (const auto done = convert(found == nullptr ? kAbsent : *found, field.type, next); !done) return done;
      next += cells(types_[field.type]);
    }
    result = Cell::of(static_cast<const Cell*>(fields));
    return {};
  }

  const TypeTable& types_;
  Arena& arena_;
};

}  // namespace

Fallible<void> json_to(const JsonNode& node, const TypeTable& types, TypeId type, Arena& arena, Cell* result) {
  return Converter(types, arena).convert(node, type, result);
}

}  // namespace piperun::value
