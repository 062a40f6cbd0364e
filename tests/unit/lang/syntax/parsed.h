// A text parsed for a test, with all that it takes to look at the result.
#pragma once
#include <algorithm>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "lang/ast/print.h"
#include "lang/diag/render.h"
#include "lang/syntax/parser.h"

namespace piperun::syntax {

struct Parsed {
  explicit Parsed(std::string text, const std::string& path = "test.pipe") {
    const source::FileId file = sources.add(path, std::move(text));
    module = parse(sources, file, pool, report);
  }

  std::string printed() const { return ast::print(module, pool); }
  std::string rendered() const {
    diag::RenderOptions options;
    options.limit = 1'000;
    return diag::render(report, sources, options);
  }
  std::vector<std::uint32_t> error_lines() const {
    std::vector<std::uint32_t> lines;
    for (const diag::Diagnostic* diagnostic : report.sorted()) lines.push_back(sources.place(diagnostic->span).line);
    return lines;
  }

  source::SourceMap sources;
  ast::Pool pool;
  diag::Report report;
  ast::Module module;
};

inline std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

inline std::string golden_folder() { return std::string(PIPERUN_SOURCE_DIR) + "/tests/golden/syntax/"; }

// The files without mistakes; sorted.
inline const std::vector<std::string>& good_files() {
  static const std::vector<std::string> names = {"expressions", "layout",  "modules",       "shop",
                                                 "stages",      "strings", "words_as_names"};
  return names;
}

}  // namespace piperun::syntax
