// Programs of many parts: what takes time with the square of their number would hold this test up for minutes.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <functional>

#include "tests/unit/lang/prove/compiled.h"

namespace piperun::prove {
namespace {

std::string times(int count, const std::function<std::string(int)>& line) {
  std::string text;
  for (int i = 0; i < count; ++i) text += line(i) + "\n";
  return text;
}

// A flow `f` with these stages from `s` (records R) to `o`.
std::string program(const std::string& type, const std::string& stages, const std::string& more = "") {
  return "pipeline p { delivery = exactly_once }\nconnection c = embedded { path = \"c.db\" }\n" + type +
         "source s: R = c { topic = \"s\" }\nsink o = c { table = \"o\" }\n" + more + "flow f {\n  from s\n" + stages +
         "  to o\n}\n";
}

const std::string kSmall = "type R { a: int64, b: int64 }\n";

void expect_compiled(const std::string& text) {
  const Compiled compiled(text, true, true);
  EXPECT_THAT(compiled.rendered(), testing::IsEmpty());
  ASSERT_TRUE(compiled.program);
  EXPECT_FALSE(explain(*compiled.program, compiled.proofs, &compiled.places).empty());
}

TEST(Size, ManyFields) {
  const std::string type = "type R {\n" + times(10'000, [](int i) { return fmt::format("  f{}: int64?", i); }) + "}\n";
  expect_compiled(program(type, ""));
  const auto same = [](int i) { return fmt::format("    f{0} = f{0} ?? 1", i); };
  expect_compiled(program(type, "  map R {\n" + times(10'000, same) + "  }\n"));
}

TEST(Size, ManyFieldsInside) {
  const std::string type =
      "type I {\n" + times(5'000, [](int i) { return fmt::format("  f{}: int64", i); }) + "}\ntype R { i: I }\n";
  expect_compiled(
      program(type, "  map {\n" + times(5'000, [](int i) { return fmt::format("    f{0} = i.f{0} + 1", i); }) + "  }\n"));
}

TEST(Size, ManyStages) {
  expect_compiled(program(kSmall, times(10'000, [](int i) { return fmt::format("  filter a != {}", i); })));
  expect_compiled(program(kSmall, times(10'000, [](int i) { return fmt::format("  set a = a + {}", i); })));
}

TEST(Size, MoreThanFitsIsRefused) {
  const Compiled compiled(program(kSmall, times(3'000, [](int i) { return fmt::format("  set a{0} = a + {0}", i); })));
  EXPECT_THAT(compiled.rendered(), testing::HasSubstr("flow `f` grows too large"));
  EXPECT_EQ(compiled.report.error_count(), 1U);
}

TEST(Size, ManySinks) {
  const std::string sinks = times(500, [](int i) { return fmt::format("sink o{0} = c {{ table = \"o{0}\" }}", i); });
  expect_compiled(program(kSmall, times(500, [](int i) { return fmt::format("  to o{}", i); }), sinks));
}

TEST(Size, ManyFunctions) {
  const std::string functions = times(10'000, [](int i) { return fmt::format("fn g{0}(x: int64) -> int64 = x + {0}", i); });
  expect_compiled(program(kSmall, times(10'000, [](int i) { return fmt::format("  set a = g{}(a)", i); }), functions));
}

}  // namespace
}  // namespace piperun::prove
