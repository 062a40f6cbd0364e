// A program from text, analysed: for the tests of this folder.
#pragma once
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "lang/diag/render.h"
#include "lang/sema/analyze.h"

namespace piperun::sema {

inline std::optional<std::string> read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// Standard modules from the source tree, local files from below `root`.
class TreeLoader : public ModuleLoader {
 public:
  TreeLoader(std::string stdlib, std::string root) : stdlib_(std::move(stdlib)), root_(std::move(root)) {}
  std::optional<std::string> standard(std::string_view name) override {
    return read_text(stdlib_ + "/" + std::string(name) + ".pipe");
  }
  std::optional<std::string> file(const std::string& path) override { return read_text(root_ + "/" + path); }
  std::vector<std::string> standard_names() override { return {"text", "math", "time", "json", "hash", "url", "bytes"}; }

 private:
  std::string stdlib_;
  std::string root_;
};

struct Analysed {
  source::SourceMap sources;
  diag::Report report;
  Program program;
  Facts facts;

  std::string rendered() const { return diag::render(report, sources); }
};

// `is_standard`: the main file is itself a module of the standard library.
inline std::unique_ptr<Analysed> analysed(const std::string& path, std::string text, const Options& options,
                                          bool is_standard = false) {
  auto result = std::make_unique<Analysed>();
  const std::string root = PIPERUN_SOURCE_DIR;
  TreeLoader loader(root + "/stdlib", root + "/tests/golden/sema");
  const auto file = result->sources.add(path, std::move(text));
  result->program = load(file, loader, result->sources, result->report);
  result->program.modules.front().is_standard = is_standard;
  result->facts = analyze(result->program, options, result->sources, result->report);
  return result;
}

}  // namespace piperun::sema
