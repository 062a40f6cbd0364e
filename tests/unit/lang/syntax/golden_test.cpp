// tests/golden/syntax/NAME.pipe gives NAME.expected: the rendered diagnostics, or the AST if there are none. UPDATE_GOLDEN=1 rewrites.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "tests/unit/lang/syntax/parsed.h"

namespace piperun::syntax {
namespace {

std::vector<std::string> golden_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(golden_folder())) {
    if (entry.path().extension() == ".pipe") names.push_back(entry.path().stem().string());
  }
  std::ranges::sort(names);
  return names;
}

class SyntaxGolden : public testing::TestWithParam<std::string> {};

TEST_P(SyntaxGolden, GivesWhatIsExpected) {
  const std::string name = GetParam();
  const Parsed parsed(read_text(golden_folder() + name + ".pipe"), name + ".pipe");
  const std::string actual = parsed.report.empty() ? parsed.printed() : parsed.rendered();
  const std::string expected_path = golden_folder() + name + ".expected";
  if (std::getenv("UPDATE_GOLDEN")) std::ofstream(expected_path, std::ios::binary) << actual;
  EXPECT_EQ(actual, read_text(expected_path)) << "run with UPDATE_GOLDEN=1 to accept";
}

INSTANTIATE_TEST_SUITE_P(All, SyntaxGolden, testing::ValuesIn(golden_names()), [](const auto& suite) { return suite.param; });

TEST(SyntaxGoldens, GoodFilesHaveNoDiagnostics) {
  for (const std::string& name : good_files()) {
    const Parsed parsed(read_text(golden_folder() + name + ".pipe"), name);
    EXPECT_FALSE(parsed.module.declarations.empty()) << name;
    EXPECT_TRUE(parsed.report.empty()) << parsed.rendered();
  }
}

TEST(SyntaxGoldens, EveryCodeIsSeenInTheFileThatBearsItsName) {
  std::size_t codes = 0;
  for (const diag::CodeInfo& info : diag::all_codes()) {
    if (!info.name.starts_with("P01")) continue;
    ++codes;
    bool seen = false;
    for (const std::string& name : golden_names()) {
      if (!name.starts_with(info.name)) continue;
      const Parsed parsed(read_text(golden_folder() + name + ".pipe"));
      for (const diag::Diagnostic* found : parsed.report.sorted()) seen = seen || found->code == info.code;
    }
    EXPECT_TRUE(seen) << info.name;
  }
  EXPECT_GE(codes, 25u);
}

}  // namespace
}  // namespace piperun::syntax
