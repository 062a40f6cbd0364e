// From the concrete tree to the AST: precedence chains become binary nodes, literals get their values. What the grammar cannot tell
// (numbers out of range, a range in a wrong place, two `on error`) is reported here.
#pragma once
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "lang/ast/ast.h"
#include "lang/diag/report.h"
#include "lang/syntax/tree.h"

namespace piperun::syntax {

constexpr unsigned kMaxChain = 1'000;  // height of an expression's tree: later phases walk it recursively

// A text as the grammar sees it: without its byte-order mark, which `base` counts.
struct Text {
  std::string_view text;
  source::FileId file{};
  std::uint32_t base = 0;

  std::string_view of(const Node& node) const { return text.substr(node.begin, node.end - node.begin); }
  source::Span span(std::uint32_t begin, std::uint32_t end) const { return {file, base + begin, base + end}; }
  source::Span span(const Node& node) const { return span(node.begin, node.end); }
};

using Nodes = std::span<const Node>;

class ExpressionBuilder {
 public:
  ExpressionBuilder(Text text, const Tree& tree, ast::Pool& pool, diag::Report& report)
      : text_(text), tree_(tree), pool_(pool), report_(report) {}

  // One whole expression. `ranges`: whether a range may stand here, also inside of its records.
  ast::ExprId expression(const Node& node, bool ranges = false);
  ast::TypeExprId type(const Node& node);
  ast::Name name(const Node& node) const;
  ast::Path path(const Node& node) const;
  ast::Entry entry(const Node& node);  // of map and aggregate

  Nodes children(const Node& node) const { return tree_.children(node); }
  source::Span span(const Node& node) const { return text_.span(node); }

 private:
  ast::ExprId build(const Node& node);
  ast::ExprId add(ast::ExprNode node, source::Span span, std::initializer_list<ast::ExprId> below = {});
  ast::ExprId add(ast::ExprNode node, source::Span span, unsigned height);
  ast::ExprId error(diag::Code code, source::Span span, std::string words);
  unsigned height(ast::ExprId id) const { return heights_[id.index - first_]; }

  ast::ExprId number(const Node& node);
  ast::ExprId string(const Node& node);
  ast::ExprId raw_string(const Node& node);
  ast::ExprId timestamp(const Node& node);
  ast::ExprId constant(const Node& node);
  ast::ExprId param(const Node& node);
  ast::ExprId field(const Node& node);
  ast::ExprId group(const Node& node);
  ast::ExprId choice(const Node& node);
  ast::ExprId range(const Node& node);
  ast::ExprId list(const Node& node);
  ast::ExprId record(const Node& node);
  ast::ExprId call(const Node& node, ast::ExprId callee, source::Span span);
  ast::ExprId postfix(const Node& node);
  ast::ExprId chain(const Node& node);
  ast::ExprId comparison(const Node& node);
  ast::ExprId prefix(const Node& node);  // `-`, `not`
  ast::Entry record_entry(const Node& node);
  ast::Argument argument(const Node& node, unsigned& height_below);

  Text text_;
  const Tree& tree_;
  ast::Pool& pool_;
  diag::Report& report_;
  std::uint32_t first_ = static_cast<std::uint32_t>(pool_.expr_count());
  std::vector<unsigned> heights_;  // of the expressions from first_ on
  bool ranges_ = false;
  bool too_high_reported_ = false;
};

// The declarations of a file.
ast::Module build_module(Text text, const Tree& tree, ast::Pool& pool, diag::Report& report);

}  // namespace piperun::syntax
