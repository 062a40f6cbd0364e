// Declarations, and the module that they make.
#include "lang/syntax/item_builder.h"

namespace piperun::syntax {

// Whether a part is missing that others would miss: an option, a field, a value.
bool ItemBuilder::is_damaged(Nodes parts) const {
  return std::ranges::any_of(parts, [&](const Node& part) {
    return part.kind == Kind::Failed ||
           ((part.kind == Kind::Connector || part.kind == Kind::OnError) && has(children(part), Kind::Failed));
  });
}

// The name that is declared, also if the declaration failed before or behind its end.
const Node* ItemBuilder::name_node(const Node& node) const {
  const Nodes parts = children(node);
  if (parts.empty()) return nullptr;
  if (parts[0].kind == Kind::Name) return &parts[0];
  return node.kind == Kind::Failed && parts[0].kind != Kind::Path ? name_node(parts[0]) : nullptr;
}

ast::Declaration ItemBuilder::declaration(const Node& node) {
  const Nodes parts = children(node);
  ast::Declaration declaration{
      ast::ErrorDecl{}, {"", text_.span(node.begin, node.begin)}, doc_before(node), first_word(node), span(node)};
  if (node.kind == Kind::UseDecl) {
    const Node& last = parts.back();
    declaration.name = last.kind == Kind::Path ? name(children(last).back()) : name(last);
  } else if (const Node* declared = name_node(node)) {
    declaration.name = name(*declared);
  }
  if (node.kind != Kind::Failed && (node.kind == Kind::FlowDecl || !is_damaged(parts))) declaration.node = declaration_node(node);
  return declaration;
}

ast::DeclarationNode ItemBuilder::declaration_node(const Node& node) {
  const Nodes parts = children(node);
  if (node.kind == Kind::PipelineDecl) return pipeline(parts);
  if (node.kind == Kind::ParamDecl) {
    return ast::ParamDecl{expressions_.type(parts[1]), parts.size() > 2 ? expression(parts[2]) : ast::ExprId{}};
  }
  if (node.kind == Kind::ConstDecl) return ast::ConstDecl{expression(parts[1])};
  if (node.kind == Kind::EnumDecl) return ast::EnumDecl{names(parts.subspan(1))};
  if (node.kind == Kind::TypeDecl) return type(parts);
  if (node.kind == Kind::ConnectionDecl) return ast::ConnectionDecl{connector(parts[1])};
  if (node.kind == Kind::SourceDecl) return ast::SourceDecl{expressions_.type(parts[1]), connector(parts[2])};
  if (node.kind == Kind::TableDecl) return ast::TableDecl{expressions_.type(parts[1]), connector(parts[2])};
  if (node.kind == Kind::SinkDecl) return ast::SinkDecl{connector(parts[1])};
  if (node.kind == Kind::FnDecl) return function(parts, false);
  if (node.kind == Kind::IntrinsicDecl) return function(parts, true);
  if (node.kind == Kind::FlowDecl) return flow(parts);
  return use(parts);
}

ast::DeclarationNode ItemBuilder::pipeline(Nodes parts) {
  ast::PipelineDecl pipeline;
  for (const Node& part : parts) {
    if (part.kind == Kind::Option) pipeline.options.push_back(option(part));
    if (part.kind == Kind::OnError) read_on_error(part, pipeline.on_error);
  }
  return pipeline;
}

ast::DeclarationNode ItemBuilder::type(Nodes parts) {
  ast::TypeDecl type;
  type.schema = name_of(find(parts, Kind::Schema));
  for (const Node& part : parts) {
    if (part.kind == Kind::TypeField) type.fields.push_back(type_field(part));
  }
  return type;
}

ast::DeclarationNode ItemBuilder::function(Nodes parts, bool intrinsic) {
  ast::FnDecl function;
  for (const Node& part : parts) {
    if (part.kind == Kind::FnParameter) {
      function.parameters.push_back({name(children(part)[0]), expressions_.type(children(part)[1])});
    }
    if (part.kind == Kind::CanFail) function.can_fail = true;
    if (part.kind == Kind::Type) function.result = expressions_.type(part);
  }
  if (!intrinsic) function.body = expression(parts.back());
  return function;
}

ast::DeclarationNode ItemBuilder::flow(Nodes parts) {
  ast::FlowDecl flow;
  for (const Node& part : parts.subspan(1)) {
    if (part.kind == Kind::OnError) read_on_error(part, flow.on_error);
    else flow.stages.push_back(stage(part));
  }
  return flow;
}

ast::DeclarationNode ItemBuilder::use(Nodes parts) {
  if (parts[0].kind == Kind::Path) return ast::UseDecl{expressions_.path(parts[0]), std::nullopt};
  return ast::UseDecl{{{}, span(parts[0])}, name(parts[0])};
}

ast::Module build_module(Text text, const Tree& tree, ast::Pool& pool, diag::Report& report) {
  ItemBuilder builder(text, tree, pool, report);
  ast::Module module{text.file, {}};
  for (const Node& node : tree.top()) module.declarations.push_back(builder.declaration(node));
  return module;
}

}  // namespace piperun::syntax
