#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "lang/syntax/build.h"
#include "lang/syntax/literals.h"

namespace piperun::syntax {

using ast::ExprId;
using diag::Code;

namespace {

struct Infix {
  std::string_view sign;
  ast::BinaryOp op;
};
constexpr std::array kInfix = {
    Infix{"or", ast::BinaryOp::Or},       Infix{"and", ast::BinaryOp::And},         Infix{"==", ast::BinaryOp::Equal},
    Infix{"!=", ast::BinaryOp::NotEqual}, Infix{"<", ast::BinaryOp::Less},          Infix{"<=", ast::BinaryOp::LessEqual},
    Infix{">", ast::BinaryOp::Greater},   Infix{">=", ast::BinaryOp::GreaterEqual}, Infix{"in", ast::BinaryOp::In},
    Infix{"+", ast::BinaryOp::Add},       Infix{"-", ast::BinaryOp::Subtract},      Infix{"*", ast::BinaryOp::Multiply},
    Infix{"/", ast::BinaryOp::Divide},    Infix{"%", ast::BinaryOp::Remainder},
};

ast::BinaryOp binary_op(std::string_view sign) {
  for (const Infix& infix : kInfix) {
    if (infix.sign == sign) return infix.op;
  }
  return ast::BinaryOp::NotIn;  // `not`, blanks, `in`
}

source::Span span_from(source::Span first, source::Span last) { return {first.file, first.begin, last.end}; }

}  // namespace

ExprId ExpressionBuilder::expression(const Node& node, bool ranges) {
  ranges_ = ranges;
  too_high_reported_ = false;
  return build(node);
}

ExprId ExpressionBuilder::add(ast::ExprNode node, source::Span span, unsigned height) {
  if (height > kMaxChain) {
    if (!std::exchange(too_high_reported_, true)) {
      report_.add(Code::P0109, span)
          .message("this expression is too long")
          .help("name a part of it: `set part = …`, or a function");
    }
    node = ast::ErrorExpr{};
    height = 0;
  }
  heights_.push_back(height);
  return pool_.add(std::move(node), span);
}

ExprId ExpressionBuilder::add(ast::ExprNode node, source::Span span, std::initializer_list<ExprId> below) {
  unsigned highest = 0;
  for (const ExprId id : below) highest = id ? std::max(highest, height(id)) : highest;
  return add(std::move(node), span, highest + 1);
}

ExprId ExpressionBuilder::error(Code code, source::Span span, std::string words) {
  report_.add(code, span).message(std::move(words));
  return add(ast::ErrorExpr{}, span);
}

ast::Name ExpressionBuilder::name(const Node& node) const {
  std::string_view text = text_.of(node);
  if (text.starts_with('"')) text = text.substr(1, text.size() - 2);
  return {std::string(text), span(node)};
}

ast::Path ExpressionBuilder::path(const Node& node) const {
  ast::Path path{{}, span(node)};
  for (const Node& part : children(node)) path.parts.push_back(name(part));
  return path;
}

ast::TypeExprId ExpressionBuilder::type(const Node& node) {
  ast::TypeExpr type{.name = {}, .parameters = {}, .arguments = {}, .nullable = false, .span = span(node)};
  for (const Node& part : children(node)) {
    if (part.kind == Kind::Path) type.name = path(part);
    if (part.kind == Kind::TypeNumber) type.parameters.push_back(name(part));
    if (part.kind == Kind::Type) type.arguments.push_back(this->type(part));
    if (part.kind == Kind::Nullable) type.nullable = true;
  }
  return pool_.add(std::move(type));
}

ExprId ExpressionBuilder::build(const Node& node) {
  struct Builder {
    Kind kind;
    ExprId (ExpressionBuilder::*build)(const Node&);
  };
  static constexpr std::array kBuilders = {
      Builder{Kind::Field, &ExpressionBuilder::field},
      Builder{Kind::Postfix, &ExpressionBuilder::postfix},
      Builder{Kind::Number, &ExpressionBuilder::number},
      Builder{Kind::String, &ExpressionBuilder::string},
      Builder{Kind::RawString, &ExpressionBuilder::raw_string},
      Builder{Kind::Timestamp, &ExpressionBuilder::timestamp},
      Builder{Kind::Constant, &ExpressionBuilder::constant},
      Builder{Kind::Param, &ExpressionBuilder::param},
      Builder{Kind::List, &ExpressionBuilder::list},
      Builder{Kind::Group, &ExpressionBuilder::group},
      Builder{Kind::Record, &ExpressionBuilder::record},
      Builder{Kind::Minus, &ExpressionBuilder::prefix},
      Builder{Kind::Not, &ExpressionBuilder::prefix},
      Builder{Kind::Comparison, &ExpressionBuilder::comparison},
      Builder{Kind::CoalesceChain, &ExpressionBuilder::chain},
      Builder{Kind::ProductChain, &ExpressionBuilder::chain},
      Builder{Kind::SumChain, &ExpressionBuilder::chain},
      Builder{Kind::AndChain, &ExpressionBuilder::chain},
      Builder{Kind::OrChain, &ExpressionBuilder::chain},
      Builder{Kind::CatchChain, &ExpressionBuilder::chain},
      Builder{Kind::If, &ExpressionBuilder::choice},
      Builder{Kind::Range, &ExpressionBuilder::range},
  };
  const auto builder = std::ranges::find(kBuilders, node.kind, &Builder::kind);
  return builder == kBuilders.end() ? add(ast::ErrorExpr{}, span(node)) : (this->*builder->build)(node);
}

ExprId ExpressionBuilder::raw_string(const Node& node) {
  const std::string_view text = text_.of(node);
  return add(ast::StringLiteral{std::string(text.substr(2, text.size() - 3)), true}, span(node));
}

ExprId ExpressionBuilder::timestamp(const Node& node) {
  const auto micros = timestamp_value(text_.of(node));
  return micros ? add(ast::TimestampLiteral{*micros}, span(node)) : error(Code::P0115, span(node), micros.error());
}

ExprId ExpressionBuilder::constant(const Node& node) {
  const std::string_view text = text_.of(node);
  return text == "null" ? add(ast::NullLiteral{}, span(node)) : add(ast::BoolLiteral{text == "true"}, span(node));
}

ExprId ExpressionBuilder::param(const Node& node) { return add(ast::ParamRef{name(children(node)[0])}, span(node)); }
ExprId ExpressionBuilder::field(const Node& node) { return add(ast::NameRef{name(node)}, span(node)); }
ExprId ExpressionBuilder::group(const Node& node) { return build(children(node)[0]); }

ExprId ExpressionBuilder::choice(const Node& node) {
  const Nodes parts = children(node);
  const ExprId condition = build(parts[0]), yes = build(parts[1]), no = build(parts[2]);
  return add(ast::If{condition, yes, no}, span(node), {condition, yes, no});
}

ExprId ExpressionBuilder::range(const Node& node) {
  if (!ranges_) {
    report_.add(Code::P0124, span(node)).help("compare with both ends: `low <= x and x <= high`");
    return add(ast::ErrorExpr{}, span(node));
  }
  const ExprId low = build(children(node)[0]), high = build(children(node)[1]);
  return add(ast::Range{low, high}, span(node), {low, high});
}

ExprId ExpressionBuilder::number(const Node& node) {
  auto value = number_value(text_.of(node));
  return value ? add(std::move(*value), span(node)) : error(Code::P0114, span(node), value.error());
}

ExprId ExpressionBuilder::string(const Node& node) {
  ast::Interpolation string;
  unsigned highest = 0;
  for (const Node& part : children(node)) {
    if (part.kind != Kind::StringText) {
      const ExprId id = build(part);
      highest = std::max(highest, height(id));
      string.parts.emplace_back(id);
      continue;
    }
    const auto piece = string_piece_value(text_.of(part));
    if (!piece) return error(Code::P0108, span(part), piece.error());
    if (string.parts.empty() || !std::holds_alternative<std::string>(string.parts.back())) string.parts.emplace_back("");
    std::get<std::string>(string.parts.back()) += *piece;
  }
  if (string.parts.empty()) return add(ast::StringLiteral{"", false}, span(node));
  if (string.parts.size() == 1 && std::holds_alternative<std::string>(string.parts[0])) {
    return add(ast::StringLiteral{std::move(std::get<std::string>(string.parts[0])), false}, span(node));
  }
  return add(std::move(string), span(node), highest + 1);
}

ExprId ExpressionBuilder::list(const Node& node) {
  ast::ListLiteral list;
  unsigned highest = 0;
  for (const Node& element : children(node)) {
    list.elements.push_back(build(element));
    highest = std::max(highest, height(list.elements.back()));
  }
  return add(std::move(list), span(node), highest + 1);
}

ast::Entry ExpressionBuilder::record_entry(const Node& node) {
  const Nodes parts = children(node);
  ast::Name entry_name = name(parts[0]);
  const bool shorthand = parts.size() == 1;
  const ExprId value = shorthand ? add(ast::NameRef{entry_name}, entry_name.span) : build(parts[1]);
  return {std::move(entry_name), value, shorthand};
}

ast::Entry ExpressionBuilder::entry(const Node& node) {
  ranges_ = false;
  too_high_reported_ = false;
  return record_entry(node);
}

ExprId ExpressionBuilder::record(const Node& node) {
  ast::RecordLiteral record;
  unsigned highest = 0;
  for (const Node& part : children(node)) {
    if (part.kind == Kind::Failed) return add(ast::ErrorExpr{}, span(node));
    record.entries.push_back(record_entry(part));
    highest = std::max(highest, height(record.entries.back().value));
  }
  return add(std::move(record), span(node), highest + 1);
}

ast::Argument ExpressionBuilder::argument(const Node& node, unsigned& height_below) {
  const auto below = [&](ExprId id) { return height_below = std::max(height_below, height(id)), id; };
  const Nodes parts = children(node);
  ast::Argument argument{below(build(parts[0])), std::nullopt};
  if (parts.size() == 1) return argument;
  const Nodes fold = children(parts[1]);
  argument.fold = ast::Fold{name(fold[0]), below(build(fold[1])), {}};
  if (fold.size() > 2) argument.fold->condition = below(build(fold[2]));
  return argument;
}

ExprId ExpressionBuilder::call(const Node& node, ExprId callee, source::Span span) {
  ast::Call call{callee, {}};
  unsigned highest = height(callee);
  for (const Node& part : children(node)) call.arguments.push_back(argument(part, highest));
  return add(std::move(call), span, highest + 1);
}

ExprId ExpressionBuilder::postfix(const Node& node) {
  const Nodes parts = children(node);
  ExprId left = build(parts[0]);
  for (const Node& part : parts.subspan(1)) {
    const source::Span whole = span_from(span(node), span(part));
    if (part.kind == Kind::Member || part.kind == Kind::SafeMember) {
      left = add(ast::Member{left, name(children(part)[0]), part.kind == Kind::SafeMember}, whole, {left});
    } else if (part.kind == Kind::Call) {
      left = call(part, left, whole);
    } else if (part.kind == Kind::Index) {
      const ExprId index = build(children(part)[0]);
      left = add(ast::Index{left, index}, whole, {left, index});
    } else {
      left = add(ast::Bang{left, span(part)}, whole, {left});
    }
  }
  return left;
}

ExprId ExpressionBuilder::chain(const Node& node) {
  const Nodes parts = children(node);
  ExprId left = build(parts[0]);
  for (std::size_t i = 1; i + 1 < parts.size(); i += 2) {
    const ExprId right = build(parts[i + 1]);
    const source::Span sign = span(parts[i]), whole = span_from(span(node), span(parts[i + 1]));
    if (node.kind == Kind::CoalesceChain) left = add(ast::Coalesce{left, right, sign}, whole, {left, right});
    else if (node.kind == Kind::CatchChain) left = add(ast::Catch{left, right, sign}, whole, {left, right});
    else left = add(ast::Binary{binary_op(text_.of(parts[i])), left, right, sign}, whole, {left, right});
  }
  return left;
}

ExprId ExpressionBuilder::comparison(const Node& node) {
  const Nodes parts = children(node);
  const ExprId left = build(parts[0]);
  if (parts.size() == 2) return add(ast::NullTest{left, parts[1].kind == Kind::IsNotNull}, span(node), {left});
  const ExprId right = build(parts[2]);
  return add(ast::Binary{binary_op(text_.of(parts[1])), left, right, span(parts[1])}, span(node), {left, right});
}

ExprId ExpressionBuilder::prefix(const Node& node) {
  const ast::UnaryOp op = node.kind == Kind::Minus ? ast::UnaryOp::Minus : ast::UnaryOp::Not;
  Nodes parts = children(node);
  const Node& operand = parts.back();
  Nodes signs = parts.first(parts.size() - 1);
  ExprId inner;
  if (op == ast::UnaryOp::Minus && operand.kind == Kind::Number && is_smallest_int_digits(text_.of(operand))) {
    inner = add(ast::IntLiteral{std::numeric_limits<std::int64_t>::min()}, span_from(span(signs.back()), span(operand)));
    signs = signs.first(signs.size() - 1);
  } else {
    inner = build(operand);
  }
  for (std::size_t i = signs.size(); i-- > 0;) {
    inner = add(ast::Unary{op, inner, span(signs[i])}, span_from(span(signs[i]), span(operand)), {inner});
  }
  return inner;
}

}  // namespace piperun::syntax
