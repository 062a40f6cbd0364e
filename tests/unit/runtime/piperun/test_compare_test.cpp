#include "runtime/piperun/test_compare.h"

#include <gmock/gmock.h>

namespace piperun::cli {
namespace {

using testing::ElementsAre;

Section section(SectionKind kind, std::vector<std::string> lines, bool subset = false) {
  Section result;
  result.kind = kind;
  result.subset = subset;
  for (std::string& line : lines) result.lines.push_back({result.lines.size() + 2, std::move(line)});
  return result;
}

TEST(TestCompare, JsonIsComparedAsValues) {
  const Section expected = section(SectionKind::Output, {R"({"a":1, "b":[2]})"});
  EXPECT_TRUE(compare({&expected, {R"({"b":[2],"a":1})"}, false}).equal);
  EXPECT_FALSE(compare({&expected, {R"({"b":[3],"a":1})"}, false}).equal);
  EXPECT_FALSE(compare({&expected, {}, false}).equal);
  EXPECT_FALSE(compare({&expected, {R"({"b":[2],"a":1})", R"({"b":[2],"a":1})"}, false}).equal);
}

TEST(TestCompare, OrderCountsUnlessRowsHaveAKey) {
  const Section expected = section(SectionKind::Output, {R"({"a":1})", R"({"a":2})"});
  EXPECT_TRUE(compare({&expected, {R"({"a":2})", R"({"a":1})"}, true}).equal);
  const Comparison ordered = compare({&expected, {R"({"a":2})", R"({"a":1})"}, false});
  EXPECT_FALSE(ordered.equal);
  EXPECT_THAT(ordered.updated, ElementsAre(R"({"a":2})", R"({"a":1})"));
}

TEST(TestCompare, SubsetLooksAtTheFieldsThatAreGiven) {
  const Section expected = section(SectionKind::DeadLetters, {R"({"code":"P1001","at":{"x":1}})"}, true);
  EXPECT_TRUE(compare({&expected, {R"({"code":"P1001","offset":4,"at":{"x":1,"y":2}})"}, false}).equal);
  const Comparison other = compare({&expected, {R"({"code":"P1002","offset":4,"at":{"x":1,"y":2}})"}, false});
  EXPECT_FALSE(other.equal);
  EXPECT_THAT(other.updated, ElementsAre(R"({"code":"P1002","at":{"x":1,"y":2}})"));
}

TEST(TestCompare, ADiffShowsWhatIsMissingAndWhatIsTooMuch) {
  const Section expected = section(SectionKind::Output, {R"({"a":1})", R"({"a":2})"});
  EXPECT_THAT(compare({&expected, {R"({"a":1})", R"({"a":3})"}, false}).diff,
              ElementsAre(R"(  {"a":1})", R"(- {"a":2})", R"(+ {"a":3})"));
}

TEST(TestCompare, TextIsComparedLineByLine) {
  const Section expected = section(SectionKind::Diagnostics, {"error", "", "help"});
  EXPECT_TRUE(compare({&expected, {"error", "", "help"}, false}).equal);
  EXPECT_FALSE(compare({&expected, {"error", "help"}, false}).equal);
  const Section some = section(SectionKind::Diagnostics, {"help"}, true);
  EXPECT_TRUE(compare({&some, {"error", "= help: x"}, false}).equal);
  EXPECT_FALSE(compare({&some, {"error"}, false}).equal);
}

}  // namespace
}  // namespace piperun::cli
