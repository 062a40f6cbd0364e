#include "runtime/piperun/test_text.h"

#include <algorithm>

#include "lang/ast/print.h"
#include "lang/diag/render.h"
#include "lang/ir/print.h"
#include "lang/prove/explain.h"

namespace piperun::cli {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  while (!lines.empty() && lines.back().find_first_not_of(" \t") == std::string::npos) lines.pop_back();
  return lines;
}

bool is_about_text(SectionKind kind) {
  return kind == SectionKind::Diagnostics || kind == SectionKind::Explain || kind == SectionKind::Ast || kind == SectionKind::Ir;
}

std::string text_of(const Section& section) {
  std::string text;
  for (const TestLine& line : section.lines) text += line.text + "\n";
  return text;
}

std::expected<std::string, std::string> section_about(SectionKind kind, const std::string& path, const Compiled& compiled,
                                                      const CompileOptions& options) {
  if (kind == SectionKind::Diagnostics) return diag::render(compiled.report, *compiled.sources);
  if (kind == SectionKind::Ast) return ast::print(compiled.files.modules.front().module, compiled.files.pool);
  if (!compiled.ok()) return std::unexpected("the pipeline is wrong\n" + diag::render(compiled.report, *compiled.sources));
  if (kind == SectionKind::Ir) return ir::print(*compiled.program);
  CompileOptions as_written = options;
  as_written.optimized = false;
  const auto again = compile_file(path, as_written);
  if (!again || !again->ok()) return std::unexpected("the pipeline cannot be compiled as written");
  return prove::explain(*again->program, again->proofs, &again->places);
}

}  // namespace piperun::cli
