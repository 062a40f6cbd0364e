// tests/golden/plan/NAME.pipe gives NAME.expected: the diagnostics, or what `explain` says. `_local` in the name: under --local.
// UPDATE_GOLDEN=1 rewrites.
#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "lang/ir/verify.h"
#include "tests/unit/lang/prove/compiled.h"

namespace piperun::prove {
namespace {

std::string folder() { return std::string(PIPERUN_SOURCE_DIR) + "/tests/golden/plan/"; }

std::vector<std::string> names() {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(folder())) {
    if (entry.path().extension() == ".pipe") found.push_back(entry.path().stem().string());
  }
  std::ranges::sort(found);
  return found;
}

bool is_local(const std::string& name) { return name.ends_with("_local"); }

class PlanGolden : public testing::TestWithParam<std::string> {};

TEST_P(PlanGolden, GivesWhatIsExpected) {
  const std::string name = GetParam();
  const Compiled compiled(read_text(folder() + name + ".pipe"), is_local(name), false, name + ".pipe");
  const std::string actual =
      compiled.report.has_errors() ? compiled.rendered() : explain(*compiled.program, compiled.proofs, &compiled.places);
  const std::string path = folder() + name + ".expected";
  if (std::getenv("UPDATE_GOLDEN")) std::ofstream(path, std::ios::binary) << actual;
  EXPECT_EQ(actual, read_text(path)) << "run with UPDATE_GOLDEN=1 to accept";
}

// Whatever was cut is a well-formed program, before and after the passes.
TEST_P(PlanGolden, UnitsVerify) {
  for (const bool optimized : {false, true}) {
    const Compiled compiled(read_text(folder() + GetParam() + ".pipe"), is_local(GetParam()), optimized);
    if (compiled.report.has_errors()) {
      EXPECT_TRUE(GetParam().starts_with("P0")) << compiled.rendered();
      return;
    }
    EXPECT_THAT(ir::verify(*compiled.program), testing::IsEmpty());
  }
}

INSTANTIATE_TEST_SUITE_P(All, PlanGolden, testing::ValuesIn(names()), [](const auto& suite) { return suite.param; });

// P0418 needs a connector that is not in this version: prove_test.cpp. P0416 is what remains when a protocol that we emit is wrong: no file can provoke it. P0511 to P0520 come from comparing manifests:
// tests/unit/lang/plan/manifest_test.cpp.
TEST(PlanGoldens, EveryCodeIsSeenInTheFileThatBearsItsName) {
  for (const std::string code : {"P0401", "P0410", "P0411", "P0412", "P0413", "P0414", "P0415", "P0510"}) {
    bool seen = false;
    for (const std::string& name : names()) {
      if (!name.starts_with(code)) continue;
      const Compiled compiled(read_text(folder() + name + ".pipe"), is_local(name));
      for (const diag::Diagnostic* found : compiled.report.sorted()) seen = seen || diag::info(found->code).name == code;
    }
    EXPECT_TRUE(seen) << code;
  }
}

}  // namespace
}  // namespace piperun::prove
