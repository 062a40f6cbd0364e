// What is JSON and what is not: each text alone, as the value of a declared field, and as that of a field nobody declared.
#include "tests/unit/runtime/record/record_test.h"

namespace piperun::record {
namespace {

using namespace std::string_view_literals;

// Valid, with what the tree writes back.
struct Valid {
  std::string_view text, back;
};
constexpr Valid kValid[] = {
    {"null", "null"},
    {"true", "true"},
    {"false", "false"},
    {"0", "0"},
    {"-0", "-0"},
    {"-1", "-1"},
    {"42", "42"},
    {"1.5", "1.5"},
    {"-0.0", "-0.0"},
    {"1e5", "1e5"},
    {"1E5", "1E5"},
    {"1e+5", "1e+5"},
    {"1e-5", "1e-5"},
    {"0e0", "0e0"},
    {"0E+1", "0E+1"},
    {"1.25e-7", "1.25e-7"},
    {"20e1", "20e1"},
    {"123.456e78", "123.456e78"},
    {"1e9999", "1e9999"},
    {"-1e-9999", "-1e-9999"},
    {"100000000000000000000000000000000000000000000000001", "100000000000000000000000000000000000000000000000001"},
    {"0.0000000000000000000000000000000000000000000000000000001", "0.0000000000000000000000000000000000000000000000000000001"},
    {"\"\"", "\"\""},
    {"\"a\"", "\"a\""},
    {"\" \"", "\" \""},
    {"\"\\\"\"", "\"\\\"\""},
    {"\"\\\\\"", "\"\\\\\""},
    {"\"\\/\"", "\"/\""},
    {"\"\\b\\f\\n\\r\\t\"", "\"\\b\\f\\n\\r\\t\""},
    {"\"\\u0041\"", "\"A\""},
    {"\"\\u00e9\"", "\"\u00e9\""},
    {"\"\\u20AC\"", "\"\u20ac\""},
    {"\"\\ud83d\\ude00\"", "\"\U0001F600\""},
    {"\"\\uD800\\uDC00\"", "\"\U00010000\""},
    {"\"\\udbff\\udfff\"", "\"\U0010FFFF\""},
    {"\"\\u0000\"", "\"\\u0000\""},
    {"\"\\u001f\"", "\"\\u001f\""},
    {"\"\\u007f\"", "\"\x7f\""},
    {"\"\x7f\"", "\"\x7f\""},
    {"\"\\\\u0041\"", "\"\\\\u0041\""},
    {"\"\u00e9\"", "\"\u00e9\""},
    {"\"\u20ac\"", "\"\u20ac\""},
    {"\"\U0001F600\"", "\"\U0001F600\""},
    {"\"\xEF\xBF\xBF\"", "\"\xEF\xBF\xBF\""},
    {"\"\xE2\x80\xA8\"", "\"\xE2\x80\xA8\""},
    {"\"\xEF\xBB\xBF\"", "\"\xEF\xBB\xBF\""},
    {"\"/* no comment */\"", "\"/* no comment */\""},
    {"\"0123456789abcde\"", "\"0123456789abcde\""},
    {"\"0123456789abcdef\"", "\"0123456789abcdef\""},
    {"\"0123456789abcdef\\n0123456789abcdef\"", "\"0123456789abcdef\\n0123456789abcdef\""},
    {"\"\\ufffd\\uFFFF\"", "\"\uFFFD\uFFFF\""},
    {"[]", "[]"},
    {"[ ]", "[]"},
    {"[1]", "[1]"},
    {"[1,2]", "[1,2]"},
    {"[ 1 , 2 ]", "[1,2]"},
    {"[[]]", "[[]]"},
    {"[null,true,false]", "[null,true,false]"},
    {"[\"\"]", "[\"\"]"},
    {"[1\n,\r2\t]", "[1,2]"},
    {"[[[[1]]]]", "[[[[1]]]]"},
    {"[{},[]]", "[{},[]]"},
    {"{}", "{}"},
    {"{ }", "{}"},
    {"{\"a\":1}", "{\"a\":1}"},
    {"{ \"a\" : 1 }", "{\"a\":1}"},
    {"{\"\":0}", "{\"\":0}"},
    {"{\"a\":{\"b\":[{}]}}", "{\"a\":{\"b\":[{}]}}"},
    {"{\"a\":1,\"a\":2}", "{\"a\":1}"},
    {"{\"a\":1,\"b\":2,\"\\u0061\":3}", "{\"a\":1,\"b\":2}"},
    {"{\"\\u0000a\":1}", "{\"\\u0000a\":1}"},
    {"{\"a\":\n1,\t\"b\":2\r}", "{\"a\":1,\"b\":2}"},
    {" 1", "1"},
    {"1 ", "1"},
    {"\t\n\r 1\t\n\r ", "1"},
};

constexpr std::string_view kInvalid[] = {
    "",
    " ",
    "\n",
    "n",
    "nul",
    "nulll",
    "Null",
    "NULL",
    "tru",
    "truee",
    "True",
    "TRUE",
    "fals",
    "falsee",
    "FALSE",
    "nan",
    "NaN",
    "-NaN",
    "Infinity",
    "-Infinity",
    "inf",
    "+1",
    "++1",
    "--1",
    "-",
    "- 1",
    "01",
    "-01",
    "00",
    "0x10",
    "0b1",
    "1.",
    ".5",
    "-.5",
    "1..2",
    "1.e5",
    "1e",
    "1e+",
    "1e-",
    "1E",
    "0e",
    "1e5.5",
    "1 000",
    "1_000",
    "1,000",
    "1a",
    "1.2.3",
    "2.e3",
    "0.3e",
    "-2.",
    "1eE2",
    "\xEF\xBC\x91",
    "'a'",
    "a",
    "\"",
    "\"a",
    "\"\\\"",
    "\"\\",
    "\"\\x41\"",
    "\"\\a\"",
    "\"\\'\"",
    "\"\\0\"",
    "\"\\u\"",
    "\"\\u1\"",
    "\"\\u12\"",
    "\"\\u123\"",
    "\"\\u123g\"",
    "\"\\U0041\"",
    "\"\\ud83d\\u\"",
    "\"\\ud83d\\u12\"",
    "\"\\ \"",
    "\"\\\n\"",
    "\"a\nb\"",
    "\"a\tb\"",
    "\"a\rb\"",
    "\"\x01\"",
    "\"\x1f\"",
    "\"a\0b\""sv,
    "\0"sv,
    "1\0"sv,
    "\"a\"\"b\"",
    "\"a\" \"b\"",
    "\"a\"x",
    "[",
    "]",
    "[1",
    "[1,",
    "[1,]",
    "[,1]",
    "[,]",
    "[1,,2]",
    "[1 2]",
    "[1;2]",
    "[1]]",
    "[[1]",
    "[1}",
    "[1:2]",
    "[\"a\":1]",
    "[\"a",
    "[\"a\",",
    "[a]",
    "[-]",
    "[1.]",
    "[tru]",
    "[1]x",
    "[1],",
    "[]]",
    "[\v]",
    "[\f1]",
    "[1,\n1\n,1",
    "{",
    "}",
    "{\"a\"",
    "{\"a\":",
    "{\"a\":1",
    "{\"a\":1,",
    "{\"a\":1,}",
    "{,}",
    "{,\"a\":1}",
    "{\"a\" 1}",
    "{\"a\"::1}",
    "{\"a\",1}",
    "{\"a\"}",
    "{a:1}",
    "{'a':1}",
    "{1:1}",
    "{null:1}",
    "{[]:1}",
    "{\"a\":1 \"b\":2}",
    "{\"a\":1,,\"b\":2}",
    "{\"a\":1]",
    "{\"a\":1}}",
    "{\"a\":1}x",
    "{\"a\":1};",
    "{\"a\":a}",
    "{\"a\":\"b}",
    "{}{}",
    "{} {}",
    "{},",
    "[1] //",
    "/**/1",
    "1/**/",
    "#1",
    "{\"a\":/*x*/1}",
    "1 2",
    "true false",
    "\xC2\xA0"
    "1",
    "1\xE2\x80\x83",
    "\xE2\x81\xA0[]",
    "<.>",
    "[<null>]",
    "*",
    "\\u0031",
    "\xEF\xBB\xBF",
    "[\xEF\xBB\xBF 1]",
    "[\0]\0"sv,  // UTF-16 without a mark
    "\0[\0]"sv,
    "1.7976931348623157e",
    "[1e]",
    "-1x",
    "[\"\xC3\xA9\"",
    "\"\\\xF0\x9F\x8C\x80\"",
    "{\"a\":\"b\"}#",
    "[\"\": 1]",
    "[5+7]",
    "[1,\v2]",
};

constexpr std::string_view kInvalidText[] = {
    "\"\\ud800\"",
    "\"\\udc00\"",
    "\"\\ud800x\"",
    "\"\\ud800\\n\"",
    "\"\\ud800\\ud800\"",
    "\"\\udfff\\udbff\"",
    "\"\\ud800\\u0041\"",
    "[\"\\udd1e\"]",
    "{\"\\ud800\":1}",
    "\"\x80\"",
    "\"\xFF\"",
    "\"\xC0\xAF\"",
    "\"\xC3\"",
    "\"\xE0\x80\xAF\"",
    "\"\xED\xA0\x80\"",
    "\"\xF4\x90\x80\x80\"",
    "\"\xF8\x88\x80\x80\x80\"",
    "\xFF",
    "[\xFF]",
    "{\"\xFF\":1}",
    "\"\xE2\x82\"",
    "\"0123456789abcdef\xF0\x9F\x98\"",
    "\xFF\xFE[\0]\0"sv,  // UTF-16 with its mark
    "\xFE\xFF\0[\0]"sv,
    "\"\xFC\x83\xBF\xBF\xBF\xBF\"",  // too long a form
    "\"\xC3\xB1\xC3\"",
    "\xEF\xBB{}",  // two thirds of a byte-order mark
};

class JsonConformance : public RecordTest {
 protected:
  JsonConformance() { declare({{"v", nullable(scalar(Kind::Json))}}); }
};

TEST_F(JsonConformance, ValidTexts) {
  for (const Valid& c : kValid) {
    const std::string text(c.text);
    const std::string alone = decode(text);
    EXPECT_EQ(alone, c.back.starts_with('{') ? "" : c.back == "null" ? "P1003" : "P1004") << text;
    EXPECT_EQ(decode("{\"x\":" + text + "}"), "") << text << " " << detail;
    ASSERT_EQ(decode("{\"v\":" + text + "}"), "") << text << " " << detail;
    EXPECT_EQ(json(), "{\"v\":" + std::string(c.back) + "}");
  }
}

TEST_F(JsonConformance, InvalidTexts) {
  for (const std::string_view c : kInvalid) {
    const std::string text(c);
    EXPECT_EQ(decode(text), "P1001") << text;
    EXPECT_EQ(decode("{\"v\":" + text + "}"), "P1001") << text;
    EXPECT_EQ(decode("{\"x\":" + text + "}"), "P1001") << text;
  }
}

TEST_F(JsonConformance, TextsThatAreNotUtf8) {
  for (const std::string_view c : kInvalidText) {
    const std::string text(c);
    EXPECT_EQ(decode(text), "P1002") << text;
    EXPECT_EQ(decode("{\"v\":" + text + "}"), "P1002") << text;
    EXPECT_EQ(decode("{\"x\":" + text + "}"), "P1002") << text;
  }
}

TEST_F(JsonConformance, DepthIs128) {
  const auto nested = [](std::size_t levels) {  // inside of the object
    return std::string(levels, '[') + std::string(levels, ']');
  };
  for (const std::string name : {"v", "x"}) {
    EXPECT_EQ(decode("{\"" + name + "\":" + nested(127) + "}"), "");
    EXPECT_EQ(decode("{\"" + name + "\":" + nested(128) + "}"), "P1011");
    EXPECT_EQ(decode("{\"" + name + "\":" + std::string(1'000'000, '[')), "P1011");
  }
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "{\"v\":";
  EXPECT_EQ(decode(objects), "P1011");
  EXPECT_EQ(decode("{\"v\":[" + std::string(1'000, '[') + std::string(1'000, ']') + "]}"), "P1011");
}

TEST_F(JsonConformance, AByteOrderMarkMayComeFirst) {
  EXPECT_EQ(decode("\xEF\xBB\xBF{\"v\":1}"), "");
  EXPECT_EQ(decode("\xEF\xBB\xBF\xEF\xBB\xBF{\"v\":1}"), "P1001");
}

// Each text cut short anywhere is not JSON, and never reads what lies behind it.
TEST_F(JsonConformance, TruncatedTexts) {
  const std::string text = R"({"v":[1.5e3,"a\u20ac\n",{"b":null,"c":[true,false]}],"x":{"y":"\ud83d\ude00","z":-0.25}})";
  ASSERT_EQ(decode(text), "");
  for (std::size_t size = 0; size < text.size(); ++size)
    EXPECT_EQ(decode(std::string_view(text).substr(0, size)), "P1001") << size;
}

// A byte changed anywhere: the decoder and the tree parser of lang/value, written apart, agree on what is JSON.
TEST_F(JsonConformance, AgreesWithTheTreeParser) {
  const std::string text = R"({"v":[1.5e3,"a\u20ac\n",{"b":null,"c":[true,false]}],"x":{"y":"\ud83d\ude00","z":-0.25}})";
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (const char c : "\"\\{}[]:,0 19.eE+-ntfu/x\x01\x80"sv) {
      std::string changed = text;
      changed[at] = c;
      const bool is_json = value::parse_json(changed, arena).has_value();
      const std::string code = decode(changed);
      EXPECT_EQ(is_json, code.empty() || code == "P1004") << changed << " " << code;
    }
  }
}

}  // namespace
}  // namespace piperun::record
