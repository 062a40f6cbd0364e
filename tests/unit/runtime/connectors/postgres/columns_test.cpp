// Which types go into which columns, without a server.
#include <gtest/gtest.h>

#include <cmath>

#include "lang/value/time.h"
#include "runtime/connectors/postgres/column_cells.h"

namespace piperun::postgres {
namespace {

using value::Cell;
using value::TypeKind;

StoredColumn column(std::string base, std::optional<int> scale = {}) {
  StoredColumn result;
  result.base = result.declared = std::move(base);
  result.scale = scale;
  return result;
}

TEST(PostgresColumns, NothingIsRoundedOrCut) {
  const value::Type money{.kind = TypeKind::Decimal, .precision = 10, .scale = 2};
  EXPECT_TRUE(conversion(money, column("numeric"), Use::Write));
  EXPECT_TRUE(conversion(money, column("numeric", 2), Use::Write));
  EXPECT_FALSE(conversion(money, column("numeric", 1), Use::Write));
  EXPECT_TRUE(conversion(money, column("numeric", 1), Use::Read));
  EXPECT_FALSE(conversion(money, column("float8"), Use::Write));
  EXPECT_FALSE(conversion(money, column("int8"), Use::Write));
  EXPECT_TRUE(conversion({.kind = TypeKind::Decimal, .precision = 5}, column("int4"), Use::Write));
  EXPECT_FALSE(conversion({.kind = TypeKind::Float}, column("float4"), Use::Write));
  EXPECT_TRUE(conversion({.kind = TypeKind::Float}, column("float4"), Use::Read));
  EXPECT_FALSE(conversion({.kind = TypeKind::Float}, column("numeric"), Use::Write));
  EXPECT_FALSE(conversion({.kind = TypeKind::Timestamp}, column("date"), Use::Write));
  EXPECT_FALSE(conversion({.kind = TypeKind::String}, column("int4"), Use::Write));
  EXPECT_FALSE(conversion({.kind = TypeKind::Bool}, column("text"), Use::Write));
}

TEST(PostgresColumns, WhatTheServerDoesNotConvertByItselfIsCast) {
  EXPECT_EQ(conversion({.kind = TypeKind::String}, column("varchar"), Use::Write)->cast, "") << "a cast would cut without a word";
  EXPECT_EQ(conversion({.kind = TypeKind::String}, column("uuid"), Use::Write)->cast, "uuid");
  EXPECT_EQ(conversion({.kind = TypeKind::List}, column("jsonb"), Use::Write)->cast, "jsonb");
  StoredColumn mood = column("mood");
  mood.is_enum = true;
  mood.declared = "other.\"Mood\"";
  EXPECT_EQ(conversion({.kind = TypeKind::Enum}, mood, Use::Write)->cast, "other.\"Mood\"");
  EXPECT_FALSE(conversion({.kind = TypeKind::Int}, mood, Use::Write));
}

TEST(PostgresColumns, AFieldOfCopyEndsNeitherItselfNorItsLine) {
  value::TypeTable types;
  std::string scratch;
  const auto field = [&](value::TypeId type, std::vector<Cell> cells) {
    std::string text = "x";
    append_copy_field(text, types, type, Form::Plain, cells.data(), scratch);
    return text.substr(1);
  };
  const value::TypeId text = types.scalar(TypeKind::String), whole = types.scalar(TypeKind::Int);
  const auto string = [](std::string_view view) { return Cell::of(view); };
  EXPECT_EQ(field(text, {string("a\tb\nc\rd\\e")}), "a\\tb\\nc\\rd\\\\e");
  EXPECT_EQ(field(text, {string("\\N")}), "\\\\N") << "is no null";
  EXPECT_EQ(field(text, {string("")}), "");
  EXPECT_EQ(field(types.with_null(text), {Cell::of(true), Cell::of(std::int64_t{0})}), "\\N");
  EXPECT_EQ(field(types.with_null(whole), {Cell::of(false), Cell::of(std::int64_t{INT64_MIN})}), "-9223372036854775808");
  EXPECT_EQ(field(types.scalar(TypeKind::Bytes), {string(std::string_view("\0\xff", 2))}), "\\\\x00ff");
}

TEST(PostgresColumns, TheServersTextIsReadExactlyOrNotAtAll) {
  value::TypeTable types;
  value::Arena arena;
  Cell cell[2];
  const auto read = [&](std::optional<std::string_view> text, value::TypeId type, Form form = Form::Plain) {
    return read_cell(text, types, type, form, arena, cell);
  };
  const value::TypeId whole = types.scalar(TypeKind::Int), time = types.scalar(TypeKind::Timestamp);
  EXPECT_TRUE(read("-9223372036854775808", whole) && cell[0].i == INT64_MIN);
  EXPECT_TRUE(read("7.00", whole) && cell[0].i == 7);
  EXPECT_FALSE(read("7.50", whole));
  EXPECT_FALSE(read("9223372036854775808", whole));
  EXPECT_FALSE(read(std::nullopt, whole));
  EXPECT_TRUE(read(std::nullopt, types.with_null(whole)) && cell[0].b);
  EXPECT_TRUE(read("2026-01-31 12:00:00.5+00", time) && cell[0].i == *value::parse_timestamp("2026-01-31T12:00:00.5Z"));
  EXPECT_FALSE(read("infinity", time));
  EXPECT_FALSE(read("0044-03-15 12:00:00 BC", time));
  EXPECT_FALSE(read("10000-01-01 00:00:00+00", time));
  EXPECT_TRUE(read("-Infinity", types.scalar(TypeKind::Float)) && std::isinf(cell[0].f) && cell[0].f < 0);
  EXPECT_TRUE(read("NaN", types.scalar(TypeKind::Float)) && std::isnan(cell[0].f));
  EXPECT_FALSE(read("1.234", types.decimal(5, 2)));
  EXPECT_FALSE(read("NaN", types.decimal(5, 2)));
  EXPECT_TRUE(read("\\x00ff", types.scalar(TypeKind::Bytes)) && std::string_view(cell[0].s) == std::string_view("\0\xff", 2));
}

}  // namespace
}  // namespace piperun::postgres
