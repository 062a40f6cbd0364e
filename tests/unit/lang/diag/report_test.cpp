#include "lang/diag/report.h"

#include <gtest/gtest.h>

#include <cctype>
#include <set>

namespace piperun::diag {
namespace {

constexpr source::FileId kFile{};

TEST(Report, SortsByPositionAndKeepsTheOrderOfEquals) {
  Report report;
  report.add(Code::P0101, {kFile, 9, 10}).message("third");
  report.add(Code::P0101, {kFile, 4, 8}).message("first");
  report.add(Code::P0101, {kFile, 4, 5}).message("second");
  const auto sorted = report.sorted();
  ASSERT_EQ(sorted.size(), 3U);
  EXPECT_EQ(sorted[0]->text, "first");
  EXPECT_EQ(sorted[1]->text, "second");
  EXPECT_EQ(sorted[2]->text, "third");
}

TEST(Report, KeepsTheSameCodeAtTheSameSpanOnce) {
  Report report;
  report.add(Code::P0101, {kFile, 1, 2}).message("kept");
  report.add(Code::P0101, {kFile, 1, 2}).message("repeated");
  EXPECT_EQ(report.error_count(), 1U);
  ASSERT_EQ(report.sorted().size(), 1U);
  EXPECT_EQ(report.sorted()[0]->text, "kept");
}

TEST(Report, ReferencesOutliveLaterDiagnostics) {
  Report report;
  Diagnostic& first = report.add(Code::P0101, {kFile, 0, 1});
  for (std::uint32_t i = 1; i < 1000; ++i) report.add(Code::P0101, {kFile, i, i + 1});
  first.message("still here");
  EXPECT_EQ(report.sorted()[0]->text, "still here");
}

TEST(Codes, AreFoundByNameInAnyCase) {
  ASSERT_NE(find_code("p0101"), nullptr);
  EXPECT_EQ(find_code("P0101")->code, Code::P0101);
  EXPECT_EQ(find_code("P9999"), nullptr);
  EXPECT_EQ(find_code(""), nullptr);
}

TEST(Codes, AreWellFormedUniqueAndExplained) {
  std::set<std::string_view> names;
  for (const CodeInfo& code : all_codes()) {
    EXPECT_TRUE(names.insert(code.name).second) << code.name;
    EXPECT_EQ(code.name.size(), 5U) << code.name;
    EXPECT_TRUE(code.name.starts_with("P0")) << code.name;
    EXPECT_FALSE(code.title.empty()) << code.name;
    EXPECT_FALSE(code.title.ends_with(".")) << code.name;
    EXPECT_FALSE(code.explanation.empty()) << code.name;
    EXPECT_FALSE(code.explanation.ends_with("\n")) << code.name;
    EXPECT_EQ(code.name.starts_with("P09"), code.severity == Severity::Warning) << code.name;
    EXPECT_EQ(&info(code.code), &code);
  }
}

}  // namespace
}  // namespace piperun::diag
