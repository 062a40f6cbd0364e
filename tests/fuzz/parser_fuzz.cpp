// Any bytes are parsed, printed and reported: no crash, no hang, and every span lies in the text.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "lang/ast/print.h"
#include "lang/diag/render.h"
#include "lang/syntax/parser.h"

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace piperun;
  source::SourceMap sources;
  ast::Pool pool;
  diag::Report report;
  const source::FileId file = sources.add("fuzz.pipe", std::string(reinterpret_cast<const char*>(data), size));
  const ast::Module module = syntax::parse(sources, file, pool, report);
  for (const diag::Diagnostic* found : report.sorted()) check(found->span.begin <= found->span.end && found->span.end <= size);
  for (std::uint32_t i = 0; i < pool.expr_count(); ++i) {
    const source::Span span = pool[ast::ExprId{i}].span;
    check(span.begin <= span.end && span.end <= size);
  }
  check(size == 0 || ast::print(module, pool).size() + diag::render(report, sources).size() < 1'000 * size + 100'000);
  (void)syntax::parse_expression(sources, file, pool, report);
  return 0;
}
