#include <array>
#include <cmath>
#include <limits>
#include <random>

#include "lang/value/compare.h"
#include "tests/unit/runtime/record/record_test.h"

namespace piperun::record {
namespace {

class EncoderTest : public RecordTest {};

TEST_F(EncoderTest, Forms) {
  declare({{"a", program.types.decimal(5, 2)},
           {"b", nullable(scalar(Kind::Int))},
           {"r", program.types.record("", {{"x", nullable(scalar(Kind::Int))}})}});
  ASSERT_EQ(decode(R"({"a":1,"r":{}})"), "");
  EXPECT_EQ(json(), R"({"a":1.00,"b":null,"r":{"x":null}})");
  EXPECT_EQ(json({.decimals = ir::DecimalForm::String, .nulls = ir::NullForm::Omit}), R"({"a":"1.00","r":{}})");
  declare({{"b", nullable(scalar(Kind::Int))}});
  make();
  ASSERT_EQ(decode("{}"), "");
  EXPECT_EQ(json({.nulls = ir::NullForm::Omit}), "{}");
}

TEST_F(EncoderTest, WhatIsNoNumberIsNotWritten) {
  declare({{"a", scalar(Kind::Int)}, {"f", scalar(Kind::Float)}});
  row = {value::Cell::of(std::int64_t{1}), value::Cell::of(std::nan(""))};
  std::string out = "kept";
  const auto encoder = make_encoder(program.types, schema(), ir::Format::Json);
  const auto fault = encoder->encode(row.data(), nullptr, out);
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->code, base::ErrorCode::NotEncodable);
  EXPECT_EQ(fault->detail, "`f`: NaN has no JSON form");
  EXPECT_EQ(out, "kept");
  row[1] = value::Cell::of(-std::numeric_limits<double>::infinity());
  EXPECT_EQ(json(), "P1107 `f`: infinity has no JSON form");
  EXPECT_TRUE(json({}, ir::Format::Csv).starts_with("P1107"));
  row[1] = value::Cell::of(1e300);
  EXPECT_EQ(json(), R"({"a":1,"f":1e+300})");
}

TEST_F(EncoderTest, CarriedMembersGiveWayToColumns) {
  declare({{"a", scalar(Kind::Int)}});
  row = {value::Cell::of(std::int64_t{1})};
  const auto extra = value::parse_json(R"({"a":2,"b":[1.50],"c\n":null})", arena);
  std::string out;
  ASSERT_FALSE(make_encoder(program.types, schema(), ir::Format::Json)->encode(row.data(), *extra, out));
  EXPECT_EQ(out, R"({"a":1,"b":[1.50],"c\n":null})");
}

// Random values of random types: what is written reads back as the same value.
class RoundTrip : public EncoderTest {
 protected:
  std::uint64_t pick(std::uint64_t below) { return random() % below; }

  TypeId random_type(int depth) {
    TypeId type;
    switch (pick(depth > 0 ? 13 : 9)) {
      case 0: type = scalar(Kind::Bool); break;
      case 1: type = scalar(Kind::Int); break;
      case 2: type = scalar(Kind::Float); break;
      case 3: type = program.types.decimal(38, static_cast<int>(pick(39))); break;
      case 4: type = scalar(Kind::String); break;
      case 5: type = scalar(Kind::Bytes); break;
      case 6: type = scalar(Kind::Timestamp); break;
      case 7: type = scalar(Kind::Duration); break;
      case 8:
        type = program.types.intern(
            {.kind = Kind::Enum, .element = {}, .name = "E", .fields = {}, .values = {"a", "b\"", "\u00e9"}});
        break;
      case 9: type = program.types.list(random_type(depth - 1)); break;
      case 10: type = program.types.map(random_type(depth - 1)); break;
      default: {
        std::vector<value::Field> fields;
        for (std::uint64_t i = 0, n = pick(4); i < n; ++i) fields.push_back({"f" + std::to_string(i), random_type(depth - 1)});
        type = program.types.record("", std::move(fields));
      }
    }
    return pick(3) == 0 ? nullable(type) : type;
  }

  std::string random_text() {
    static constexpr std::array kPieces{"a", "\"",   "\\", "\n", "\u00e9", "\U0001F600", "\x01", "/", "0123456789abcdef",
                                        " ", "\x7f", ","};
    std::string text;
    for (std::uint64_t i = 0, n = pick(6); i < n; ++i) text += kPieces[pick(kPieces.size())];
    return text;
  }

