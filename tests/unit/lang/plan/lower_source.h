// Lowers the text of a program, for tests.
#pragma once
#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "lang/diag/render.h"
#include "lang/diag/report.h"
#include "lang/ir/passes.h"
#include "lang/ir/print.h"
#include "lang/ir/verify.h"
#include "lang/plan/lower.h"
#include "lang/sema/analyze.h"

namespace piperun::plan {

// The standard library as it lies in the source tree.
class TreeModules : public sema::ModuleLoader {
 public:
  std::optional<std::string> standard(std::string_view name) override {
    std::ifstream in(std::string(PIPERUN_SOURCE_DIR) + "/stdlib/" + std::string(name) + ".pipe");
    if (!in) return std::nullopt;
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
  }
  std::optional<std::string> file(const std::string&) override { return std::nullopt; }
  std::vector<std::string> standard_names() override { return {}; }
};

// Fails the test if the program is wrong, or what comes of it does not verify.
inline ir::Program lowered(const std::string& text, bool optimized = false) {
  source::SourceMap sources;
  diag::Report report;
  const source::FileId main = sources.add("t.pipe", text);
  TreeModules loader;
  sema::Program files = sema::load(main, loader, sources, report);
  const sema::Options options{.local = true, .run = false, .params = {}, .environment = {}};
  const sema::Facts facts = sema::analyze(files, options, sources, report);
  for (const diag::Diagnostic* diagnostic : report.sorted()) {
    if (diagnostic->severity() == diag::Severity::Error)
      ADD_FAILURE() << sources.where(diagnostic->span) << ": " << diagnostic->text;
  }
  if (report.has_errors()) return {};
  ir::Program program = lower(files, facts, options, sources);
  for (const std::string& fault : ir::verify(program)) ADD_FAILURE() << fault << "\n" << ir::print(program);
  if (optimized) {
    ir::optimize(program);
    for (const std::string& fault : ir::verify(program)) ADD_FAILURE() << "optimized: " << fault << "\n" << ir::print(program);
  }
  return program;
}

}  // namespace piperun::plan
