// Runs one test: what each of its sections expects, and what was there.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "runtime/piperun/test_file.h"

namespace piperun::cli {

struct SectionOutcome {
  const Section* section;
  std::vector<std::string> actual;
  bool any_order = false;   // rows with a key: what counts is which there are
};

struct TestOutcome {
  std::vector<SectionOutcome> sections;  // those that expect something
  std::string problem;                   // why the test could not be run to its end; "": it was
};

// `folder`: of the .pipetest file; paths in it are relative to it. `scratch`: an empty folder for this test alone.
TestOutcome run_test(const TestFile& file, const TestCase& test, const std::filesystem::path& folder,
                     const std::filesystem::path& scratch);

}  // namespace piperun::cli
