#include <limits>

#include "lang/value/decimal.h"
#include "tests/unit/runtime/record/record_test.h"

namespace piperun::record {
namespace {

class JsonDecoderTest : public RecordTest {
 protected:
  // The code for `{"a":TEXT}`, or what is written back.
  std::string as(TypeId type, const std::string& text) {
    program.records.clear();
    decoder.reset();
    declare({{"a", type}});
    const std::string out = round("{\"a\":" + text + "}");
    return out.starts_with("{\"a\":") ? out.substr(5, out.size() - 6) : out;
  }
};

TEST_F(JsonDecoderTest, Integers) {
  const TypeId t = scalar(Kind::Int);
  for (const char* same :
       {"0", "7", "-7", "9223372036854775807", "-9223372036854775808", "999999999999999999", "1000000000000000000"})
    EXPECT_EQ(as(t, same), same);
  EXPECT_EQ(as(t, "-0"), "0");
  EXPECT_EQ(as(t, "1.0"), "1");
  EXPECT_EQ(as(t, "1e3"), "1000");
  EXPECT_EQ(as(t, "1.5e1"), "15");
  EXPECT_EQ(as(t, "9223372036854775807.000"), "9223372036854775807");
  for (const char* large : {"9223372036854775808", "-9223372036854775809", "9999999999999999999", "1e19", "1e999999999", "1.5",
                            "1e-1", "123456789012345678901234567890123456789012345678901234567890"})
    EXPECT_EQ(as(t, large), "P1005") << large;
  for (const char* other : {"\"1\"", "true", "[]", "{}"}) EXPECT_EQ(as(t, other), "P1004") << other;
  EXPECT_EQ(as(t, "null"), "P1003");
}

TEST_F(JsonDecoderTest, Decimals) {
  const TypeId t = program.types.decimal(12, 2);
  EXPECT_EQ(as(t, "9.99"), "9.99");
  EXPECT_EQ(as(t, "\"9.99\""), "9.99");
  EXPECT_EQ(as(t, "-0.5"), "-0.50");
  EXPECT_EQ(as(t, "1.5000000000000000000000000000000000"), "1.50");
  EXPECT_EQ(as(t, "1e3"), "1000.00");
  EXPECT_EQ(as(t, "9999999999.99"), "9999999999.99");
  EXPECT_EQ(as(t, "0.0000000000000000000000e99999"), "0.00");
  for (const char* out : {"9.999", "10000000000", "1e10", "\"0.001\"", "1e-3", "1e999999999"})
    EXPECT_EQ(as(t, out), "P1005") << out;
  for (const char* other :
       {"\"\"", "\" 1\"", "\"1 \"", "\"+1\"", "\"1,5\"", "\"0x1\"", "\"01\"", "\"abc\"", "\"1.\"", "\".5\"", "true"})
    EXPECT_EQ(as(t, other), "P1004") << other;

  const TypeId wide = program.types.decimal(38, 4);
  EXPECT_EQ(as(wide, "1234567890123456789012345678901234.5678"), "1234567890123456789012345678901234.5678");
  EXPECT_EQ(as(wide, "\"-9999999999999999999999999999999999.9999\""), "-9999999999999999999999999999999999.9999");
  EXPECT_EQ(as(wide, "10000000000000000000000000000000000"), "P1005");
}

TEST_F(JsonDecoderTest, Floats) {
  const TypeId t = scalar(Kind::Float);
  EXPECT_EQ(as(t, "0.1"), "0.1");
  EXPECT_EQ(as(t, "1"), "1.0");
  EXPECT_EQ(as(t, "-0"), "-0.0");
  EXPECT_EQ(as(t, "1e-400"), "0.0");
  EXPECT_EQ(as(t, "1e400"), "P1005");
  EXPECT_EQ(as(t, "\"1\""), "P1004");
  for (const char* text :
       {"0.3", "123456.789", "9007199254740993", "1.7976931348623157e308", "5e-324", "0.000001", "3.14159265358979"}) {
    ASSERT_NE(as(t, text), "");
    EXPECT_EQ(row[0].f, std::strtod(text, nullptr)) << text;
  }
}

TEST_F(JsonDecoderTest, TimeAndDurations) {
  const TypeId t = scalar(Kind::Timestamp);
  EXPECT_EQ(as(t, "\"2026-01-31T12:00:00Z\""), "\"2026-01-31T12:00:00Z\"");
  EXPECT_EQ(as(t, "\"2026-01-31T12:00:00.25+02:00\""), "\"2026-01-31T10:00:00.250Z\"");
  for (const char* wrong : {"\"2026-01-31\"", "\"2026-13-31T12:00:00Z\"", "1769860800", "true", "\"\""})
    EXPECT_EQ(as(t, wrong), "P1007") << wrong;
  const auto epoch = [&](ir::TimeUnit unit, const std::string& text) {
    program.records.clear();
    declare({{"a", t}});
    format(0).time = unit;
    make();
    return round("{\"a\":" + text + "}");
  };
  EXPECT_EQ(epoch(ir::TimeUnit::Seconds, "1769860800"), "{\"a\":\"2026-01-31T12:00:00Z\"}");
  EXPECT_EQ(epoch(ir::TimeUnit::Seconds, "1769860800.000001"), "{\"a\":\"2026-01-31T12:00:00.000001Z\"}");
  EXPECT_EQ(epoch(ir::TimeUnit::Millis, "1769860800125"), "{\"a\":\"2026-01-31T12:00:00.125Z\"}");
  EXPECT_EQ(epoch(ir::TimeUnit::Micros, "-1"), "{\"a\":\"1969-12-31T23:59:59.999999Z\"}");
  EXPECT_EQ(epoch(ir::TimeUnit::Micros, "1.5"), "P1007");
  EXPECT_EQ(epoch(ir::TimeUnit::Seconds, "1e30"), "P1007");
  EXPECT_EQ(epoch(ir::TimeUnit::Millis, "\"2026-01-31T12:00:00Z\""), "P1007");

  const TypeId d = scalar(Kind::Duration);
  EXPECT_EQ(as(d, "\"1h30m\""), "\"1h30m\"");
  EXPECT_EQ(as(d, "1500000"), "\"1s500ms\"");
  EXPECT_EQ(as(d, "\"soon\""), "P1004");
  EXPECT_EQ(as(d, "true"), "P1004");
}

TEST_F(JsonDecoderTest, TextBytesEnumsBools) {
  const TypeId s = scalar(Kind::String);
  EXPECT_EQ(as(s, "\"\""), "\"\"");
  EXPECT_EQ(as(s, "\"a\\u00e9\\n\\\"\""), "\"a\u00e9\\n\\\"\"");
  EXPECT_EQ(as(s, "1"), "P1004");
  EXPECT_EQ(as(s, "\"\\ud800\""), "P1002");
  const TypeId b = scalar(Kind::Bytes);
  EXPECT_EQ(as(b, "\"AAEC\""), "\"AAEC\"");
  EXPECT_EQ(as(b, "\"*\""), "P1004");
  const TypeId e =
      program.types.intern({.kind = Kind::Enum, .element = {}, .name = "Channel", .fields = {}, .values = {"web", "shop"}});
  EXPECT_EQ(as(e, "\"shop\""), "\"shop\"");
  EXPECT_EQ(row[0].i, 1);
  EXPECT_EQ(as(e, "\"Shop\""), "P1006");
  EXPECT_EQ(as(e, "1"), "P1004");
  EXPECT_EQ(as(scalar(Kind::Bool), "true"), "true");
  EXPECT_EQ(as(scalar(Kind::Bool), "0"), "P1004");
  EXPECT_EQ(as(scalar(Kind::Bool), "\"true\""), "P1004");
}

TEST_F(JsonDecoderTest, StringsAreViewsUnlessTheyHaveEscapes) {
  declare({{"a", scalar(Kind::String)}, {"b", scalar(Kind::String)}});
  make();
  std::string text = R"({"a":"plain","b":"e\tscaped"})" + std::string(kPadding, ' ');
  row.assign(2, {});
  ASSERT_FALSE(decoder->decode(std::string_view(text).substr(0, text.size() - kPadding), arena, row.data()));
  EXPECT_EQ(row[0].s.data, text.data() + 6);
  EXPECT_EQ(std::string_view(row[1].s), "e\tscaped");
  EXPECT_FALSE(row[1].s.data >= text.data() && row[1].s.data < text.data() + text.size());
}

TEST_F(JsonDecoderTest, ListsMapsRecords) {
  const TypeId line = program.types.record("Line", {{"qty", scalar(Kind::Int)}, {"note", nullable(scalar(Kind::String))}});
  EXPECT_EQ(as(program.types.list(line), R"([{"qty":1},{"note":"x","qty":2}])"),
            R"([{"qty":1,"note":null},{"qty":2,"note":"x"}])");
  EXPECT_EQ(as(program.types.list(line), R"([{"qty":1},{"qty":"2"}])"), "P1004");
  EXPECT_EQ(detail, "`a[1].qty`: not a number, at byte 24");
  EXPECT_EQ(as(program.types.list(line), R"([{"qty":1},{}])"), "P1003");
  EXPECT_NE(detail.find("`a[1].qty`: missing"), std::string::npos) << detail;
  EXPECT_EQ(as(program.types.list(nullable(scalar(Kind::Int))), "[1,null,3]"), "[1,null,3]");
  EXPECT_EQ(as(program.types.list(scalar(Kind::Int)), "[1,null,3]"), "P1003");
  EXPECT_EQ(as(program.types.list(program.types.list(scalar(Kind::Int))), "[[],[1],[2,3]]"), "[[],[1],[2,3]]");
  EXPECT_EQ(as(program.types.map(scalar(Kind::Int)), R"({"b":2,"a":1,"b":3})"), R"({"a":1,"b":2})");
  EXPECT_EQ(as(program.types.map(scalar(Kind::Int)), R"({"b":"x"})"), "P1004");
  EXPECT_EQ(detail, "`a.b`: not a number, at byte 11");
  EXPECT_EQ(as(program.types.map(program.types.map(nullable(scalar(Kind::Int)))), R"({"y":{"z":null},"x":{}})"),
            R"({"x":{},"y":{"z":null}})");
  EXPECT_EQ(as(program.types.list(scalar(Kind::Json)), R"([1,{"a":[2]},null])"), R"([1,{"a":[2]},null])");
  EXPECT_EQ(as(line, "[]"), "P1004");
}

TEST_F(JsonDecoderTest, AbsentAndNull) {
  declare({{"a", scalar(Kind::Int)}, {"b", scalar(Kind::String)}, {"c", nullable(scalar(Kind::Int))}});
  set_default(1, value::Cell::of(std::string_view("EUR")));
  EXPECT_EQ(round(R"({"a":1})"), R"({"a":1,"b":"EUR","c":null})");
  EXPECT_EQ(round(R"({"c":null,"b":null,"a":1})"), R"({"a":1,"b":"EUR","c":null})");
  EXPECT_EQ(round(R"({"c":5,"b":"","a":1})"), R"({"a":1,"b":"","c":5})");
  EXPECT_EQ(round("{}"), "P1003");
  EXPECT_EQ(detail, "`a`: missing, at byte 3");
  EXPECT_EQ(round(R"({"a":null})"), "P1003");
  EXPECT_EQ(detail, "`a`: null, at byte 6");
}

TEST_F(JsonDecoderTest, NamesInTheData) {
  declare({{"customer_id", scalar(Kind::Int)}, {"quoted", scalar(Kind::Int)}});
  format(0).data_name = "customerId";
  format(1).data_name = "a\"b";
  EXPECT_EQ(round(R"({"customerId":7,"a\"b":8})"), R"({"customer_id":7,"quoted":8})");
  EXPECT_EQ(round(R"({ "a\u0022b" : 8 , "\u0063ustomerId" : 7 })"), R"({"customer_id":7,"quoted":8})");
  EXPECT_EQ(round(R"({"customer_id":7,"a\"b":8})"), "P1003");
}

TEST_F(JsonDecoderTest, TheFirstOfDuplicatesCounts) {
  declare({{"a", scalar(Kind::Int)}, {"b", nullable(scalar(Kind::Int))}});
  EXPECT_EQ(round(R"({"a":1,"a":2,"b":null,"b":3})"), R"({"a":1,"b":null})");
  EXPECT_EQ(round(R"({"a":1,"a":"anything"})"), R"({"a":1,"b":null})");
  EXPECT_EQ(round(R"({"a":1,"a":01})"), "P1001");
}

TEST_F(JsonDecoderTest, WhatIsMalformedIsThatWhateverElseIsWrong) {
  declare({{"a", scalar(Kind::Int)}});
  EXPECT_EQ(round(R"({"a":"x"})"), "P1004");
  EXPECT_EQ(round(R"({"a":"x",})"), "P1001");
  EXPECT_EQ(round(R"({"a":"x","b":"\ud800"})"), "P1002");
  EXPECT_EQ(round("{\"a\":\"x\",\"b\":\"\xFF\"}"), "P1002");
  EXPECT_EQ(detail, "invalid UTF-8 at byte 15");
  EXPECT_EQ(round("{broken"), "P1001");
  EXPECT_EQ(detail, "invalid JSON at byte 2");
  EXPECT_EQ(round(R"({"a":1} x)"), "P1001");
  EXPECT_EQ(detail, "invalid JSON at byte 9: something follows the value");
  EXPECT_EQ(round("[1]"), "P1004");
  EXPECT_EQ(detail, "not an object, at byte 1");
}

TEST_F(JsonDecoderTest, UndeclaredFields) {
  declare({{"a", scalar(Kind::Int)}, {"r", nullable(program.types.record("R", {{"x", scalar(Kind::Int)}}))}});
  const std::string text = R"({"b":[1, 2],"a":1,"c":"\u0041","b":0,"r":{"x":1,"y":2}})";
  EXPECT_EQ(round(text), R"({"a":1,"r":{"x":1}})");
  source.extra = ir::ExtraFields::Error;
  make();
  EXPECT_EQ(round(text), "P1008");
  EXPECT_EQ(detail, "`b`: not declared, at byte 2");
  EXPECT_EQ(round(R"({"a":1,"r":{"x":1,"y":2}})"), "P1008");
  EXPECT_EQ(detail, "`r.y`: not declared, at byte 19");
  source.extra = ir::ExtraFields::Keep;
  ir::Schema columns = schema();
  columns.push_back({"#extra", scalar(Kind::Json)});
  make(columns);
  ASSERT_EQ(decode(text), "");
  std::string out;
  ASSERT_FALSE(make_encoder(program.types, schema(), ir::Format::Json)->encode(row.data(), row[3].j, out));
  EXPECT_EQ(out, R"({"a":1,"r":{"x":1},"b":[1,2],"c":"A"})");
  ASSERT_EQ(decode(R"({"a":1})"), "");
  EXPECT_EQ(row[3].j->count, 0u);
}

TEST_F(JsonDecoderTest, FieldsThatNobodyReadsAreChecked) {
  declare({{"a", scalar(Kind::Int)}, {"b", scalar(Kind::String)}, {"c", nullable(scalar(Kind::Int))}, {"d", scalar(Kind::Int)}});
  set_default(3, value::Cell::of(std::int64_t{9}));
  make({{"#time", scalar(Kind::Timestamp)}, {"b", scalar(Kind::String)}});
  ASSERT_EQ(decode(R"({"a":1,"b":"x","c":3,"d":4})"), "");
  EXPECT_EQ(std::string_view(row[1].s), "x");
  ASSERT_EQ(decode(R"({"a":1,"b":"x"})"), "");
  EXPECT_EQ(row[0].i, 0);
  EXPECT_EQ(row[2].i, 0);
  EXPECT_EQ(decode(R"({"a":"1","b":"x"})"), "P1004");
  EXPECT_EQ(decode(R"({"b":"x"})"), "P1003");
}

TEST_F(JsonDecoderTest, ManyFields) {
  std::vector<value::Field> fields;
  std::string forwards = "{", backwards = "{";
  for (int i = 0; i < 60; ++i) fields.push_back({"f" + std::to_string(i), scalar(Kind::Int)});
  for (int i = 0; i < 60; ++i) {
    forwards += (i > 0 ? "," : "") + ("\"f" + std::to_string(i)) + "\":" + std::to_string(i);
    backwards += (i > 0 ? "," : "") + ("\"f" + std::to_string(59 - i)) + "\": " + std::to_string(59 - i);
  }
  declare(fields);
  EXPECT_EQ(round(forwards + "}"), forwards + "}");
  EXPECT_EQ(round(backwards + "}"), forwards + "}");
  EXPECT_EQ(round(forwards.substr(0, forwards.rfind(',')) + "}"), "P1003");

  for (int i = 60; i < 300; ++i) fields.push_back({"f" + std::to_string(i), nullable(scalar(Kind::Int))});
  declare(fields);
  row.assign(1000, {});
  std::string padded = forwards + R"(,"f299":1})" + std::string(kPadding, ' ');
  make();
  ASSERT_FALSE(decoder->decode(std::string_view(padded).substr(0, padded.size() - kPadding), arena, row.data()));
  EXPECT_FALSE(row[60 + 239 * 2].b);
  EXPECT_TRUE(row[60 + 238 * 2].b);
}

TEST_F(JsonDecoderTest, ManyDuplicateNamesAreQuick) {
  source.extra = ir::ExtraFields::Keep;
  declare({{"v", nullable(scalar(Kind::Json))}});
  ir::Schema columns = schema();
  columns.push_back({"#extra", scalar(Kind::Json)});
  make(columns);
  std::string text = "{";
  for (int i = 0; i < 40'000; ++i) text += "\"k" + std::to_string(i % 10'000) + "\":0,";
  text += "\"v\":{";
  for (int i = 0; i < 40'000; ++i) text += "\"k" + std::to_string(i % 10'000) + "\":0,";
  text.back() = '}';
  ASSERT_EQ(decode(text + "}"), "");
  EXPECT_EQ(row[1].j->count, 10'000u);
  EXPECT_EQ(row[2].j->count, 10'000u);
}

}  // namespace
}  // namespace piperun::record
