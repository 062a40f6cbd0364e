// tests/golden/sema/*.pipe: each file's diagnostics are what stands in the file beside it. UPDATE_GOLDEN=1 writes them anew.
// A first line `# run local param name=value` sets options.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <set>

#include "tests/unit/lang/sema/program.h"

namespace piperun::sema {
namespace {

namespace fs = std::filesystem;

const fs::path kFolder = fs::path(PIPERUN_SOURCE_DIR) / "tests/golden/sema";

Options options_of(const std::string& text) {
  Options options;
  if (!text.starts_with("# ")) return options;
  std::istringstream words(text.substr(2, text.find('\n') - 2));
  for (std::string word; words >> word;) {
    if (word == "run") options.run = true;
    if (word == "local") options.local = true;
    if (const auto equals = word.find('='); equals != std::string::npos)
      options.params[word.substr(0, equals)] = word.substr(equals + 1);
  }
  return options;
}

std::vector<fs::path> programs() {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(kFolder)) {
    if (entry.path().extension() == ".pipe") found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

TEST(SemaGolden, DiagnosticsAreAsExpected) {
  for (const fs::path& path : programs()) {
    SCOPED_TRACE(path.filename().string());
    const std::string text = *read_text(path.string());
    const auto program = analysed(path.filename().string(), text, options_of(text));
    fs::path expected = path;
    expected.replace_extension(".expected");
    if (std::getenv("UPDATE_GOLDEN") != nullptr) std::ofstream(expected, std::ios::binary) << program->rendered();
    EXPECT_EQ(program->rendered(), read_text(expected.string()).value_or("no such file"));
  }
}

TEST(SemaGolden, WhatIsCalledOkIsClean) {
  int count = 0;
  for (const fs::path& path : programs()) {
    if (!path.filename().string().starts_with("ok_")) continue;
    ++count;
    const std::string text = *read_text(path.string());
    const auto program = analysed(path.filename().string(), text, options_of(text));
    EXPECT_EQ(program->rendered(), "") << path.filename();
  }
  EXPECT_GE(count, 4);
}

TEST(SemaGolden, ExamplesAndStandardModulesAreClean) {
  for (const char* folder : {"examples", "stdlib"}) {
    for (const auto& entry : fs::directory_iterator(fs::path(PIPERUN_SOURCE_DIR) / folder)) {
      if (entry.path().extension() != ".pipe") continue;
      const auto program =
          analysed(entry.path().filename().string(), *read_text(entry.path().string()), {}, folder == std::string("stdlib"));
      EXPECT_EQ(program->rendered(), "") << entry.path();
    }
  }
}

// P0100 golden programs belong to the parser, P0410 and later to plan.
bool is_ours(std::string_view code) {
  return code >= "P0200" && code != "P0401" && !(code >= "P0410" && code < "P0500") && !(code >= "P0510" && code < "P0590") &&
         code < "P1000";
}

TEST(SemaGolden, EachCodeOccurs) {
  std::set<std::string> seen;
  for (const fs::path& path : programs()) {
    const std::string text = *read_text(path.string());
    const auto program = analysed(path.filename().string(), text, options_of(text));
    for (const diag::Diagnostic* each : program->report.sorted()) seen.insert(std::string(diag::info(each->code).name));
  }
  for (const diag::CodeInfo& each : diag::all_codes()) {
    if (!is_ours(each.name)) continue;
    EXPECT_TRUE(seen.contains(std::string(each.name))) << each.name << " occurs in no golden program";
  }
}

// A file called PNNNN_*.pipe has one mistake, and one diagnostic.
TEST(SemaGolden, OneMistakeGivesOneDiagnostic) {
  for (const fs::path& path : programs()) {
    const std::string name = path.filename().string();
    if (!name.starts_with("P0")) continue;
    const std::string text = *read_text(path.string());
    const auto program = analysed(name, text, options_of(text));
    const auto found = program->report.sorted();
    EXPECT_EQ(found.size(), 1U) << name << "\n" << program->rendered();
    if (found.empty()) continue;
    EXPECT_EQ(diag::info(found.front()->code).name, name.substr(0, 5)) << program->rendered();
  }
}

}  // namespace
}  // namespace piperun::sema
