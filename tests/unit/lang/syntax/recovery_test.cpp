// One mistake gives one diagnostic on its line; what is right is kept; nothing overflows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "lang/ast/match.h"
#include "tests/unit/lang/syntax/parsed.h"

namespace piperun::syntax {
namespace {

using testing::ElementsAre;

std::string repeated(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

TEST(Recovery, FifteenFaultyLinesGiveFifteenErrorsOnThem) {
  const std::string text = read_text(golden_folder() + "fifteen_faulty_lines.pipe");
  std::vector<std::uint32_t> marked;
  std::istringstream lines(text);
  std::uint32_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.ends_with("#!")) marked.push_back(number);
  }
  ASSERT_EQ(marked.size(), 15u);
  EXPECT_EQ(Parsed(text).error_lines(), marked);
}

TEST(Recovery, KeepsWhatIsRight) {
  const Parsed parsed("source a Order = kafka\nflow f {\n  from a\n  filter x >\n  to out\n}\nconst c = 1\n");
  EXPECT_THAT(parsed.error_lines(), ElementsAre(1, 4));
  EXPECT_EQ(parsed.printed(), "<error> a\nflow f\n  from a\n  <error>\n  to out\nconst c = 1\n");
}

TEST(Recovery, ADeclarationWithoutOneOfItsPartsIsAnErrorOfThatName) {
  const Parsed parsed("type T {\n  a: int64\n  b int64\n}\nsink s = stdout { x = 1, y }\nconst c = 1 1\n");
  EXPECT_EQ(parsed.printed(), "<error> T\n<error> s\n<error> c\n");
}

TEST(Recovery, AMissingBraceIsReportedWhereItOpens) {
  const Parsed parsed("flow f {\n  from a\n  map {\n    x\n  to b\n}\nconst c = 1\n");
  EXPECT_THAT(parsed.error_lines(), ElementsAre(3));
  EXPECT_EQ(parsed.sources.place(parsed.report.sorted()[0]->span).column, 7u);
  EXPECT_EQ(parsed.printed(), "flow f\n  from a\n  map\n    x = x\n  to b\nconst c = 1\n");
}

TEST(Recovery, WhatIsMissingIsReportedBehindTheTokenBefore) {
  const Parsed parsed("flow f {\n  filter total >   # why\n  to b\n}\n");
  const diag::Diagnostic& found = *parsed.report.sorted()[0];
  EXPECT_EQ(parsed.sources.where(found.span), "test.pipe:2:17");
  EXPECT_EQ(found.text, "expected a value after `>`");
}

TEST(Recovery, ByteOrderMarkAndCrLf) {
  const Parsed parsed("\xEF\xBB\xBF## doc\r\nflow f {\r\n  from a,\r\n    b\r\n  filter x >\r\n  to c\r\n}\r\n");
  ASSERT_EQ(parsed.error_lines(), (std::vector<std::uint32_t>{5}));
  EXPECT_EQ(parsed.module.declarations[0].doc, "doc");
  EXPECT_EQ(parsed.sources.text(parsed.module.declarations[0].name.span), "f");
  EXPECT_EQ(parsed.sources.where(parsed.report.sorted()[0]->span), "test.pipe:5:13");
}

TEST(Recovery, EmptyTexts) {
  for (const std::string text : {"", "\n", "\r\n", "# only this", "\xEF\xBB\xBF", "   "}) {
    const Parsed parsed(text);
    EXPECT_TRUE(parsed.report.empty()) << text;
    EXPECT_TRUE(parsed.module.declarations.empty()) << text;
  }
}

TEST(Depth, TwoHundredIsTheLimit) {
  EXPECT_TRUE(Parsed("const a = " + repeated("(", 199) + "1" + repeated(")", 199)).report.empty());
  const Parsed parsed("const a = " + repeated("(", 200) + "1" + repeated(")", 200) + "\nconst b = 1\n");
  ASSERT_EQ(parsed.report.error_count(), 1u);
  EXPECT_EQ(parsed.report.sorted()[0]->code, diag::Code::P0109);
  EXPECT_EQ(parsed.printed(), "<error> a\nconst b = 1\n");
}

TEST(Depth, EveryWayToNestIsLimited) {
  constexpr int kMany = 10'000;
  const std::vector<std::string> texts = {
      repeated("(", kMany) + "1" + repeated(")", kMany),
      repeated("(", kMany),
      repeated("[", kMany),
      repeated("f(", kMany),
      repeated("xs[", kMany),
      repeated("{ a = ", kMany),
      repeated("\"{", kMany),
      repeated("if a then ", kMany),
      "if a then b else " + repeated("if a then b else ", kMany) + "c",
      repeated("-", kMany) + "1",
      repeated("not ", kMany) + "a",
      "1" + repeated(" + 1", kMany),
      "a" + repeated(".b", kMany),
      "a" + repeated("!", kMany),
      "a" + repeated(" ?? b", kMany),
      "a" + repeated(" catch b", kMany),
      "a" + repeated("(1)", kMany),
  };
  for (const std::string& text : texts) {
    const Parsed parsed("const a = " + text + "\nconst b = 1\n");
    ASSERT_EQ(parsed.report.error_count(), 1u) << text.substr(0, 20) << '\n' << parsed.rendered().substr(0, 2'000);
    EXPECT_EQ(parsed.report.sorted()[0]->code, diag::Code::P0109) << text.substr(0, 20);
    EXPECT_TRUE(parsed.printed().ends_with("const b = 1\n"));
  }
  EXPECT_EQ(Parsed("type T { a: " + repeated("list<", kMany) + " }").report.error_count(), 1u);
}

double seconds_to_parse(const std::string& text) {
  double best = 1e9;
  for (int i = 0; i < 3; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    const Parsed parsed(text);
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  return best;
}

// Eight times the text may take at most 24 times as long: a quadratic parser takes 64 times.
void expect_linear(const std::string& small, const std::string& large) {
  EXPECT_LT(seconds_to_parse(large), 24 * seconds_to_parse(small) + 0.01) << small.substr(0, 40);
}

TEST(Time, AVeryLongLineIsRead) {
  std::string line = "const a = [";
  while (line.size() < 591'000) line += "1, ";
  EXPECT_TRUE(Parsed(line + "1]\n").report.empty());
  EXPECT_EQ(Parsed(line + "\n").report.error_count(), 1u);
}

TEST(Time, IsLinear) {
  const auto lists = [](int n) { return "const a = [" + repeated("1, ", n) + "1]\n"; };
  expect_linear(lists(8'000), lists(64'000));
  const auto fields = [](int n) { return "type T { " + repeated("a: int64, ", n) + "}\n"; };
  expect_linear(fields(2'000), fields(16'000));
  const auto mistakes = [](int n) { return "flow f {\n" + repeated("  filter a >\n", n) + "}\n"; };
  expect_linear(mistakes(500), mistakes(4'000));
  const auto docs = [](int n) { return repeated("## doc\n", n) + "const a = 1\n"; };
  expect_linear(docs(10'000), docs(80'000));
}

}  // namespace
}  // namespace piperun::syntax
