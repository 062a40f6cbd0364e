// Builds what stands in a file and in its blocks: declarations, stages, options. One object per file.
#pragma once
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "lang/syntax/build.h"

namespace piperun::syntax {

class ItemBuilder {
 public:
  ItemBuilder(Text text, const Tree& tree, ast::Pool& pool, diag::Report& report)
      : text_(text), report_(report), expressions_(text, tree, pool, report) {}

  ast::Declaration declaration(const Node& node);

 private:
  // ---- Reading children
  Nodes children(const Node& node) const { return expressions_.children(node); }
  source::Span span(const Node& node) const { return text_.span(node); }
  ast::Name name(const Node& node) const { return expressions_.name(node); }
  ast::ExprId expression(const Node& node) { return expressions_.expression(node); }
  const Node* find(Nodes nodes, Kind kind) const {
    const auto found = std::ranges::find(nodes, kind, &Node::kind);
    return found == nodes.end() ? nullptr : &*found;
  }
  bool has(Nodes nodes, Kind kind) const { return find(nodes, kind) != nullptr; }
  source::Span first_word(const Node& node) const;
  std::string doc_before(const Node& node) const;
  std::vector<ast::Path> paths(Nodes nodes) const;
  std::vector<ast::Name> names(Nodes nodes) const;
  std::vector<ast::Entry> entries(Nodes nodes);
  std::optional<ast::Name> name_of(const Node* node) const;  // the first name in it
  ast::ExprId value_of(const Node* node);                    // the first expression in it, or none

  // ---- Parts
  ast::Option option(const Node& node);
  void read_on_error(const Node& node, std::optional<ast::OnError>& into);
  ast::Connector connector(const Node& node);
  ast::TypeField type_field(const Node& node);
  ast::Within within(const Node& node);
  std::optional<ast::Late> late(const Node* node) const;
  ast::RouteCase route_case(const Node& node);

  // ---- Stages
  ast::Stage stage(const Node& node);
  ast::StageNode stage_node(const Node& node);
  ast::StageNode window(Nodes parts);
  ast::StageNode join(const Node& node);
  ast::StageNode top(Nodes parts);

  // ---- Declarations
  ast::DeclarationNode declaration_node(const Node& node);
  ast::DeclarationNode pipeline(Nodes parts);
  ast::DeclarationNode type(Nodes parts);
  ast::DeclarationNode function(Nodes parts, bool intrinsic);
  ast::DeclarationNode flow(Nodes parts);
  ast::DeclarationNode use(Nodes parts);
  bool is_damaged(Nodes parts) const;
  const Node* name_node(const Node& node) const;

  Text text_;
  diag::Report& report_;
  ExpressionBuilder expressions_;
};

}  // namespace piperun::syntax
