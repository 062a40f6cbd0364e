// Parts and stages: names, options, entries, and what each stage holds.
#include <array>

#include "lang/syntax/characters.h"
#include "lang/syntax/item_builder.h"

namespace piperun::syntax {

namespace {

std::string join_reversed(const std::vector<std::string_view>& lines) {
  std::string text;
  for (std::size_t i = lines.size(); i-- > 0;) text.append(lines[i]).append(i > 0 ? "\n" : "");
  return text;
}

}  // namespace

source::Span ItemBuilder::first_word(const Node& node) const {
  std::uint32_t end = node.begin;
  while (end < node.end && is_word_char(text_.text[end])) ++end;
  return text_.span(node.begin, end);
}

// The `##` lines right above the line that the node begins.
std::string ItemBuilder::doc_before(const Node& node) const {
  std::vector<std::string_view> doc;  // from the last line up
  std::size_t line = node.begin;
  for (;;) {
    while (line > 0 && (text_.text[line - 1] == ' ' || text_.text[line - 1] == '\t')) --line;
    if (line == 0 || text_.text[line - 1] != '\n') break;
    const std::size_t end = line - 1;
    const std::size_t newline = end == 0 ? std::string_view::npos : text_.text.rfind('\n', end - 1);
    const std::size_t begin = newline == std::string_view::npos ? 0 : newline + 1;
    std::string_view above = text_.text.substr(begin, end - begin);
    if (above.ends_with('\r')) above.remove_suffix(1);
    above.remove_prefix(std::min(above.find_first_not_of(" \t"), above.size()));
    if (!above.starts_with("##")) break;
    above.remove_prefix(above.starts_with("## ") ? 3 : 2);
    doc.push_back(above);
    line = begin;
  }
  return join_reversed(doc);
}

std::vector<ast::Path> ItemBuilder::paths(Nodes nodes) const {
  std::vector<ast::Path> paths;
  for (const Node& node : nodes) {
    if (node.kind == Kind::Path) paths.push_back(expressions_.path(node));
  }
  return paths;
}

std::vector<ast::Name> ItemBuilder::names(Nodes nodes) const {
  std::vector<ast::Name> names;
  for (const Node& node : nodes) {
    if (node.kind == Kind::Name) names.push_back(name(node));
  }
  return names;
}

std::vector<ast::Entry> ItemBuilder::entries(Nodes nodes) {
  std::vector<ast::Entry> entries;
  for (const Node& node : nodes) {
    if (node.kind == Kind::Entry) entries.push_back(expressions_.entry(node));
  }
  return entries;
}

std::optional<ast::Name> ItemBuilder::name_of(const Node* node) const {
  if (!node || children(*node).empty()) return std::nullopt;
  return name(children(*node)[0]);
}

ast::ExprId ItemBuilder::value_of(const Node* node) { return node ? expression(children(*node)[0]) : ast::ExprId{}; }

// ---- Parts

ast::Option ItemBuilder::option(const Node& node) {
  const Nodes parts = children(node);
  return {name(parts[0]), expressions_.expression(parts[1], true)};
}

void ItemBuilder::read_on_error(const Node& node, std::optional<ast::OnError>& into) {
  if (into) {
    report_.add(diag::Code::P0121, span(node))
        .secondary(into->span, "the first one")
        .help("put all options into one `on error { … }`");
    return;
  }
  into = ast::OnError{span(node), {}};
  for (const Node& part : children(node)) {
    if (part.kind == Kind::Option) into->options.push_back(option(part));
  }
}

ast::Connector ItemBuilder::connector(const Node& node) {
  const Nodes parts = children(node);
  ast::Connector connector{expressions_.path(parts[0]), {}, span(node)};
  for (const Node& part : parts.subspan(1)) {
    if (part.kind == Kind::Option) connector.options.push_back(option(part));
  }
  return connector;
}

ast::TypeField ItemBuilder::type_field(const Node& node) {
  const Nodes parts = children(node);
  ast::TypeField field{span(node), name(parts[0]), expressions_.type(parts[1]), std::nullopt, {}, doc_before(node)};
  field.from = name_of(find(parts, Kind::DataName));
  field.value = value_of(find(parts, Kind::FieldDefault));
  return field;
}

ast::Within ItemBuilder::within(const Node& node) {
  const Nodes parts = children(node);
  return {span(node), parts.empty() ? ast::ExprId{} : expressions_.expression(parts[0], true)};
}

std::optional<ast::Late> ItemBuilder::late(const Node* node) const {
  if (!node) return std::nullopt;
  return ast::Late{span(*node), name_of(node)};
}

ast::RouteCase ItemBuilder::route_case(const Node& node) {
  const Nodes parts = children(node);
  return {span(node), parts.size() > 1 ? expression(parts[0]) : ast::ExprId{}, name(parts.back())};
}

// ---- Stages

ast::Stage ItemBuilder::stage(const Node& node) {
  return {stage_node(node), span(node), first_word(node), name_of(find(children(node), Kind::Durable))};
}

ast::StageNode ItemBuilder::stage_node(const Node& node) {
  const Nodes parts = children(node);
  if (node.kind == Kind::Failed || has(parts, Kind::Failed)) return ast::ErrorStage{};
  if (node.kind == Kind::FromStage) {
    const Node* as = find(parts, Kind::Type);
    return ast::FromStage{names(parts), as ? expressions_.type(*as) : ast::TypeExprId{}};
  }
  if (node.kind == Kind::FilterStage) return ast::FilterStage{expression(parts[0])};
  if (node.kind == Kind::SetStage) return ast::SetStage{expressions_.path(parts[0]), expression(parts[1])};
  if (node.kind == Kind::MapStage) {
    const Node* type = find(parts, Kind::Type);
    return ast::MapStage{type ? expressions_.type(*type) : ast::TypeExprId{}, entries(parts)};
  }
  if (node.kind == Kind::DropStage) return ast::DropStage{paths(parts)};
  if (node.kind == Kind::FlattenStage) {
    return ast::FlattenStage{expression(parts[0]), name(parts[1]),
                             parts.size() > 2 ? std::optional(name(parts[2])) : std::nullopt};
  }
  if (node.kind == Kind::DedupStage) return ast::DedupStage{paths(parts), within(*find(parts, Kind::Within))};
  if (node.kind == Kind::EnrichStage) return ast::EnrichStage{name(parts[0]), expression(parts[1])};
  if (node.kind == Kind::KeyStage) return ast::KeyStage{paths(parts)};
  if (node.kind == Kind::DeleteStage) return ast::DeleteStage{expression(parts[0])};
  if (node.kind == Kind::RouteStage) {
    ast::RouteStage route;
    for (const Node& part : parts) route.cases.push_back(route_case(part));
    return route;
  }
  if (node.kind == Kind::ToStage) {
    return ast::ToStage{name(parts[0]), parts.size() > 1 ? std::optional(name(parts[1])) : std::nullopt};
  }
  if (node.kind == Kind::WindowStage) return window(parts);
  if (node.kind == Kind::JoinStage) return join(node);
  if (node.kind == Kind::AggregateStage) return ast::AggregateStage{paths(parts), entries(parts)};
  if (node.kind == Kind::TopStage) return top(parts);
  return ast::TimeStage{expression(parts[0])};
}

ast::StageNode ItemBuilder::window(Nodes parts) {
  constexpr std::array kKinds = {
      std::pair{Kind::Tumbling, ast::WindowKind::Tumbling}, std::pair{Kind::Hopping, ast::WindowKind::Hopping},
      std::pair{Kind::Sliding, ast::WindowKind::Sliding}, std::pair{Kind::Session, ast::WindowKind::Session}};
  const auto kind = std::ranges::find(kKinds, parts[0].kind, &decltype(kKinds)::value_type::first)->second;
  const Nodes sizes = children(parts[0]);
  ast::WindowStage window{kind, expression(sizes[0]), {}, {}, value_of(find(parts, Kind::Grace)), late(find(parts, Kind::Late))};
  if (sizes.size() > 1) (kind == ast::WindowKind::Hopping ? window.every : window.max) = expression(sizes[1]);
  return window;
}

ast::StageNode ItemBuilder::join(const Node& node) {
  const Nodes parts = children(node);
  const char first = text_.text[node.begin];
  const auto kind = first == 'l' ? ast::JoinKind::Left : first == 'f' ? ast::JoinKind::Full : ast::JoinKind::Inner;
  return ast::JoinStage{kind,
                        name(parts[0]),
                        name(parts[1]),
                        expression(parts[2]),
                        within(*find(parts, Kind::Within)),
                        late(find(parts, Kind::Late))};
}

ast::StageNode ItemBuilder::top(Nodes parts) {
  const Node* per = find(parts, Kind::Per);
  return ast::TopStage{expression(parts[0]), expression(parts[1]), has(parts, Kind::Ascending),
                       per ? paths(children(*per)) : std::vector<ast::Path>{}, has(parts, Kind::WithTies)};
}

}  // namespace piperun::syntax
