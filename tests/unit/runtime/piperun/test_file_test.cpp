#include "runtime/piperun/test_file.h"

#include <gmock/gmock.h>

namespace piperun::cli {
namespace {

using testing::HasSubstr;

const char* const kText = R"(# Repeats are dropped.
-- test --
pipeline = orders.pipe
now = 2026-01-31T12:00:00Z
param min = 5
-- input --
orders key="a \"b\"" partition=1 {"id":1}
# a comment
orders null key=a1
orders base64:AAH/
@fail lines 2m   # for two minutes
@crash after write lines
-- output lines subset --
{"id":1}

# The second.
-- test by name --
pipeline = other.pipe
-- dead letters --
)";

TEST(TestFile, SectionsTheirNamesAndTheNamesOfTests) {
  const auto file = parse_test_file("a.pipetest", kText);
  ASSERT_TRUE(file) << file.error();
  ASSERT_EQ(file->tests.size(), 2u);
  EXPECT_EQ(file->tests[0].name, "Repeats are dropped.");
  EXPECT_EQ(file->tests[1].name, "by name");
  const Section& output = file->tests[0].sections[2];
  EXPECT_EQ(output.kind, SectionKind::Output);
  EXPECT_EQ(output.name, "lines");
  EXPECT_TRUE(output.subset);
  ASSERT_EQ(output.lines.size(), 1u);
  EXPECT_EQ(output.lines[0].number, 14u);
}

TEST(TestFile, SettingsOfTheHead) {
  const auto file = parse_test_file("a.pipetest", kText);
  const auto settings = settings_of(*file, file->tests[0]);
  ASSERT_TRUE(settings) << settings.error();
  EXPECT_EQ(settings->pipeline, "orders.pipe");
  EXPECT_EQ(settings->now, 1769860800000000);
  EXPECT_EQ(settings->params.at("min"), "5");
}

TEST(TestFile, RecordsAndOrders) {
  const auto file = parse_test_file("a.pipetest", kText);
  const auto input = input_of(*file, file->tests[0].sections[1]);
  ASSERT_TRUE(input) << input.error();
  ASSERT_EQ(input->size(), 5u);
  EXPECT_EQ((*input)[0].key, "a \"b\"");
  EXPECT_EQ((*input)[0].partition, 1);
  EXPECT_EQ((*input)[0].value, "{\"id\":1}");
  EXPECT_EQ((*input)[1].key, "a1");
  EXPECT_FALSE((*input)[1].value);
  EXPECT_EQ((*input)[2].value, std::string("\0\x01\xff", 3));
  EXPECT_EQ((*input)[3].duration, 120'000'000);
  EXPECT_EQ((*input)[3].count, 0);
  EXPECT_EQ((*input)[4].name, "write lines");
}

TEST(TestFile, MistakesNameTheirLine) {
  EXPECT_THAT(parse_test_file("a", "-- test --\n-- outputs x --\n").error(), HasSubstr("a:2: there is no section"));
  EXPECT_THAT(parse_test_file("a", "orders {}\n").error(), HasSubstr("a:1:"));
  EXPECT_THAT(parse_test_file("a", "-- test --\n-- fmt --\n").error(), HasSubstr("not in this version"));
  const auto file = parse_test_file("a", "-- test --\npipeline = p\ncolour = red\n-- input --\n@jump\n");
  EXPECT_THAT(settings_of(*file, file->tests[0]).error(), HasSubstr("a:3: there is no setting `colour`"));
  EXPECT_THAT(input_of(*file, file->tests[0].sections[1]).error(), HasSubstr("a:5: there is no `@jump`"));
}

TEST(TestFile, UpdatingChangesOnlyTheSectionThatIsReplaced) {
  const auto file = parse_test_file("a.pipetest", kText);
  std::string expected(kText);
  expected.replace(expected.find("{\"id\":1}\n\n"), 9, "{\"id\":2}\n{\"id\":3}\n");
  EXPECT_EQ(with_replaced(*file, {{13, {"{\"id\":2}", "{\"id\":3}"}}}), expected);
}

}  // namespace
}  // namespace piperun::cli
