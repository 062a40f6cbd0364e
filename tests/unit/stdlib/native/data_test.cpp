// json, hash, bytes, url and math.
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "stdlib/native/table.h"
#include "tests/unit/stdlib/native/call.h"

namespace piperun::native {
namespace {

constexpr const char* kTree = R"({"a":{"b":[1,{"c":"x"},null]},"when":"2026-01-31T12:00:00Z","x.y":true,"f":0.5})";

TEST(JsonNatives, Paths) {
  EXPECT_EQ(call("json.get", {kTree, "a.b[1].c"}), "\"x\"");
  EXPECT_EQ(call("json.get", {kTree, "a.b[-3]"}), "1");
  EXPECT_EQ(call("json.get", {kTree, R"(["x.y"])"}), "true");
  EXPECT_EQ(call("json.get", {"7", ""}), "7");
  EXPECT_EQ(call("json.get", {kTree, "a.z"}), "KeyMissing");
  EXPECT_EQ(call("json.get", {kTree, "a.b[3]"}), "IndexOutOfRange");
  EXPECT_EQ(call("json.get", {kTree, "a.b[-4]"}), "IndexOutOfRange");
  EXPECT_EQ(call("json.get", {kTree, "a[0]"}), "JsonType");
  for (const char* bad : {".a", "a.", "a..b", "a.b[", "a.b[x]", "a.b[0]c", "a.b[]"})
    EXPECT_EQ(call("json.get", {kTree, bad}), "BadArgument") << bad;
  EXPECT_EQ(call("json.has", {kTree, "a.b[2]"}), "true");
  EXPECT_EQ(call("json.has", {kTree, "q"}), "false");
}

TEST(JsonNatives, TypedAccess) {
  EXPECT_EQ(call("json.text", {kTree, "a.b[1].c"}), "x");
  EXPECT_EQ(call("json.text", {kTree, "a.b[0]"}), "JsonType");
  EXPECT_EQ(call("json.int", {kTree, "a.b[0]"}), "1");
  EXPECT_EQ(call("json.int", {kTree, "f"}), "ParseInt");
  EXPECT_EQ(call("json.float", {kTree, "f"}), "0.5");
  EXPECT_EQ(call("json.timestamp", {kTree, "when"}), "2026-01-31T12:00:00Z");
  EXPECT_EQ(call("json.bool", {kTree, "a.b[2]"}), "NullValue");
  EXPECT_EQ(call("json.find_text", {kTree, "a.b[1].c"}), "x");
  for (const char* path : {"a.b[0]", "a.b[2]", "a.q", "q.q"}) EXPECT_EQ(call("json.find_text", {kTree, path}), "null") << path;
  EXPECT_EQ(call("json.find_int", {kTree, "a.b[0]"}), "1");
  EXPECT_EQ(call("json.find_float", {kTree, "f"}), "0.5");
  EXPECT_EQ(call("json.find_bool", {kTree, "[\"x.y\"]"}), "true");
}

TEST(JsonNatives, Trees) {
  EXPECT_EQ(call("json.parse", {" [1.50, true] "}), "[1.50,true]");
  EXPECT_EQ(call("json.parse", {"[1"}), "ParseJson");
  EXPECT_EQ(call("json.write", {"[1.50, \"é\"]"}), "[1.50,\"é\"]");
  for (const auto& [text, kind] :
       {std::pair{"null", "null"}, {"false", "bool"}, {"1", "number"}, {"\"\"", "string"}, {"[]", "array"}, {"{}", "object"}}) {
    EXPECT_EQ(call("json.kind", {text}), kind);
  }
  EXPECT_EQ(call("json.items", {"[7,[8]]"}), "[7,[8]]");
  EXPECT_EQ(call("json.items", {"{}"}), "JsonType");
  EXPECT_EQ(call("json.keys", {R"({"b":1,"a":2})"}), R"(["b","a"])");
  EXPECT_EQ(call("json.length", {"[7,8]"}), "2");
  EXPECT_EQ(call("json.length", {"\"ab\""}), "JsonType");
  EXPECT_EQ(call("json.quote", {"a\"b"}), R"("a\"b")");
}

TEST(HashNatives, KnownDigests) {
  EXPECT_EQ(call("hash.sha256", {"abc"}), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(call("hash.sha512", {"abc"}).substr(0, 16), "ddaf35a193617aba");
  EXPECT_EQ(call("hash.sha1", {"abc"}), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(call("hash.md5", {""}), "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(call("hash.hmac", {"what do ya want for nothing?", "Jefe"}),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(call("hash.sha256_bytes", {"abc"}), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
  EXPECT_EQ(call("hash.crc32", {"123456789"}), "3421780262");
  EXPECT_EQ(call("hash.fnv1a", {"a"}), "-5808556873153909620");
  EXPECT_EQ(call("hash.xxh64", {""}), "-1205034819632174695");
  EXPECT_EQ(call("hash.xxh64", {"a"}), "-3292477735350538661");  // d24ec4f1a98c6e5b
  EXPECT_EQ(call("hash.xxh64", {"Nobody inspects the spammish repetition"}), "-302119147016844303");  // fbcea83c8a378bf1
}

TEST(HashNatives, Buckets) {
  std::set<std::string> seen;
  for (int i = 0; i < 200; ++i) {
    const std::string bucket = call("hash.bucket", {"customer-" + std::to_string(i), "8"});
    EXPECT_EQ(bucket.size(), 1u);
    EXPECT_LT(bucket, "8");
    seen.insert(bucket);
  }
  EXPECT_EQ(seen.size(), 8u);
  EXPECT_EQ(call("hash.bucket", {"x", "0"}), "BadArgument");
}

TEST(HashNatives, Uuids) {
  constexpr const char* kDns = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
  EXPECT_EQ(call("hash.uuid_of", {kDns, "python.org"}), "886313e1-3b8a-5372-9b90-0c9aee199e5d");
  EXPECT_EQ(call("hash.format_uuid", {"6BA7B8109DAD11D180B400C04FD430C8"}), kDns);
  EXPECT_EQ(call("hash.format_uuid", {"6ba7b810-9dad-11d1-80b400c0-4fd430c8"}), "ParseUuid");
  EXPECT_EQ(call("hash.is_uuid", {kDns}), "true");
  EXPECT_EQ(call("hash.is_uuid", {"6ba7b810"}), "false");
}

TEST(BytesNatives, Texts) {
  EXPECT_EQ(call("bytes.hex", {"AZ\xFF"}), "415aff");
  EXPECT_EQ(call("bytes.from_hex", {"415A"}), "QVo=");
  EXPECT_EQ(call("bytes.from_hex", {"415"}), "BadEncoding");
  EXPECT_EQ(call("bytes.from_hex", {"4g"}), "BadEncoding");
  EXPECT_EQ(call("bytes.base64", {"hello"}), "aGVsbG8=");
  EXPECT_EQ(call("bytes.from_base64", {"aGVsbG8"}), "aGVsbG8=");
  EXPECT_EQ(call("bytes.from_base64", {"a"}), "BadEncoding");
  EXPECT_EQ(call("bytes.to_text", {"na\xC3\xAFve"}), "naïve");
  EXPECT_EQ(call("bytes.to_text", {"\xC3"}), "BadEncoding");
  EXPECT_EQ(call("bytes.length", {"ï"}), "2");
  EXPECT_EQ(call("bytes.slice", {"abcdef", "-3", "2"}), "ZGU=");
  EXPECT_EQ(call("bytes.slice", {"abcdef", "4", "9"}), "ZWY=");
  EXPECT_EQ(call("bytes.slice", {"abcdef", "-9", "4"}), "YQ==");
}

TEST(UrlNatives, Parts) {
  constexpr const char* kUrl = "HTTPS://Ada:pw@Example.org:8443/a/b;c?x=1&y=2#top";
  EXPECT_EQ(call("url.scheme", {kUrl}), "https");
  EXPECT_EQ(call("url.host", {kUrl}), "example.org");
  EXPECT_EQ(call("url.port", {kUrl}), "8443");
  EXPECT_EQ(call("url.path", {kUrl}), "/a/b;c");
  EXPECT_EQ(call("url.query", {kUrl}), "x=1&y=2");
  EXPECT_EQ(call("url.fragment", {kUrl}), "top");
  EXPECT_EQ(call("url.page", {kUrl}), "HTTPS://Ada:pw@Example.org:8443/a/b;c");
  EXPECT_EQ(call("url.host", {"http://[2001:DB8::1]:80/"}), "2001:db8::1");
  EXPECT_EQ(call("url.port", {"https://example.org"}), "443");
  EXPECT_EQ(call("url.port", {"gopher://example.org"}), "null");
  EXPECT_EQ(call("url.path", {"/search?q=a"}), "/search");
  EXPECT_EQ(call("url.host", {"/search?q=a"}), "null");
  EXPECT_EQ(call("url.host", {"mailto:ada@example.org"}), "null");
  EXPECT_EQ(call("url.host", {"file:///tmp/a"}), "null");
  for (const char* bad : {"http://a b/", "http://[::1/", "http://a:b/", "http://[::1]x/"})
    EXPECT_EQ(call("url.host", {bad}), "null") << bad;
}

TEST(UrlNatives, Parameters) {
  EXPECT_EQ(call("url.parameter", {"/search?q=caf%C3%A9+noir&page=2&q=b", "q"}), "café noir");
  EXPECT_EQ(call("url.parameter", {"/search?q", "q"}), "");
  EXPECT_EQ(call("url.parameter", {"/search?q=1", "p"}), "null");
  EXPECT_EQ(call("url.parameter", {"/search?q=50%", "q"}), "50%");
  EXPECT_EQ(call("url.parameters", {"/s?b=2&a=%31&b=3&&=x"}), R"({"":"x","a":"1","b":"2"})");
  EXPECT_EQ(call("url.encode", {"a b/ü~"}), "a%20b%2F%C3%BC~");
  EXPECT_EQ(call("url.decode", {"a%20b+c"}), "a b+c");
  for (const char* bad : {"%", "%4", "%zz", "%FF"}) EXPECT_EQ(call("url.decode", {bad}), "BadEncoding") << bad;
}

TEST(UrlNatives, Networks) {
  EXPECT_EQ(call("url.ip_in", {"10.1.2.3", "10.0.0.0/8"}), "true");
  EXPECT_EQ(call("url.ip_in", {"11.1.2.3", "10.0.0.0/8"}), "false");
  EXPECT_EQ(call("url.ip_in", {"10.0.0.9", "10.0.0.8/29"}), "true");
  EXPECT_EQ(call("url.ip_in", {"10.0.0.16", "10.0.0.8/29"}), "false");
  EXPECT_EQ(call("url.ip_in", {"1.2.3.4", "1.2.3.4"}), "true");
  EXPECT_EQ(call("url.ip_in", {"2001:db8::1", "2001:db8::/32"}), "true");
  EXPECT_EQ(call("url.ip_in", {"::1", "10.0.0.0/8"}), "false");
  EXPECT_EQ(call("url.ip_in", {"10.1", "10.0.0.0/8"}), "BadArgument");
  EXPECT_EQ(call("url.ip_in", {"10.0.0.1", "10.0.0.0/33"}), "BadArgument");
}

TEST(MathNatives, Functions) {
  EXPECT_EQ(call("math.sqrt", {"9"}), "3.0");
  EXPECT_EQ(call("math.sqrt", {"-1"}), "NotANumber");
  EXPECT_EQ(call("math.exp", {"1000"}), "Overflow");
  EXPECT_EQ(call("math.ln", {"0"}), "NotANumber");
  EXPECT_EQ(call("math.log10", {"1000"}), "3.0");
  EXPECT_EQ(call("math.log", {"8", "2"}), "3.0");
  EXPECT_EQ(call("math.log", {"8", "1"}), "NotANumber");
  EXPECT_EQ(call("math.pow", {"2", "10"}), "1024.0");
  EXPECT_EQ(call("math.pow", {"-8", "0.5"}), "NotANumber");
  EXPECT_EQ(call("math.pow", {"0", "-1"}), "Overflow");
  EXPECT_EQ(call("math.hypot", {"3", "4"}), "5.0");
  EXPECT_EQ(call("math.truncate", {"-2.7"}), "-2");
  EXPECT_EQ(call("math.truncate", {"1e30"}), "Overflow");
  EXPECT_EQ(call("math.floor_div", {"-7", "2"}), "-4");
  EXPECT_EQ(call("math.floor_div", {"7", "-2"}), "-4");
  EXPECT_EQ(call("math.floor_div", {"-8", "2"}), "-4");
  EXPECT_EQ(call("math.floor_div", {"-9223372036854775808", "-1"}), "Overflow");
  EXPECT_EQ(call("math.floor_mod", {"-7", "2"}), "1");
  EXPECT_EQ(call("math.floor_mod", {"7", "-2"}), "-1");
  EXPECT_EQ(call("math.floor_mod", {"7", "0"}), "DivisionByZero");
  EXPECT_EQ(call("math.gcd", {"-12", "18"}), "6");
  EXPECT_EQ(call("math.gcd", {"-9223372036854775808", "0"}), "Overflow");
  EXPECT_EQ(call("math.bit_and", {"12", "10"}), "8");
  EXPECT_EQ(call("math.bit_xor", {"12", "10"}), "6");
  EXPECT_EQ(call("math.has_bit", {"5", "2"}), "true");
  EXPECT_EQ(call("math.has_bit", {"5", "64"}), "false");
  const double metres = std::stod(call("math.distance", {"52.52", "13.405", "48.8566", "2.3522"}));
  EXPECT_NEAR(metres, 877'464, 500);
}

// A built-in function: called as the catalog declares it.
value::Cell built_in(std::string_view name, std::vector<value::Cell> arguments, std::uint64_t seed = 0) {
  value::TypeTable types;
  static value::Arena arena;
  value::Cell result{};
  value::NativeCall native_call{.args = arguments.data(),
                                .result = &result,
                                .arena = arena,
                                .types = types,
                                .arg_types = nullptr,
                                .result_type = {},
                                .now = 42,
                                .seed = {seed, 1}};
  EXPECT_TRUE(find(name)->body(native_call)) << name;
  return result;
}

TEST(MathNatives, BuiltIns) {
  using value::Cell;
  EXPECT_EQ(built_in("math.abs", {Cell::of(std::int64_t{-3})}).i, 3);
  EXPECT_TRUE(built_in("math.abs_decimal", {Cell::of(value::Int128{-3})}).d == 3);
  EXPECT_EQ(built_in("math.abs_float", {Cell::of(-1.5)}).f, 1.5);
  EXPECT_EQ(built_in("math.floor", {Cell::of(-1.5)}).f, -2);
  EXPECT_EQ(built_in("math.ceil", {Cell::of(-1.5)}).f, -1);
  const auto rounded = [](double x, std::int64_t digits) { return built_in("math.round", {Cell::of(x), Cell::of(digits)}).f; };
  EXPECT_EQ(rounded(2.25, 1), 2.2);
  EXPECT_EQ(rounded(1.005, 2), 1.0);
  EXPECT_EQ(rounded(2.675, 2), 2.68);
  EXPECT_EQ(rounded(1e300, 2), 1e300);
  EXPECT_EQ(rounded(-0.4, 0), 0);
}

TEST(StableNatives, TheSameSeedGivesTheSame) {
  const auto uuid = [](std::uint64_t seed) { return std::string(std::string_view(built_in("random.uuid", {}, seed).s)); };
  EXPECT_EQ(uuid(7), uuid(7));
  std::set<std::string> uuids;
  double sum = 0;
  for (std::uint64_t seed = 0; seed < 1'000; ++seed) {
    const std::string text = uuid(seed);
    EXPECT_EQ(text[14], '4');
    EXPECT_NE(std::string_view("89ab").find(text[19]), std::string_view::npos);
    uuids.insert(text);
    const double fraction = built_in("random.float", {}, seed).f;
    EXPECT_GE(fraction, 0);
    EXPECT_LT(fraction, 1);
    sum += fraction;
  }
  EXPECT_EQ(uuids.size(), 1'000u);
  EXPECT_NEAR(sum / 1'000, 0.5, 0.05);
  EXPECT_EQ(built_in("time.now", {}).i, 42);
}

}  // namespace
}  // namespace piperun::native
