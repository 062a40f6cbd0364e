#include "lang/sema/types.h"

#include <algorithm>

#include "lang/value/int.h"
#include "lang/value/time.h"

namespace piperun::sema {

namespace {

struct NamedScalar {
  std::string_view name;
  TypeKind kind;
};
constexpr NamedScalar kScalars[] = {
    {"bool", TypeKind::Bool},         {"int64", TypeKind::Int},   {"float64", TypeKind::Float},
    {"string", TypeKind::String},     {"bytes", TypeKind::Bytes}, {"timestamp", TypeKind::Timestamp},
    {"duration", TypeKind::Duration}, {"json", TypeKind::Json},
};

}  // namespace

std::optional<TypeKind> scalar_named(std::string_view word) {
  const auto* found = std::ranges::find(kScalars, word, &NamedScalar::name);
  return found == std::end(kScalars) ? std::nullopt : std::optional(found->kind);
}

std::vector<std::string> scalar_names() {
  std::vector<std::string> names;
  for (const NamedScalar& each : kScalars) names.emplace_back(each.name);
  return names;
}

bool is_numeric(TypeKind kind) { return kind == TypeKind::Int || kind == TypeKind::Decimal || kind == TypeKind::Float; }

bool is_ordered(TypeKind kind) {
  return is_numeric(kind) || kind == TypeKind::String || kind == TypeKind::Bytes || kind == TypeKind::Timestamp ||
         kind == TypeKind::Duration;
}

bool is_flat(TypeKind kind) { return kind != TypeKind::List && kind != TypeKind::Map && kind != TypeKind::Record; }

bool may_be_key(TypeKind kind) {
  return (is_ordered(kind) && kind != TypeKind::Float) || kind == TypeKind::Bool || kind == TypeKind::Enum ||
         kind == TypeKind::Error;
}

value::DecimalType decimal_type(const value::Type& type) {
  return type.kind == TypeKind::Int ? value::kInt64AsDecimal : value::DecimalType{type.precision, type.scale};
}

TypeId decimal(Context& context, value::DecimalType type) { return context.facts.types.decimal(type.precision, type.scale); }

namespace {

bool holds(value::DecimalType wide, value::DecimalType narrow) {
  return wide.scale >= narrow.scale && wide.precision - wide.scale >= narrow.precision - narrow.scale;
}

bool record_converts(Context& context, const value::Type& from, const value::Type& to) {
  const bool has_all =
      std::ranges::all_of(from.fields, [&](const value::Field& field) { return field_index(to, field.name) >= 0; });
  return has_all && std::ranges::all_of(to.fields, [&](const value::Field& field) {
           const int found = field_index(from, field.name);
           return found >= 0 && converts(context, from.fields[static_cast<std::size_t>(found)].type, field.type);
         });
}

}  // namespace

bool converts(Context& context, TypeId from, TypeId to) {
  if (from == to || context.is_error(from) || context.is_error(to)) return true;
  const value::Type a = context.type(from);
  const value::Type b = context.type(to);
  if (a.kind == TypeKind::Never) return true;
  if (a.kind == TypeKind::Null) return b.nullable;
  if (a.nullable && !b.nullable) return false;
  switch (a.kind) {
    case TypeKind::Int:
      if (b.kind == TypeKind::Decimal) return holds(decimal_type(b), value::kInt64AsDecimal);
      return b.kind == TypeKind::Int;
    case TypeKind::Decimal: return b.kind == TypeKind::Decimal && holds(decimal_type(b), decimal_type(a));
    case TypeKind::List:
    case TypeKind::Map: return a.kind == b.kind && converts(context, a.element, b.element);
    case TypeKind::Record: return b.kind == TypeKind::Record && record_converts(context, a, b);
    case TypeKind::Enum: return b.kind == TypeKind::Enum && a.name == b.name && a.values == b.values;
    case TypeKind::Error:
    case TypeKind::Never:
    case TypeKind::Null:
    case TypeKind::Bool:
    case TypeKind::Float:
    case TypeKind::String:
    case TypeKind::Bytes:
    case TypeKind::Timestamp:
    case TypeKind::Duration:
    case TypeKind::Json: return a.kind == b.kind;
  }
  return false;
}

std::optional<TypeId> common_type(Context& context, TypeId a, TypeId b) {
  if (a == b) return a;
  if (context.is_error(a) || context.is_error(b)) return TypeId{};
  if (context.kind(a) == TypeKind::Never) return b;
  if (context.kind(b) == TypeKind::Never) return a;
  if (context.kind(a) == TypeKind::Null) return context.nullable(b);
  if (context.kind(b) == TypeKind::Null) return context.nullable(a);
  if (context.is_nullable(a) || context.is_nullable(b)) {
    const auto common = common_type(context, context.base(a), context.base(b));
    return common ? std::optional(context.nullable(*common)) : std::nullopt;
  }
  if (converts(context, a, b)) return b;
  if (converts(context, b, a)) return a;
  const value::Type left = context.type(a);
  const value::Type right = context.type(b);
  const auto exact = [](const value::Type& type) { return type.kind == TypeKind::Int || type.kind == TypeKind::Decimal; };
  if (exact(left) && exact(right)) {
    const auto both = value::common_type(decimal_type(left), decimal_type(right));
    return both ? std::optional(decimal(context, *both)) : std::nullopt;
  }
  if (left.kind != right.kind || (left.kind != TypeKind::List && left.kind != TypeKind::Map)) return std::nullopt;
  const auto element = common_type(context, left.element, right.element);
  if (!element) return std::nullopt;
  return left.kind == TypeKind::List ? context.facts.types.list(*element) : context.facts.types.map(*element);
}

namespace {

using Value = decltype(Constant::value);

std::optional<Value> adapted_number(const Constant& constant, const value::Type& from, const value::Type& to) {
  if (from.kind == TypeKind::Int) {
    const std::int64_t number = std::get<std::int64_t>(constant.value);
    if (to.kind == TypeKind::Float) return static_cast<double>(number);
    if (to.kind != TypeKind::Decimal) return std::nullopt;
    const auto result = value::decimal_from_int(number, decimal_type(to));
    return result ? std::optional<Value>(*result) : std::nullopt;
  }
  if (from.kind != TypeKind::Decimal) return std::nullopt;
  const value::Int128 number = std::get<value::Int128>(constant.value);
  if (to.kind == TypeKind::Float) return value::decimal_to_float(number, from.scale);
  if (to.kind != TypeKind::Decimal) return std::nullopt;
  const auto result = value::rescale(number, from.scale, decimal_type(to));
  if (!result || value::compare(*result, to.scale, number, from.scale) != 0) return std::nullopt;
  return *result;
}

std::optional<Value> adapted_elements(Context& context, const Constant& constant, const value::Type& from,
                                      const value::Type& to) {
  const auto& elements = std::get<Constant::Elements>(constant.value);
  Constant::Elements result;
  if (to.kind == TypeKind::List) {
    for (const Constant& element : elements) {
      auto one = adapted(context, element, to.element);
      if (!one) return std::nullopt;
      result.push_back(std::move(*one));
    }
    return result;
  }
  if (from.fields.size() != to.fields.size()) return std::nullopt;
  for (const value::Field& field : to.fields) {
    const int found = field_index(from, field.name);
    if (found < 0) return std::nullopt;
    auto one = adapted(context, elements[static_cast<std::size_t>(found)], field.type);
    if (!one) return std::nullopt;
    result.push_back(std::move(*one));
  }
  return result;
}

}  // namespace

std::optional<Constant> adapted(Context& context, const Constant& constant, TypeId to) {
  if (constant.type == to) return constant;
  const value::Type from = context.type(constant.type);
  const value::Type target = context.type(to);
  if (constant.is_null()) return target.nullable ? std::optional(Constant{to, {}}) : std::nullopt;
  std::optional<Value> result;
  const bool is_collection = from.kind == TypeKind::List || from.kind == TypeKind::Record;
  if (is_collection && from.kind == target.kind) result = adapted_elements(context, constant, from, target);
  else if (is_numeric(from.kind)) result = adapted_number(constant, from, target);
  if (!result && from.kind == target.kind && context.base(constant.type) == context.base(to)) result = constant.value;
  return result ? std::optional(Constant{to, std::move(*result)}) : std::nullopt;
}

std::optional<Constant> parsed(Context& context, std::string_view text, TypeId type_id) {
  const value::Type type = context.type(type_id);
  const auto made = [&](auto result) -> std::optional<Constant> {
    if (!result) return std::nullopt;
    return Constant{type_id, *result};
  };
  if (type.nullable && (text.empty() || text == "null")) return Constant{type_id, {}};
  switch (type.kind) {
    case TypeKind::Bool: return made(value::parse_bool(text));
    case TypeKind::Int: return made(value::parse_int(text));
    case TypeKind::Float: return made(value::parse_float(text));
    case TypeKind::Decimal: return made(value::parse_decimal(text, decimal_type(type)));
    case TypeKind::Timestamp: return made(value::parse_timestamp(text));
    case TypeKind::Duration: return made(value::parse_duration(text));
    case TypeKind::String:
    case TypeKind::Bytes: return Constant{type_id, std::string(text)};
    case TypeKind::Enum: {
      const auto found = std::ranges::find(type.values, text);
      if (found == type.values.end()) return std::nullopt;
      return Constant{type_id, static_cast<std::int64_t>(found - type.values.begin())};
    }
    case TypeKind::List: {
      Constant::Elements elements;
      while (!text.empty()) {
        const std::size_t comma = std::min(text.find(','), text.size());
        auto element = parsed(context, text.substr(0, comma), type.element);
        if (!element) return std::nullopt;
        elements.push_back(std::move(*element));
        text.remove_prefix(std::min(comma + 1, text.size()));
      }
      return Constant{type_id, std::move(elements)};
    }
    case TypeKind::Error:
    case TypeKind::Never:
    case TypeKind::Null:
    case TypeKind::Map:
    case TypeKind::Record:
    case TypeKind::Json: return std::nullopt;
  }
  return std::nullopt;
}

std::vector<std::string> names_of(const value::Type& record) {
  std::vector<std::string> names;
  for (const value::Field& field : record.fields) names.push_back(field.name);
  return names;
}

std::vector<std::string> names_of(const Columns& columns) {
  std::vector<std::string> names;
  for (const Column& column : columns) names.push_back(column.name);
  return names;
}

Columns columns_of(const Context& context, TypeId record, Span where) {
  Columns columns;
  for (const value::Field& field : context.type(record).fields) columns.push_back({field.name, field.type, false, where});
  return columns;
}

}  // namespace piperun::sema
