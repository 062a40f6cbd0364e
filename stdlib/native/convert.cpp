// `map.convert`: the values of a map as another type; lowering calls it where a map<…> is wanted with other elements.
// Records, lists and the scalars in them follow the implicit conversions of the language.
#include <algorithm>

#include "lang/value/decimal.h"
#include "stdlib/native/give.h"
#include "stdlib/native/table.h"

namespace piperun::native {

namespace {

using value::Type;
using value::TypeId;
using value::TypeKind;
using value::TypeTable;
using Outcome = std::optional<Fault>;  // why it failed

class Converter {
 public:
  Converter(const TypeTable& types, Arena& arena) : types_(types), arena_(arena) {}

  // Reads the cells of one value of type `from`, writes those of type `to`.
  Outcome convert(TypeId from, const Cell* value, TypeId to, Cell* result) {
    const Type& a = types_[from];
    const Type& b = types_[to];
    if (!b.nullable) return convert_present(a, value, b, result);
    const bool is_null = a.kind == TypeKind::Null || (a.nullable && value->b);
    result[0] = Cell::of(is_null);
    result[1] = Cell{};
    return is_null ? Outcome() : convert_present(a, a.nullable ? value + 1 : value, b, result + 1);
  }

  Outcome convert_map(TypeId from, List map, TypeId to, Cell* result) { return convert_items(from, map, to, result, 1); }

 private:
  std::size_t width(TypeId type) const { return static_cast<std::size_t>(value::cells(types_[type])); }

  Outcome convert_present(const Type& a, const Cell* value, const Type& b, Cell* result) {
    if (b.kind == TypeKind::Decimal) return convert_decimal(a, value, b, result);
    if (b.kind == TypeKind::Record) return convert_record(a, value->r, b, result);
    if (b.kind == TypeKind::List) return convert_items(a.element, value->l, b.element, result, 0);
    if (b.kind == TypeKind::Map) return convert_items(a.element, value->l, b.element, result, 1);
    *result = *value;
    return {};
  }

  static Outcome convert_decimal(const Type& a, const Cell* value, const Type& b, Cell* result) {
    const value::DecimalType to{b.precision, b.scale};
    const auto number = a.kind == TypeKind::Int ? value::decimal_from_int(value->i, to) : value::rescale(value->d, a.scale, to);
    if (!number) return number.error();
    *result = Cell::of(*number);
    return {};
  }

  Outcome convert_record(const Type& a, const Cell* fields, const Type& b, Cell* result) {
    std::size_t size = 0;
    for (const value::Field& field : b.fields) size += width(field.type);
    Cell* const made = arena_.cells(size);
    Cell* next = made;
    for (const value::Field& wanted : b.fields) {
      const int index = value::field_index(a, wanted.name);
      const auto place = a.fields.begin() + index;
      std::size_t at = 0;
      for (auto each = a.fields.begin(); each != place; ++each) at += width(each->type);
      if (const Outcome fault = convert(place->type, fields + at, wanted.type, next)) return fault;
      next += width(wanted.type);
    }
    *result = Cell::of(static_cast<const Cell*>(made));
    return {};
  }

  // `lead` cells stand before each element as they are: the key of a map's entry.
  Outcome convert_items(TypeId from, List items, TypeId to, Cell* result, std::size_t lead) {
    const std::size_t step_from = lead + width(from);
    const std::size_t step_to = lead + width(to);
    Cell* const made = arena_.cells(items.count * step_to);
    for (std::size_t n = 0; n < items.count; ++n) {
      const Cell* const old = items.items + n * step_from;
      Cell* const next = std::copy_n(old, lead, made + n * step_to);
      if (const Outcome fault = convert(from, old + lead, to, next)) return fault;
    }
    *result = Cell::of(List{made, items.count});
    return {};
  }

  const TypeTable& types_;
  Arena& arena_;
};

bool map_convert(NativeCall& call) {
  const TypeId from = call.types[call.arg_types[0]].element;
  const TypeId to = call.types[call.result_type].element;
  const Outcome fault = Converter(call.types, call.arena).convert_map(from, call.args->l, to, call.result);
  return fault ? fail(call, *fault) : true;
}

constexpr Native kFunctions[] = {{"map.convert", map_convert}};

}  // namespace

std::span<const Native> convert_functions() { return kFunctions; }

}  // namespace piperun::native
