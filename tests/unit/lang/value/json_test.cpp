#include "lang/value/json_node.h"

#include <gtest/gtest.h>

#include "lang/value/compare.h"

namespace piperun::value {
namespace {

// Read and written again, or the fault.
std::string round_trip(std::string_view text) {
  Arena arena;
  const auto node = parse_json(text, arena);
  if (!node) return std::string(name(node.error()));
  std::string out;
  write_json(**node, out);
  return out;
}

TEST(Json, Reads) {
  EXPECT_EQ(round_trip(" { \"b\" : [ 1.50 , -0, 1e400, true,false , null ] ,\"a\":{} } "),
            "{\"b\":[1.50,-0,1e400,true,false,null],\"a\":{}}");
  EXPECT_EQ(round_trip("\"\\u00e9\\ud83d\\ude00\\n\\/\""), "\"é😀\\n/\"");
  EXPECT_EQ(round_trip("{\"a\":1,\"b\":2,\"a\":3}"), "{\"a\":1,\"b\":2}");
  EXPECT_EQ(round_trip("[]"), "[]");
}

TEST(Json, WhatIsNoJson) {
  for (const char* text :
       {"",    " ",    "{",   "[1,]",  "[1 2]", "{\"a\"}", "{\"a\":}",  "{a:1}",       "{\"a\":1,}",  "01",
        "1.",  "+1",   "nul", "truex", "\"",    "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\udc00\"", "\"a\nb\"",
        "1 2", "[1]]", "'a'", "NaN",   "// x"}) {
    EXPECT_EQ(round_trip(text), "ParseJson") << text;
  }
  EXPECT_EQ(round_trip("\"\xFF\""), "BadEncoding");
  EXPECT_EQ(round_trip(std::string_view("[1]\0", 4)), "ParseJson");
}

TEST(Json, DepthIsLimited) {
  const auto nested = [](int depth) {
    return std::string(static_cast<std::size_t>(depth), '[') + std::string(static_cast<std::size_t>(depth), ']');
  };
  EXPECT_EQ(round_trip(nested(kMaxJsonDepth)), nested(kMaxJsonDepth));
  EXPECT_EQ(round_trip(nested(kMaxJsonDepth + 1)), "ParseJson");
  EXPECT_EQ(round_trip(std::string(1'000'000, '[')), "ParseJson");
}

// The text as a value of the type, written as JSON again, or the fault.
std::string as(TypeTable& types, TypeId type, std::string_view text) {
  Arena arena;
  const auto node = parse_json(text, arena);
  Cell value[2];
  const auto done = json_to(**node, types, type, arena, value);
  if (!done) return std::string(name(done.error()));
  std::string out;
  append_json(out, types, type, value);
  return out;
}

TEST(Json, AsTypedValues) {
  TypeTable types;
  const TypeId number = types.scalar(TypeKind::Int), text = types.scalar(TypeKind::String);
  EXPECT_EQ(as(types, number, "12"), "12");
  EXPECT_EQ(as(types, number, "1.2e1"), "12");
  EXPECT_EQ(as(types, number, "1.5"), "ParseInt");
  EXPECT_EQ(as(types, number, "9223372036854775808"), "Overflow");
  EXPECT_EQ(as(types, number, "\"12\""), "JsonType");
  EXPECT_EQ(as(types, number, "null"), "NullValue");
  EXPECT_EQ(as(types, types.with_null(number), "null"), "null");
  EXPECT_EQ(as(types, types.decimal(5, 2), "\"9.990\""), "9.99");
  EXPECT_EQ(as(types, types.decimal(5, 2), "9.999"), "PrecisionExceeded");
  EXPECT_EQ(as(types, types.scalar(TypeKind::Timestamp), "\"2026-01-31T13:00:00+01:00\""), "\"2026-01-31T12:00:00Z\"");
  EXPECT_EQ(as(types, types.scalar(TypeKind::Duration), "\"90m\""), "\"1h30m\"");
  EXPECT_EQ(as(types, types.scalar(TypeKind::Bytes), "\"Zm8=\""), "\"Zm8=\"");
  const TypeId color = types.intern({.kind = TypeKind::Enum, .name = "Color", .values = {"red", "green"}});
  EXPECT_EQ(as(types, types.list(color), "[\"green\",\"red\"]"), "[\"green\",\"red\"]");
  EXPECT_EQ(as(types, color, "\"blue\""), "UnknownEnumValue");
  EXPECT_EQ(as(types, types.map(types.with_null(number)), "{\"b\":1,\"a\":null}"), "{\"a\":null,\"b\":1}");
  const TypeId line = types.record("Line", {{"sku", text}, {"note", types.with_null(text)}, {"qty", number}});
  EXPECT_EQ(as(types, line, "{\"qty\":2,\"sku\":\"x\",\"more\":1}"), "{\"sku\":\"x\",\"note\":null,\"qty\":2}");
  EXPECT_EQ(as(types, line, "{\"qty\":2}"), "KeyMissing");
  EXPECT_EQ(as(types, types.scalar(TypeKind::Json), "null"), "null");
}

TEST(Json, Equality) {
  Arena arena;
  const auto same = [&](std::string_view a, std::string_view b) { return equal(**parse_json(a, arena), **parse_json(b, arena)); };
  EXPECT_TRUE(same("{\"a\":1,\"b\":[2]}", "{\"b\":[2],\"a\":1}"));
  EXPECT_FALSE(same("{\"a\":1}", "{\"b\":1}"));
  EXPECT_FALSE(same("[1,2]", "[2,1]"));
  EXPECT_FALSE(same("1", "\"1\""));
}

TEST(Compare, TextOfAnything) {
  TypeTable types;
  Arena arena;
  const auto text = [&](TypeId type, Cell value) { return std::string(std::string_view(to_text(types, type, &value, arena))); };
  EXPECT_EQ(text(types.scalar(TypeKind::Int), Cell::of(std::int64_t{-5})), "-5");
  EXPECT_EQ(text(types.decimal(5, 2), Cell::of(Int128{-50})), "-0.50");
  EXPECT_EQ(text(types.scalar(TypeKind::Float), Cell::of(1.0)), "1.0");
  EXPECT_EQ(text(types.scalar(TypeKind::Bool), Cell::of(true)), "true");
  EXPECT_EQ(text(types.scalar(TypeKind::String), Cell::of(std::string_view("a\"b"))), "a\"b");
  EXPECT_EQ(text(types.scalar(TypeKind::Timestamp), Cell::of(std::int64_t{0})), "1970-01-01T00:00:00Z");
  EXPECT_EQ(text(types.scalar(TypeKind::Duration), Cell::of(std::int64_t{90'000'000})), "1m30s");
  const Cell items[] = {Cell::of(std::string_view("a\"b"))};
  EXPECT_EQ(text(types.list(types.scalar(TypeKind::String)), Cell::of(List{items, 1})), "[\"a\\\"b\"]");
}

}  // namespace
}  // namespace piperun::value
