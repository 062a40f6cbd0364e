// A text compiled to units with proofs, for tests.
#pragma once
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "lang/diag/render.h"
#include "lang/plan/lower.h"
#include "lang/prove/explain.h"
#include "lang/prove/prove.h"
#include "stdlib/modules.h"

namespace piperun::prove {

inline std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

class NoFiles : public sema::ModuleLoader {
 public:
  std::optional<std::string> standard(std::string_view name) override {
    const auto text = stdlib::module(name);
    return text ? std::optional(std::string(*text)) : std::nullopt;
  }
  std::optional<std::string> file(const std::string&) override { return std::nullopt; }
  std::vector<std::string> standard_names() override { return {}; }
};

struct Compiled {
  explicit Compiled(std::string text, bool local = true, bool optimized = false, const std::string& path = "test.pipe") {
    NoFiles loader;
    sema::Options options;
    options.local = local;
    const auto main = sources.add(path, std::move(text));
    const sema::Program files = sema::load(main, loader, sources, report);
    const sema::Facts facts = sema::analyze(files, options, sources, report);
    if (report.has_errors()) return;
    program = std::make_unique<ir::Program>(plan::lower(files, facts, options, sources));
    places = plan::places_of(*program, files, facts, sources);
    proofs = compile(*program, places, report, optimized);
  }

  std::string rendered() const { return diag::render(report, sources); }

  source::SourceMap sources;
  diag::Report report;
  std::unique_ptr<ir::Program> program;  // null: it has errors
  plan::Places places;
  std::vector<Proof> proofs;
};

}  // namespace piperun::prove
