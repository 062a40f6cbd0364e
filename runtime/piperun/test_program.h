// The program of a test: the pipeline under test with the test's own files, and with stand-ins in place of its systems.
#pragma once
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "runtime/piperun/compile.h"
#include "runtime/piperun/test_run.h"
#include "runtime/piperun/test_stores.h"

namespace piperun::cli {

// What keeps a test from going on, in words; "": nothing.
using Problem = std::string;

class TestProgram {
 public:
  // `file` and `test` outlive it.
  TestProgram(const TestFile& file, const TestCase& test, std::filesystem::path folder, std::filesystem::path scratch)
      : file_(file), test_(test), folder_(std::move(folder)), scratch_(std::move(scratch)) {}

  // The head of the test, and the program that it names; `outcomes` gets the sections about the text. First of all.
  Problem begin(std::vector<SectionOutcome>& outcomes);
  // Another version of the program goes on.
  Problem replace(const std::string& path);

  // Sections `table` become the samples of their tables, also in every version that comes later.
  Problem fill_tables();

  // A mistake in a sample is one in the section that it was made of, and is told at its line there.
  Problem placed(const Problem& problem) const;

  // A section that nothing has looked at is a mistake of the test.
  Problem check_used() const;

  const TestSettings& settings() const { return settings_; }
  bool is_compiled() const { return compiled_.has_value(); }
  // Only of one that is compiled.
  const Compiled& compiled() const { return *compiled_; }
  const ir::Program& program() const { return *compiled_->program; }
  const ir::Source* find_source(const std::string& name) const;  // by its name, or else its topic; null: there is none
  const ir::Sink* find_sink(const std::string& name) const;
  StandIns stand_ins() const { return {program(), scratch_.string(), folder_.string()}; }

 private:
  Problem compile(const std::string& path, std::vector<SectionOutcome>* outcomes);
  void use_samples();

  const TestFile& file_;
  const TestCase& test_;
  const std::filesystem::path folder_, scratch_;
  TestSettings settings_;
  CompileOptions options_;
  std::optional<Compiled> compiled_;
  std::map<std::string, std::string> samples_;  // table → file
  std::set<std::string> used_files_;
};

}  // namespace piperun::cli
