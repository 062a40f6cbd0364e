#include "lang/value/key.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "lang/value/compare.h"
#include "lang/value/json_node.h"

namespace piperun::value {
namespace {

// Makes values of any type, from few different ones, so that equal ones come up often.
struct Maker {
  TypeTable& types;
  Arena& arena;
  std::mt19937_64 random{11};

  std::uint64_t below(std::uint64_t n) { return random() % n; }

  void fill(TypeId id, Cell* out) {
    const Type type = types[id];
    if (type.nullable) {
      *out++ = Cell::of(below(3) == 0);
      *out = Cell::of(static_cast<std::int64_t>(below(100)));  // what a null hides must not matter
      if ((out - 1)->b && type.kind != TypeKind::List && type.kind != TypeKind::Record) return;
    }
    *out = payload(type);
  }

  Cell payload(const Type& type) {
    static constexpr std::int64_t kInts[] = {0, -1, 1, 63, -64, 64, 127, 128, 300, INT64_MAX, INT64_MIN};
    static constexpr std::string_view kTexts[] = {"",
                                                  "a",
                                                  "b",
                                                  "ab",
                                                  "ba",
                                                  std::string_view("\0", 1),
                                                  std::string_view("a\0b", 3),
                                                  "\x01",
                                                  "\x01"
                                                  "a"};
    switch (type.kind) {
      case TypeKind::Bool: return Cell::of(below(2) == 0);
      case TypeKind::Decimal: return Cell::of(static_cast<Int128>(kInts[below(11)]) * (below(2) == 0 ? 1 : 1'000'000'000'000));
      case TypeKind::String: return Cell::of(kTexts[below(9)]);
      case TypeKind::Enum: return Cell::of(static_cast<std::int64_t>(below(type.values.size())));
      case TypeKind::Float: {
        static constexpr double kFloats[] = {0.0, -0.0, 1.5, -1.5};
        return Cell::of(kFloats[below(4)]);
      }
      case TypeKind::List:
      case TypeKind::Map: {
        const std::uint64_t count = below(3);
        const auto width = static_cast<std::size_t>(cells(types[type.element])) + (type.kind == TypeKind::Map ? 1 : 0);
        Cell* items = arena.cells(count * width);
        for (std::uint64_t i = 0; i < count; ++i) {
          Cell* item = items + i * width;
          if (type.kind == TypeKind::Map) *item++ = Cell::of(i == 0 ? std::string_view(below(2) == 0 ? "a" : "b") : "c");
          fill(type.element, item);
        }
        return Cell::of(List{items, count});
      }
      case TypeKind::Record: {
        Cell* fields = arena.cells(type.fields.size() * 2);
        Cell* next = fields;
        for (const Field& field : type.fields) {
          fill(field.type, next);
          next += cells(types[field.type]);
        }
        return Cell::of(static_cast<const Cell*>(fields));
      }
      default: return Cell::of(kInts[below(11)]);
    }
  }
};

TEST(Key, EqualBytesExactlyForEqualValues) {
  TypeTable types;
  Arena arena;
  Maker maker{types, arena};
  const TypeId text = types.scalar(TypeKind::String), number = types.scalar(TypeKind::Int),
               boolean = types.scalar(TypeKind::Bool);
  const TypeId optional = types.with_null(text);
  const TypeId color = types.intern({.kind = TypeKind::Enum, .name = "Color", .values = {"red", "green"}});
  const TypeId pair = types.record("", {{"a", text}, {"b", types.with_null(number)}, {"c", text}});
  const TypeId all[] = {text,
                        number,
                        boolean,
                        optional,
                        color,
                        pair,
                        types.decimal(38, 2),
                        types.scalar(TypeKind::Float),
                        types.list(optional),
                        types.list(pair),
                        types.map(types.with_null(types.decimal(5, 1))),
                        types.record("", {{"x", pair}, {"y", types.list(number)}})};
  for (const TypeId type : all) {
    int equal_pairs = 0;
    for (int i = 0; i < 2'000; ++i) {
      Cell a[2], b[2];
      const auto before = maker.random;
      maker.fill(type, a);
      if (i % 4 == 0) maker.random = before;  // the same again, in other memory
      maker.fill(type, b);
      std::string left, right;
      encode_key(types, type, a, left);
      encode_key(types, type, b, right);
      const bool are_equal = equal(types, type, a, b);
      EXPECT_EQ(left == right, are_equal) << types.name(type);
      EXPECT_EQ(order(types, type, a, b) == 0, are_equal) << types.name(type);
      EXPECT_EQ(order(types, type, a, b) < 0, order(types, type, b, a) > 0) << types.name(type);
      if (are_equal) {
        EXPECT_EQ(hash(types, type, a), hash(types, type, b));
        ++equal_pairs;
      } else {
        EXPECT_FALSE(left.starts_with(right)) << "no encoding is the prefix of another: " << types.name(type);
      }
    }
    EXPECT_GE(equal_pairs, 500) << types.name(type);
    EXPECT_LT(equal_pairs, 1'990) << types.name(type);
  }
}

TEST(Key, BytesAreStable) {
  TypeTable types;
  const auto key = [&](TypeId type, Cell value) {
    std::string out;
    encode_key(types, type, &value, out);
    return out;
  };
  EXPECT_EQ(key(types.scalar(TypeKind::String), Cell::of(std::string_view("ab"))),
            "\x02"
            "ab");
  EXPECT_EQ(key(types.scalar(TypeKind::Int), Cell::of(std::int64_t{-1})), "\x01");
  EXPECT_EQ(key(types.scalar(TypeKind::Int), Cell::of(std::int64_t{150})), "\xAC\x02");
  EXPECT_EQ(key(types.decimal(10, 2), Cell::of(Int128{150})), "\xAC\x02");
  const TypeId color = types.intern({.kind = TypeKind::Enum, .name = "Color", .values = {"red", "green"}});
  EXPECT_EQ(key(color, Cell::of(std::int64_t{1})), "\x05green");
}

TEST(Compare, Orders) {
  TypeTable types;
  const auto less = [&](TypeId type, Cell a, Cell b) { return order(types, type, &a, &b) < 0; };
  const TypeId number = types.scalar(TypeKind::Float);
  EXPECT_TRUE(less(number, Cell::of(1.0), Cell::of(static_cast<double>(NAN))));
  const Cell nan = Cell::of(static_cast<double>(NAN));
  EXPECT_FALSE(equal(types, number, &nan, &nan));
  EXPECT_TRUE(less(types.scalar(TypeKind::String), Cell::of(std::string_view("é")), Cell::of(std::string_view("€"))));
  EXPECT_TRUE(less(types.decimal(5, 2), Cell::of(Int128{-5}), Cell::of(Int128{3})));
  const Cell null[] = {Cell::of(true), Cell::of(std::int64_t{9})}, zero[] = {Cell::of(false), Cell::of(std::int64_t{0})};
  EXPECT_TRUE(order(types, types.with_null(types.scalar(TypeKind::Int)), null, zero) < 0);
}

}  // namespace
}  // namespace piperun::value
