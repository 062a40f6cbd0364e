#include "lang/syntax/parser.h"

#include "lang/syntax/build.h"
#include "lang/syntax/literals.h"
#include "lang/syntax/mistakes.h"
#include "lang/value/text.h"

namespace piperun::syntax {

namespace {

Text content(const source::SourceMap& sources, source::FileId id) {
  const source::SourceFile& file = sources.file(id);
  return {file.text().substr(file.content_begin()), id, file.content_begin()};
}

void report_mistakes(const Reading& reading, const Text& text, diag::Report& report) {
  for (const Mistake& mistake : reading.mistakes) report.add(describe(mistake, text));
  if (const std::size_t at = value::first_invalid_utf8(text.text); at != std::string_view::npos) {
    const auto begin = static_cast<std::uint32_t>(at);
    report.add(diag::Code::P0123, text.span(begin, begin + 1)).message("this is not UTF-8").help("save the file as UTF-8");
  }
}

}  // namespace

ast::Module parse(const source::SourceMap& sources, source::FileId file, ast::Pool& pool, diag::Report& report) {
  const Text text = content(sources, file);
  const Reading reading = read_file(text.text);
  report_mistakes(reading, text, report);
  return build_module(text, reading.tree, pool, report);
}

ast::ExprId parse_expression(const source::SourceMap& sources, source::FileId file, ast::Pool& pool, diag::Report& report) {
  const Text text = content(sources, file);
  const Reading reading = read_expression(text.text);
  report_mistakes(reading, text, report);
  if (!reading.mistakes.empty()) return pool.add(ast::ErrorExpr{}, text.span(0, static_cast<std::uint32_t>(text.text.size())));
  return ExpressionBuilder(text, reading.tree, pool, report).expression(reading.tree.top()[0]);
}

}  // namespace piperun::syntax
