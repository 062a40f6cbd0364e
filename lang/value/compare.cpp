#include "lang/value/compare.h"

#include <algorithm>
#include <cmath>

#include "lang/value/decimal.h"
#include "lang/value/int.h"
#include "lang/value/json_node.h"
#include "lang/value/key.h"
#include "lang/value/text.h"
#include "lang/value/time.h"

namespace piperun::value {

namespace {

bool equal_payload(const TypeTable& types, const Type& type, const Cell& a, const Cell& b);
std::strong_ordering order_payload(const TypeTable& types, const Type& type, const Cell& a, const Cell& b);

template <typename T>
std::strong_ordering order_of(const T& a, const T& b) {
  return a < b ? std::strong_ordering::less : b < a ? std::strong_ordering::greater : std::strong_ordering::equal;
}

std::strong_ordering order_floats(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return order_of(std::isnan(a), std::isnan(b));
  return order_of(a, b);
}

std::strong_ordering order_json(const TypeTable& types, TypeId type, const Cell* a, const Cell* b) {
  std::string left, right;
  encode_key(types, type, a, left);
  encode_key(types, type, b, right);
  return order_of(left, right);
}

// The parts of a list, map or record, one after the other, as (type, cell) pairs of two values. Stops at the first false.
template <typename Visit>
bool each_pair(const TypeTable& types, const Type& type, const Cell& a, const Cell& b, std::uint64_t count, Visit visit) {
  if (type.kind == TypeKind::Record) {
    std::size_t at = 0;
    for (const Field& field : type.fields) {
      if (!visit(field.type, a.r + at, b.r + at)) return false;
      at += static_cast<std::size_t>(cells(types[field.type]));
    }
    return true;
  }
  const bool is_map = type.kind == TypeKind::Map;
  const auto width = static_cast<std::size_t>(cells(types[type.element])) + (is_map ? 1 : 0);
  for (std::uint64_t i = 0; i < count; ++i) {
    const Cell* left = a.l.items + i * width;
    const Cell* right = b.l.items + i * width;
    if (!visit(type.element, is_map ? left + 1 : left, is_map ? right + 1 : right)) return false;
  }
  return true;
}

bool equal_parts(const TypeTable& types, const Type& type, const Cell& a, const Cell& b) {
  if (type.kind != TypeKind::Record && a.l.count != b.l.count) return false;
  if (type.kind == TypeKind::Map) {
    const auto width = static_cast<std::size_t>(cells(types[type.element])) + 1;
    for (std::uint64_t i = 0; i < a.l.count; ++i) {
      if (std::string_view(a.l.items[i * width].s) != std::string_view(b.l.items[i * width].s)) return false;
    }
  }
  const std::uint64_t count = type.kind == TypeKind::Record ? 0 : a.l.count;
  return each_pair(types, type, a, b, count, [&](TypeId id, const Cell* x, const Cell* y) { return equal(types, id, x, y); });
}

std::strong_ordering order_parts(const TypeTable& types, const Type& type, const Cell& a, const Cell& b) {
  const bool is_record = type.kind == TypeKind::Record;
  const std::uint64_t count = is_record ? 0 : std::min(a.l.count, b.l.count);
  std::strong_ordering result = std::strong_ordering::equal;
  each_pair(types, type, a, b, count, [&](TypeId id, const Cell* x, const Cell* y) {
    if (type.kind == TypeKind::Map) result = order_of<std::string_view>((x - 1)->s, (y - 1)->s);
    if (result == 0) result = order(types, id, x, y);
    return result == 0;
  });
  return result != 0 || is_record ? result : order_of(a.l.count, b.l.count);
}

bool equal_payload(const TypeTable& types, const Type& type, const Cell& a, const Cell& b) {
  switch (type.kind) {
    case TypeKind::Bool: return a.b == b.b;
    case TypeKind::Int:
    case TypeKind::Timestamp:
    case TypeKind::Duration:
    case TypeKind::Enum: return a.i == b.i;
    case TypeKind::Float: return a.f == b.f;
    case TypeKind::Decimal: return a.d == b.d;
    case TypeKind::String:
    case TypeKind::Bytes: return std::string_view(a.s) == std::string_view(b.s);
    case TypeKind::List:
    case TypeKind::Map:
    case TypeKind::Record: return equal_parts(types, type, a, b);
    case TypeKind::Json: return equal(*a.j, *b.j);
    case TypeKind::Error:
    case TypeKind::Never:
    case TypeKind::Null: break;
  }
  return true;
}

std::strong_ordering order_payload(const TypeTable& types, const Type& type, const Cell& a, const Cell& b) {
  switch (type.kind) {
    case TypeKind::Bool: return order_of(a.b, b.b);
    case TypeKind::Int:
    case TypeKind::Timestamp:
    case TypeKind::Duration:
    case TypeKind::Enum: return order_of(a.i, b.i);
    case TypeKind::Float: return order_floats(a.f, b.f);
    case TypeKind::Decimal: return order_of(a.d, b.d);
    case TypeKind::String:
    case TypeKind::Bytes: return order_of<std::string_view>(a.s, b.s);
    case TypeKind::List:
    case TypeKind::Map:
    case TypeKind::Record: return order_parts(types, type, a, b);
    case TypeKind::Json:
    case TypeKind::Error:
    case TypeKind::Never:
    case TypeKind::Null: break;
  }
  return std::strong_ordering::equal;
}

}  // namespace

bool equal(const TypeTable& types, TypeId id, const Cell* a, const Cell* b) {
  const Type& type = types[id];
  if (!type.nullable) return equal_payload(types, type, *a, *b);
  if (a[0].b || b[0].b) return a[0].b == b[0].b;
  return equal_payload(types, type, a[1], b[1]);
}

std::strong_ordering order(const TypeTable& types, TypeId id, const Cell* a, const Cell* b) {
  const Type& type = types[id];
  if (type.kind == TypeKind::Json) return order_json(types, id, a, b);
  if (!type.nullable) return order_payload(types, type, *a, *b);
  if (a[0].b || b[0].b) return order_of(!a[0].b, !b[0].b);
  return order_payload(types, type, a[1], b[1]);
}

std::uint64_t hash(const TypeTable& types, TypeId id, const Cell* value) {
  std::string key;
  encode_key(types, id, value, key);
  return std::hash<std::string>{}(key);
}

Text to_text(const TypeTable& types, TypeId id, const Cell* value, Arena& arena) {
  const Type& type = types[id];
  if (type.kind == TypeKind::String && !(type.nullable && value[0].b)) return value[type.nullable ? 1 : 0].s;
  std::string out;
  append_text(out, types, id, value);
  return arena.copy(out);
}

}  // namespace piperun::value