  void fill(TypeId id, value::Cell* out) {
    const value::Type type = program.types[id];
    if (type.nullable) {
      *out++ = value::Cell::of(pick(3) == 0);
      *out = value::Cell{};
    }
    switch (type.kind) {
      case Kind::Bool: *out = value::Cell::of(pick(2) == 0); break;
      case Kind::Int: *out = value::Cell::of(static_cast<std::int64_t>(random()) >> pick(64)); break;
      case Kind::Duration: *out = value::Cell::of(static_cast<std::int64_t>(random()) >> (1 + pick(63))); break;
      case Kind::Float: {
        double f = std::bit_cast<double>(random());
        *out = value::Cell::of(std::isfinite(f) ? f : 0.5);
        break;
      }
      case Kind::Decimal:
        *out = value::Cell::of(static_cast<value::Int128>(static_cast<std::int64_t>(random())) *
                               static_cast<std::int64_t>(random() >> 1) % static_cast<value::Int128>(1'000'000'000'000'000'000));
        break;
      case Kind::String:
      case Kind::Bytes: *out = value::Cell::of(std::string_view(arena.copy(random_text()))); break;
      case Kind::Timestamp: *out = value::Cell::of(static_cast<std::int64_t>(random() % 4'000'000'000'000'000)); break;
      case Kind::Enum: *out = value::Cell::of(static_cast<std::int64_t>(pick(3))); break;
      case Kind::List: {
        const std::uint64_t n = pick(4);
        const auto width = static_cast<std::size_t>(value::cells(program.types[type.element]));
        value::Cell* items = arena.cells(n * width);
        for (std::uint64_t i = 0; i < n; ++i) fill(type.element, items + i * width);
        *out = value::Cell::of(value::List{items, n});
        break;
      }
      case Kind::Map: {
        const std::uint64_t n = pick(4);
        const auto width = 1 + static_cast<std::size_t>(value::cells(program.types[type.element]));
        value::Cell* items = arena.cells(n * width);
        for (std::uint64_t i = 0; i < n; ++i) {
          items[i * width] = value::Cell::of(std::string_view(arena.copy("k" + std::to_string(i))));
          fill(type.element, items + i * width + 1);
        }
        *out = value::Cell::of(value::List{items, n});
        break;
      }
      default: {
        std::size_t width = 0;
        for (const value::Field& field : type.fields) width += static_cast<std::size_t>(value::cells(program.types[field.type]));
        value::Cell* fields = arena.cells(width);
        *out = value::Cell::of(static_cast<const value::Cell*>(fields));
        for (const value::Field& field : type.fields) {
          fill(field.type, fields);
          fields += value::cells(program.types[field.type]);
        }
      }
    }
  }

  std::mt19937_64 random{20260131};
};

TEST_F(RoundTrip, RandomValues) {
  for (int n = 0; n < 3000; ++n) {
    std::vector<value::Field> fields;
    for (std::uint64_t i = 0, count = 1 + pick(6); i < count; ++i) fields.push_back({"c" + std::to_string(i), random_type(3)});
    declare(std::move(fields));
    const ir::Schema columns = schema();
    std::vector<value::Cell> original(static_cast<std::size_t>(ir::cell_count(program.types, columns)));
    for (std::size_t i = 0; i < columns.size(); ++i)
      fill(columns[i].type, original.data() + ir::cell_offset(program.types, columns, static_cast<int>(i)));
    for (const JsonForm form : {JsonForm{}, JsonForm{ir::DecimalForm::String, ir::NullForm::Omit}}) {
      std::string text;
      ASSERT_FALSE(make_encoder(program.types, columns, ir::Format::Json, form)->encode(original.data(), nullptr, text));
      make();
      ASSERT_EQ(decode(text), "") << text << "\n" << detail;
      for (std::size_t i = 0; i < columns.size(); ++i) {
        const auto offset = static_cast<std::size_t>(ir::cell_offset(program.types, columns, static_cast<int>(i)));
        EXPECT_TRUE(value::equal(program.types, columns[i].type, original.data() + offset, row.data() + offset))
            << text << " column " << i;
      }
    }
    arena.reset();
  }
}

}  // namespace
}  // namespace piperun::record
