#include "lang/value/text.h"

#include <gtest/gtest.h>

#include "lang/value/utf8.h"

namespace piperun::value {
namespace {

std::vector<std::string> strings(List list) {
  std::vector<std::string> out;
  for (std::uint64_t i = 0; i < list.count; ++i) out.emplace_back(std::string_view(list.items[i].s));
  return out;
}

std::string shown(const Fallible<Text>& text) {
  return text ? std::string(std::string_view(*text)) : std::string(name(text.error()));
}

using Strings = std::vector<std::string>;

TEST(Text, Utf8IsStrict) {
  for (const char* good : {"", "abc", "naïve", "€", "😀", "\x7F", "\xED\x9F\xBF", "\xEE\x80\x80", "\xF4\x8F\xBF\xBF"})
    EXPECT_TRUE(is_utf8(good)) << good;
  for (const char* bad :
       {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xED\xBF\xBF", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80",
        "\xF5\x80\x80\x80", "\xFF", "\xC3", "\xE2\x82", "\xF0\x9F\x98", "\xC3(", "\xE2(\xA1", "a\xC3"}) {
    EXPECT_FALSE(is_utf8(bad)) << bad;
  }
  EXPECT_EQ(first_invalid_utf8("0123456789é\xFFz"), 12u);
}

TEST(Text, TheFirstSequenceIsWellFormedOrThereIsNone) {
  EXPECT_EQ(utf8_sequence("a"), 1U);
  EXPECT_EQ(utf8_sequence("\xC3\xA9x"), 2U);
  EXPECT_EQ(utf8_sequence("\xE2\x82\xAC"), 3U);
  EXPECT_EQ(utf8_sequence("\xF0\x9F\x98\x80"), 4U);
  for (const char* bad :
       {"\x80", "\xC0\x80", "\xC3", "\xE0\x80\x80", "\xED\xA0\x80", "\xF0\x80\x80\x80", "\xF4\x90\x80\x80", "\xFF", "\xE2\x82"}) {
    EXPECT_EQ(utf8_sequence(bad), 0U) << bad;
  }
}

TEST(Text, CountsCodePoints) {
  EXPECT_EQ(length("naïve😀"), 6);
  EXPECT_EQ(substring("naïve😀x", 2, 4), "ïve😀");
  EXPECT_EQ(substring("abcdef", -2, 9), "ef");
  EXPECT_EQ(substring("abcdef", -9, 5), "ab");
  EXPECT_EQ(substring("abcdef", INT64_MIN, INT64_MAX), "abcde");
  EXPECT_EQ(substring("abcdef", 2, -1), "");
  EXPECT_EQ(substring("abcdef", 99, 1), "");
  EXPECT_EQ(find("añb", "b"), 2);
  EXPECT_EQ(find("añb", "x"), std::nullopt);
}

TEST(Text, Case) {
  Arena arena;
  EXPECT_EQ(std::string_view(upper("straße ÿ éàü ǆ ᾳ я ω ı", arena)), "STRAßE Ÿ ÉÀÜ Ǆ ᾼ Я Ω I");
  EXPECT_EQ(std::string_view(lower("ÀÉ İ Я Ω Ǆ ẞ", arena)), "àé i я ω ǆ ß");
  EXPECT_EQ(std::string_view(upper("ɐ", arena)), "Ɐ");  // 2 bytes become 3
  EXPECT_EQ(std::string_view(upper("a\xFF z", arena)), "A\xFF Z");
}

TEST(Text, Trims) {
  EXPECT_EQ(trim(" \t\n\u00A0a b\u3000\r"), "a b");
  EXPECT_EQ(trim_start("  a "), "a ");
  EXPECT_EQ(trim_end("  a "), "  a");
  EXPECT_EQ(trim("\u2003 "), "");
  EXPECT_EQ(trim("\x80\xBF"), "\x80\xBF");
}

TEST(Text, SplitsAndJoins) {
  Arena arena;
  EXPECT_EQ(strings(split("a,b,,c", ",", arena)), (Strings{"a", "b", "", "c"}));
  EXPECT_EQ(strings(split("", ",", arena)), (Strings{""}));
  EXPECT_EQ(strings(split("aé😀", "", arena)), (Strings{"a", "é", "😀"}));
  EXPECT_EQ(shown(join(split("a--b--c", "--", arena), "+", arena)), "a+b+c");
  EXPECT_EQ(shown(join({nullptr, 0}, "+", arena)), "");
}

TEST(Text, Replaces) {
  Arena arena;
  EXPECT_EQ(shown(replace("aaa", "aa", "b", arena)), "ba");
  EXPECT_EQ(shown(replace("1,2,3", ",", "", arena)), "123");
  EXPECT_EQ(shown(replace("abc", "", "x", arena)), "abc");
  EXPECT_EQ(shown(pad_start("7", 3, "é!", arena)), "éé7");
  EXPECT_EQ(shown(pad_end("abc", 2, ".", arena)), "abc");
  EXPECT_EQ(shown(pad_start("7", INT64_MAX, "0", arena)), "TooLarge");
  EXPECT_EQ(shown(repeat("ab", 3, arena)), "ababab");
  EXPECT_EQ(shown(repeat("ab", -1, arena)), "");
  EXPECT_EQ(shown(repeat("ab", INT64_MAX, arena)), "TooLarge");
  EXPECT_EQ(std::string_view(reverse("aé😀", arena)), "😀éa");
}

TEST(Text, AsJson) {
  std::string out;
  append_json_string(out, std::string_view("a\"\\\n\x01é\0", 8));
  EXPECT_EQ(out, "\"a\\\"\\\\\\n\\u0001é\\u0000\"");
}

TEST(Text, Base64) {
  const std::pair<std::string, std::string> pairs[] = {{"", ""},        {"f", "Zg=="},        {"fo", "Zm8="},
                                                       {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"\xFF\xFE", "//4="}};
  for (const auto& [bytes, text] : pairs) {
    std::string out;
    append_base64(out, bytes);
    EXPECT_EQ(out, text);
    EXPECT_EQ(decode_base64(text), bytes);
  }
  EXPECT_EQ(decode_base64("__4"), "\xFF\xFE");
  for (const char* bad : {"Z", "Zg=", "Zh==", "Z===", "Zm9v=", "Z m9v", "Zm9v===="}) EXPECT_FALSE(decode_base64(bad)) << bad;
}

TEST(Arena, KeepsItsMemory) {
  Arena arena(64);
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 100; ++i) {
      const Text copy = arena.copy(std::string(static_cast<std::size_t>(i), 'x'));
      EXPECT_EQ(copy.size, static_cast<std::size_t>(i));
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(copy.data) % 16, 0u);
    }
    arena.reset();
  }
  const std::size_t capacity = arena.capacity();
  for (int i = 0; i < 100; ++i) arena.copy(std::string(static_cast<std::size_t>(i), 'x'));
  EXPECT_EQ(arena.capacity(), capacity);
  EXPECT_NE(arena.allocate(1'000'000), nullptr);
}

}  // namespace
}  // namespace piperun::value
