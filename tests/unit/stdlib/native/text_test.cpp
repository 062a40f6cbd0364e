#include <gtest/gtest.h>

#include "stdlib/native/regex.h"
#include "tests/unit/stdlib/native/call.h"

namespace piperun::native {
namespace {

TEST(Patterns, AreCheckedBeforeTheyAreUsed) {
  EXPECT_EQ(pattern_argument("text.regex_matches"), 1U);
  EXPECT_EQ(pattern_argument("text.upper"), std::nullopt);
  EXPECT_EQ(pattern_fault(R"(^(\d+)-[a-z]*$)"), std::nullopt);
  EXPECT_EQ(pattern_fault("("), "missing ): (");
  EXPECT_NE(pattern_fault("(?=x)"), std::nullopt);
}

TEST(TextNatives, Plain) {
  EXPECT_EQ(call("text.upper", {"straße 7b"}), "STRAßE 7B");
  EXPECT_EQ(call("text.lower", {"ÀB"}), "àb");
  EXPECT_EQ(call("text.length", {"naïve"}), "5");
  EXPECT_EQ(call("text.trim", {"  a b\t"}), "a b");
  EXPECT_EQ(call("text.contains", {"order-17", "-1"}), "true");
  EXPECT_EQ(call("text.starts_with", {"order-17", "17"}), "false");
  EXPECT_EQ(call("text.ends_with", {"order-17", "17"}), "true");
  EXPECT_EQ(call("text.find", {"añb", "b"}), "2");
  EXPECT_EQ(call("text.find", {"abc", "x"}), "null");
  EXPECT_EQ(call("text.substring", {"abcdef", "1", "3"}), "bcd");
  EXPECT_EQ(call("text.before", {"ada@example.org", "@"}), "ada");
  EXPECT_EQ(call("text.before", {"ada", "@"}), "ada");
  EXPECT_EQ(call("text.after", {"ada@example.org", "@"}), "example.org");
  EXPECT_EQ(call("text.after", {"ada", "@"}), "");
  EXPECT_EQ(call("text.split", {"a,b,,c", ","}), R"(["a","b","","c"])");
  EXPECT_EQ(call("text.join", {R"(["a","b"])", " + "}), "a + b");
  EXPECT_EQ(call("text.replace", {"1,234,567", ",", ""}), "1234567");
  EXPECT_EQ(call("text.pad_start", {"7", "3", "0"}), "007");
  EXPECT_EQ(call("text.pad_end", {"ab", "4", "."}), "ab..");
  EXPECT_EQ(call("text.repeat", {"ab", "3"}), "ababab");
  EXPECT_EQ(call("text.repeat", {"ab", "9000000000000000000"}), "TooLarge");
  EXPECT_EQ(call("text.reverse", {"abc"}), "cba");
  EXPECT_EQ(call("text.is_ascii", {"naïve"}), "false");
  EXPECT_EQ(call("text.edit_distance", {"kitten", "sitting"}), "3");
  EXPECT_EQ(call("text.edit_distance", {"", "abc"}), "3");
  EXPECT_EQ(call("text.edit_distance", {"né", "ne"}), "1");
}

TEST(TextNatives, Conversions) {
  EXPECT_EQ(call("text.to_int", {"-42"}), "-42");
  EXPECT_EQ(call("text.to_int", {"4 2"}), "ParseInt");
  EXPECT_EQ(call("text.to_float", {"1.5e3"}), "1500.0");
  EXPECT_EQ(call("text.to_bool", {"yes"}), "ParseBool");
  EXPECT_EQ(call("text.to_timestamp", {"2026-01-31T12:00:00+01:00"}), "2026-01-31T11:00:00Z");
  EXPECT_EQ(call("text.to_duration", {"90m"}), "1h30m");
}

TEST(RegexNatives, Find) {
  EXPECT_EQ(call("text.regex_matches", {"AB-1234", R"(^[A-Z]{2}-\d+$)"}), "true");
  EXPECT_EQ(call("text.regex_matches", {"xAB-1234", R"(^[A-Z]{2}-\d+$)"}), "false");
  EXPECT_EQ(call("text.regex_find", {"ref AB-12", R"([A-Z]+-\d+)"}), "AB-12");
  EXPECT_EQ(call("text.regex_find", {"user=ada;", R"(user=(\w+))"}), "ada");
  EXPECT_EQ(call("text.regex_find", {"none", R"(\d)"}), "null");
  EXPECT_EQ(call("text.regex_group", {"2026-01-31", R"((\d+)-(\d+))", "2"}), "01");
  EXPECT_EQ(call("text.regex_group", {"2026-01-31", R"((\d+)-(\d+))", "0"}), "2026-01");
  EXPECT_EQ(call("text.regex_group", {"a", "(a)|(b)", "2"}), "null");
  EXPECT_EQ(call("text.regex_group", {"a", "(a)", "7"}), "null");
  EXPECT_EQ(call("text.regex_find_all", {"a1 b22 c333", R"(\d+)"}), R"(["1","22","333"])");
  EXPECT_EQ(call("text.regex_find_all", {"aé", ""}), R"(["","",""])");
  EXPECT_EQ(call("text.regex_fields", {"GET /a", R"((?P<verb>\w+) (?P<path>\S+)(?P<rest> .*)?)"}),
            R"({"path":"/a","verb":"GET"})");
  EXPECT_EQ(call("text.regex_fields", {"-", R"((?P<verb>\w+))"}), "null");
}

TEST(RegexNatives, ReplaceAndSplit) {
  EXPECT_EQ(call("text.regex_replace", {"31.01.2026", R"((\d+)\.(\d+)\.(\d+))", "$3-$2-$1"}), "2026-01-31");
  EXPECT_EQ(call("text.regex_replace", {"abc", "x*", "-"}), "-a-b-c-");
  EXPECT_EQ(call("text.regex_replace", {"aab", "a*", "-"}), "-b-");
  EXPECT_EQ(call("text.regex_replace", {"é1", R"(\d)", "<$0$$$9 $>"}), "é<1$ $>");
  EXPECT_EQ(call("text.regex_split", {"a, b;c", R"([,;]\s*)"}), R"(["a","b","c"])");
  EXPECT_EQ(call("text.regex_split", {"", ","}), R"([""])");
}

TEST(RegexNatives, APatternThatIsNone) {
  for (const char* name :
       {"text.regex_matches", "text.regex_find", "text.regex_find_all", "text.regex_fields", "text.regex_split"}) {
    EXPECT_EQ(call(name, {"a", "(["}), "BadRegex") << name;
    EXPECT_EQ(call(name, {"a", "(["}), "BadRegex") << "remembered: " << name;
  }
}

}  // namespace
}  // namespace piperun::native
