#include "lang/sema/expressions.h"

#include <fmt/format.h>

#include "lang/ast/match.h"

namespace piperun::sema {

TypeId Expressions::check(ExprId id, Scope& scope, TypeId hint) {
  const TypeId type = infer(id, scope, hint);
  if (handle_failure(id) && !is_secret_misused(id)) return type;
  fact(id).type = fact(id).target = {};
  return {};
}

bool Expressions::check_as(ExprId id, Scope& scope, TypeId target, std::string_view what) {
  infer(id, scope, target);
  return handle_failure(id) && !is_secret_misused(id) && coerce(id, target, what);
}

bool Expressions::condition(ExprId id, Scope& scope, std::string_view what) {
  return check_as(id, scope, context_.scalar(TypeKind::Bool), what);
}

bool Expressions::is_operand(ExprId id) const {
  return ast::match(
      node(id).node, [](const ast::Unary&) { return false; }, [](const ast::Binary&) { return false; },
      [](const ast::NullTest&) { return false; }, [](const ast::Coalesce&) { return false; },
      [](const ast::Catch&) { return false; }, [](const ast::If&) { return false; }, [](const ast::Range&) { return false; },
      [](const auto&) { return true; });
}

bool Expressions::handle_failure(ExprId id) {
  if (!fact(id).can_fail || context_.is_error(fact(id).type)) return true;
  const auto found = failing_.find(id);
  const ExprId part = found == failing_.end() ? id : found->second;
  auto& error =
      context_.error(Code::P0301, span(part), fmt::format("`{}` can fail, and nothing says what happens then", text(part)));
  if (is_operand(part)) {
    error.help("`!`: then the record is dead", span(part).last(), "!");
  } else {  // behind it, `!` would be about its last operand alone
    const std::string right = fmt::format("({})!", text(part));
    error.help(fmt::format("`{}`: then the record is dead", right), span(part), right);
  }
  error.help("`catch v`: then the value is v");
  fact(id).can_fail = false;
  return false;
}

bool Expressions::is_secret_misused(ExprId id) {
  if (!fact(id).is_secret) return false;
  context_.error(Code::P0606, span(id), "a secret cannot become part of a record, a string or a condition")
      .help("the one function that takes a secret is `hmac(text, $secret)`");
  return true;
}

std::optional<Constant> Expressions::evaluate(ExprId id, Scope& scope, TypeId hint, std::string_view what) {
  const TypeId type = check(id, scope, hint);
  if (context_.is_error(type)) return std::nullopt;
  if (!context_.is_error(hint) && !coerce(id, hint, what)) return std::nullopt;
  if (fact(id).constant != kNone) return context_.facts.constants[fact(id).constant];
  context_.error(Code::P0215, span(id), fmt::format("{} must be known before the first record", what))
      .note("literals, consts, params, lists and records of them, and arithmetic with them are");
  return std::nullopt;
}

TypeId Expressions::infer(ExprId id, Scope& scope, TypeId hint) {
  if (!id) return {};
  const TypeId type = infer_node(id, scope, hint);
  fact(id).type = fact(id).target = type;
  return type;
}

TypeId Expressions::infer_node(ExprId id, Scope& scope, TypeId hint) {
  const auto scalar = [&](TypeKind kind, auto value) { return literal(id, {context_.scalar(kind), value}, hint); };
  return ast::match(
      node(id).node, [&](const ast::ErrorExpr&) { return TypeId{}; },
      [&](const ast::NullLiteral&) { return literal(id, {context_.scalar(TypeKind::Null), {}}, hint); },
      [&](const ast::BoolLiteral& n) { return scalar(TypeKind::Bool, n.value); },
      [&](const ast::IntLiteral& n) { return scalar(TypeKind::Int, n.value); },
      [&](const ast::DecimalLiteral& n) {
        const auto type = value::literal_type(n.text);
        const auto value = type ? value::parse_decimal(n.text, *type) : value::Fallible<value::Int128>{0};
        if (!type || !value) {
          context_.error(Code::P0214, span(id), "a decimal has at most 38 digits");
          return TypeId{};
        }
        return literal(id, {decimal(context_, *type), *value}, hint);
      },
      [&](const ast::FloatLiteral& n) { return scalar(TypeKind::Float, n.value); },
      [&](const ast::DurationLiteral& n) { return scalar(TypeKind::Duration, n.micros); },
      [&](const ast::TimestampLiteral& n) { return scalar(TypeKind::Timestamp, n.micros); },
      [&](const ast::StringLiteral& n) { return scalar(TypeKind::String, n.text); },
      [&](const ast::Interpolation& n) { return interpolation(id, n, scope); },
      [&](const ast::ParamRef& n) { return param(id, n, scope); },
      [&](const ast::NameRef& n) { return name(id, n.name, scope, hint); },
      [&](const ast::ListLiteral& n) { return list(id, n, scope, hint); },
      [&](const ast::RecordLiteral& n) { return record(id, n, scope, hint); },
      [&](const ast::Member& n) { return member(id, n, scope, hint); }, [&](const ast::Index& n) { return index(id, n, scope); },
      [&](const ast::Call& n) { return call(id, n, scope, hint); }, [&](const ast::Bang& n) { return bang(id, n, scope, hint); },
      [&](const ast::Unary& n) { return unary(id, n, scope, hint); },
      [&](const ast::Binary& n) { return binary(id, n, scope, hint); },
      [&](const ast::NullTest& n) { return null_test(id, n, scope); },
      [&](const ast::Coalesce& n) { return coalesce(id, n, scope, hint); },
      [&](const ast::Catch& n) { return catching(id, n, scope, hint); },
      [&](const ast::If& n) { return conditional(id, n, scope, hint); },
      [&](const ast::Range& n) {
        infer(n.low, scope);
        infer(n.high, scope);
        context_.error(Code::P0204, span(id), "a range stands only as the value of an option and after `within`");
        return TypeId{};
      });
}

// A literal takes the type that is welcome if it is exactly a value of it.
TypeId Expressions::literal(ExprId id, Constant constant, TypeId hint) {
  const TypeKind wanted = context_.kind(hint);
  if (wanted == TypeKind::Decimal || wanted == TypeKind::Float) {
    if (auto as_hint = adapted(context_, constant, context_.base(hint))) constant = std::move(*as_hint);
  }
  const TypeId type = constant.type;
  fact(id).constant = context_.add(std::move(constant));
  return type;
}

bool Expressions::is_literal(ExprId id) const {
  return ast::match(
      node(id).node, [](const ast::IntLiteral&) { return true; }, [](const ast::DecimalLiteral&) { return true; },
      [](const ast::NullLiteral&) { return true; }, [&](const ast::Unary& n) { return is_literal(n.operand); },
      [](const auto&) { return false; });
}

bool Expressions::coerce(ExprId id, TypeId target, std::string_view what) {
  if (!id) return true;
  ExprFact& it = fact(id);
  if (context_.is_error(it.type) || context_.is_error(target)) return true;
  if (it.constant != kNone) {
    if (auto value = adapted(context_, context_.facts.constants[it.constant], target)) {
      it.constant = context_.add(std::move(*value));
      it.target = target;
      return true;
    }
  }
  if (converts(context_, it.type, target)) {
    it.target = target;
    if (it.constant != kNone && it.type != target) it.constant = kNone;
    return true;
  }
  if (context_.is_nullable(it.type) && !context_.is_nullable(target) && converts(context_, context_.base(it.type), target)) {
    return present(id, what);
  }
  const value::Type from = context_.type(it.type);
  const value::Type to = context_.type(target);
  auto& found = context_.error(Code::P0203, span(id),
                               fmt::format("{} is {}, but this is {}", what, context_.name(target), context_.name(it.type)));
  found.label(context_.name(it.type));
  const bool both_exact = (from.kind == TypeKind::Int || from.kind == TypeKind::Decimal) && to.kind == TypeKind::Decimal;
  if (both_exact && from.kind == TypeKind::Decimal) {
    found.help(fmt::format("`round(…, {})` narrows it; a value that does not fit makes the record dead", to.scale));
  } else if (both_exact) {
    found.help(fmt::format("`to_decimal({}, {}, {})!`, or a literal: these adapt", text(id), to.precision, to.scale));
  } else if (to.kind == TypeKind::Float && is_numeric(from.kind)) {
    found.help(fmt::format("`to_float({})`: this is never done without a word", text(id)));
  } else if (to.kind == TypeKind::String && from.kind != TypeKind::Null) {
    found.help(fmt::format("`\"{{…}}\"` writes a value into a string, `to_string({})` makes one of it", text(id)));
  } else if (from.kind == TypeKind::String && to.kind == TypeKind::Int) {
    found.help(fmt::format("`to_int({})!`", text(id)));
  } else if (from.kind == TypeKind::Enum || to.kind == TypeKind::Enum) {
    if (to.kind == TypeKind::Enum)
      found.help(fmt::format("the values are written `{}.{}`, …", to.name, to.values.empty() ? "" : to.values[0]));
  }
  return false;
}

bool Expressions::present(ExprId id, std::string_view what) {
  const TypeId type = fact(id).type;
  if (!context_.is_nullable(type)) return true;
  if (context_.kind(type) == TypeKind::Null) {
    context_.error(Code::P0304, span(id), fmt::format("{} cannot be `null`", what));
    return false;
  }
  auto& found = context_.error(Code::P0300, span(id), fmt::format("{} cannot be null, but this may be", what));
  found.label(context_.name(type));
  if (const std::string where = path(id); !where.empty()) found.help(fmt::format("ask first: `{} is not null and …`", where));
  const std::string operand = is_operand(id) ? std::string(text(id)) : fmt::format("({})", text(id));
  found.help(fmt::format("or say what to use instead: `{} ?? …`", operand));
  return false;
}

void Expressions::absorb(ExprId into, ExprId part) {
  if (!part) return;
  const ExprFact from = fact(part);
  ExprFact& to = fact(into);
  to.is_volatile |= from.is_volatile;
  to.is_secret |= from.is_secret;
  if (catchable_.contains(part)) catchable_.insert(into);
  if (!from.can_fail) return;
  to.can_fail = true;
  const auto inner = failing_.find(part);
  failing_.try_emplace(into, inner == failing_.end() ? part : inner->second);
}

std::string Expressions::path(ExprId id) const {
  if (!id) return "";
  return ast::match(
      node(id).node, [](const ast::NameRef& n) { return n.name.text; }, [](const ast::ParamRef& n) { return "$" + n.name.text; },
      [&](const ast::Member& n) {
        const std::string object = path(n.object);
        return object.empty() ? object : object + "." + n.name.text;
      },
      [](const auto&) { return std::string(); });
}

void Expressions::narrow(ExprId id, bool truth, std::set<std::string>& present) const {
  const auto add = [&](ExprId operand) {
    for (std::string each = path(operand); !each.empty();) {
      present.insert(each);
      const std::size_t dot = each.rfind('.');
      each.resize(dot == std::string::npos ? 0 : dot);
    }
  };
  const auto is_null = [&](ExprId operand) { return std::holds_alternative<ast::NullLiteral>(node(operand).node); };
  const auto never_null = [&](ExprId operand) {
    const TypeId type = context_.facts.exprs[operand.index].type;
    return !context_.is_error(type) && !context_.is_nullable(type);
  };
  ast::match(
      node(id).node,
      [&](const ast::NullTest& n) {
        if (n.negated == truth) add(n.operand);
      },
      [&](const ast::Unary& n) {
        if (n.op == ast::UnaryOp::Not) narrow(n.operand, !truth, present);
      },
      [&](const ast::Binary& n) {
        using enum ast::BinaryOp;
        if ((n.op == And && truth) || (n.op == Or && !truth)) {
          narrow(n.left, truth, present);
          narrow(n.right, truth, present);
        } else if ((n.op == Equal && !truth) || (n.op == NotEqual && truth)) {
          if (is_null(n.right)) add(n.left);
          if (is_null(n.left)) add(n.right);
        } else if ((n.op == Equal && truth) || (n.op == NotEqual && !truth)) {
          if (never_null(n.right)) add(n.left);
          if (never_null(n.left)) add(n.right);
        }
      },
      [](const auto&) {});
}

}  // namespace piperun::sema
