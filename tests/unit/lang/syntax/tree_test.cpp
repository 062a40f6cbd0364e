// What the tree holds beside its structure (which the goldens show): spans, docs, the values of literals.
#include <gtest/gtest.h>

#include "lang/ast/match.h"
#include "tests/unit/lang/syntax/parsed.h"

namespace piperun::syntax {
namespace {

ast::ExprId value_of(const Parsed& parsed) { return std::get<ast::ConstDecl>(parsed.module.declarations.at(0).node).value; }

template <typename Literal>
Literal literal(const std::string& text) {
  const Parsed parsed("const a = " + text);
  EXPECT_TRUE(parsed.report.empty()) << parsed.rendered();
  return std::get<Literal>(parsed.pool[value_of(parsed)].node);
}

std::string reading_of(const std::string& text) {
  const Parsed parsed("const a = " + text);
  EXPECT_TRUE(parsed.report.empty()) << parsed.rendered();
  return ast::print(value_of(parsed), parsed.pool);
}

TEST(Tree, Precedence) {
  EXPECT_EQ(reading_of("active ?? false and total > 0.00"), "((active ?? false) and (total > 0.00))");
  EXPECT_EQ(reading_of("-a ?? b"), "(- (a ?? b))");
  EXPECT_EQ(reading_of("a ?? b + c ?? d * 2"), "((a ?? b) + ((c ?? d) * 2))");
  EXPECT_EQ(reading_of("a or b catch c"), "((a or b) catch c)");
  EXPECT_EQ(reading_of("if a then b else c catch d"), "(if a then b else (c catch d))");
  EXPECT_EQ(reading_of("not a == b and c"), "((not (a == b)) and c)");
  EXPECT_EQ(reading_of("a + 1 not in xs or b is not null"), "(((a + 1) not in xs) or (b is not null))");
  EXPECT_EQ(reading_of("a - b - c * d % e"), "((a - b) - ((c * d) % e))");
  EXPECT_EQ(reading_of("x! != y"), "(x! != y)");
}

TEST(Tree, Literals) {
  EXPECT_EQ(literal<ast::IntLiteral>("1_000").value, 1'000);
  EXPECT_EQ(literal<ast::IntLiteral>("9223372036854775807").value, std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(literal<ast::IntLiteral>("-9223372036854775808").value, std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(literal<ast::DecimalLiteral>("1_0.50").text, "10.50");
  EXPECT_EQ(literal<ast::FloatLiteral>("1.5e3").value, 1500.0);
  EXPECT_EQ(literal<ast::DurationLiteral>("24h").micros, 86'400'000'000);
  EXPECT_EQ(literal<ast::TimestampLiteral>("1970-01-02T01:00:00.5+01:00").micros, 86'400'500'000);
  EXPECT_EQ(literal<ast::TimestampLiteral>("0001-01-01T00:00:00Z").micros, -62'135'596'800'000'000);
  EXPECT_EQ(literal<ast::TimestampLiteral>("2024-02-29T00:00:00Z").micros, 1'709'164'800'000'000);
  EXPECT_EQ(literal<ast::StringLiteral>(R"("a\n\u{e9}{{}}\\")").text, "a\n\xC3\xA9{}\\");
  EXPECT_EQ(literal<ast::StringLiteral>(R"(r"\d{4}")").text, R"(\d{4})");
  EXPECT_EQ(literal<ast::Interpolation>(R"("a{b}{{{c}")").parts.size(), 4u);
}

TEST(Tree, SpansCoverTheText) {
  const Parsed parsed("flow f {\n  filter (a + b) * c > d.e   # why\n  dedup k within 1h as n\n}\n");
  const auto& flow = std::get<ast::FlowDecl>(parsed.module.declarations.at(0).node);
  const auto text = [&](source::Span span) { return parsed.sources.text(span); };
  EXPECT_EQ(text(flow.stages[0].span), "filter (a + b) * c > d.e");
  EXPECT_EQ(text(flow.stages[0].keyword), "filter");
  EXPECT_EQ(text(flow.stages[1].span), "dedup k within 1h as n");
  EXPECT_EQ(text(flow.stages[1].durable_name->span), "n");
  EXPECT_EQ(text(parsed.module.declarations[0].keyword), "flow");
  const ast::Expr& condition = parsed.pool[std::get<ast::FilterStage>(flow.stages[0].node).condition];
  EXPECT_EQ(text(condition.span), "(a + b) * c > d.e");
  const auto& greater = std::get<ast::Binary>(condition.node);
  EXPECT_EQ(text(greater.sign), ">");
  EXPECT_EQ(text(parsed.pool[greater.left].span), "(a + b) * c");
  EXPECT_EQ(text(parsed.pool[greater.right].span), "d.e");
}

TEST(Tree, DocsBelongToTheItemRightBelow) {
  const Parsed parsed(
      "## not of a\n\n## of a\n##  twice\nconst a = 1\n# none\nconst b = 2\ntype T {\n  ## of x\n  x: int64, y: int64\n}\n");
  EXPECT_EQ(parsed.module.declarations[0].doc, "of a\n twice");
  EXPECT_EQ(parsed.module.declarations[1].doc, "");
  const auto& type = std::get<ast::TypeDecl>(parsed.module.declarations[2].node);
  EXPECT_EQ(type.fields[0].doc, "of x");
  EXPECT_EQ(type.fields[1].doc, "");
}

TEST(Tree, OnePoolForAllFiles) {
  source::SourceMap sources;
  ast::Pool pool;
  diag::Report report;
  const ast::Module first = parse(sources, sources.add("a.pipe", "const a = 1 + 2"), pool, report);
  const ast::Module second = parse(sources, sources.add("b.pipe", "const b = 3 + 4"), pool, report);
  EXPECT_EQ(pool.expr_count(), 6u);
  EXPECT_EQ(ast::print(first, pool) + ast::print(second, pool), "const a = (1 + 2)\nconst b = (3 + 4)\n");
}

TEST(Tree, LoneExpression) {
  source::SourceMap sources;
  ast::Pool pool;
  diag::Report report;
  const ast::ExprId good = parse_expression(sources, sources.add("--where", "code == \"P1001\"\n and n > 1"), pool, report);
  EXPECT_TRUE(report.empty());
  EXPECT_EQ(ast::print(good, pool), "((code == \"P1001\") and (n > 1))");
  const ast::ExprId bad = parse_expression(sources, sources.add("--where", "code = 1"), pool, report);
  EXPECT_EQ(report.error_count(), 1u);
  EXPECT_EQ(ast::print(bad, pool), "<error>");
  parse_expression(sources, sources.add("--where", "a b"), pool, report);
  parse_expression(sources, sources.add("--where", ""), pool, report);
  EXPECT_EQ(report.error_count(), 3u);
}

TEST(Mistakes, EditsMendTheProgram) {
  for (const std::string name :
       {"P0105_single_equals", "P0107_regex_in_string", "P0110_lone_brace", "P0122_colon_or_equals", "P0125_blanks"}) {
    std::string text = read_text(golden_folder() + name + ".pipe");
    const Parsed parsed(text);
    auto found = parsed.report.sorted();
    for (auto diagnostic = found.rbegin(); diagnostic != found.rend(); ++diagnostic) {
      for (const diag::Help& help : (*diagnostic)->helps) {
        if (help.edit) text.replace(help.edit->span.begin, help.edit->span.size(), help.edit->replacement);
      }
    }
    const Parsed mended(text);
    EXPECT_LT(mended.report.error_count(), parsed.report.error_count()) << name << '\n' << text;
    if (name != "P0107_regex_in_string") { EXPECT_TRUE(mended.report.empty()) << mended.rendered(); }
  }
}

}  // namespace
}  // namespace piperun::syntax
