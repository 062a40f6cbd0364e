// Null, failure and branches: `is null`, `??`, `catch`, `!`, `if`.
#include <fmt/format.h>

#include "lang/ast/match.h"
#include "lang/sema/expressions.h"

namespace piperun::sema {

TypeId Expressions::null_test(ExprId id, const ast::NullTest& test, Scope& scope) {
  const TypeId type = infer(test.operand, scope);
  absorb(id, test.operand);
  const ExprFact& operand = fact(test.operand);
  if (!context_.is_error(type) && !context_.is_nullable(type) && !operand.narrowed && operand.constant == kNone) {
    auto& found = context_.report.add(Code::P0903, span(id));
    found.message(
        context_.kind(type) == TypeKind::Never
            ? fmt::format("`{}` is no value: the record is dead before this is asked", text(test.operand))
            : fmt::format("`{}` is never null: this is always {}", text(test.operand), test.negated ? "true" : "false"));
    if (operand.can_fail) found.help("it can fail: `!` or `catch`");
  }
  return context_.scalar(TypeKind::Bool);
}

TypeId Expressions::both_branches(ExprId a, ExprId b, TypeId hint) {
  const TypeId left = fact(a).type;
  const TypeId right = fact(b).type;
  auto common = common_type(context_, left, right);
  if (common && !context_.is_error(hint) && converts(context_, *common, hint)) common = hint;
  if (!common && !context_.is_error(hint) && converts(context_, left, hint) && converts(context_, right, hint)) common = hint;
  if (!common) {
    for (const auto& [literal, other] : {std::pair{a, right}, std::pair{b, left}}) {
      const std::uint32_t constant = fact(literal).constant;
      if (constant != kNone && adapted(context_, context_.facts.constants[constant], other)) common = other;
    }
  }
  if (!common) {
    context_.error(Code::P0203, span(b), "both values must have one type")
        .label(context_.name(right))
        .secondary(span(a), context_.name(left));
    return {};
  }
  if (!coerce(a, *common, "the value") || !coerce(b, *common, "the value")) return {};
  return *common;
}

// `??` behind what is never null: an error if a failure was meant, else a warning.
TypeId Expressions::needless_coalesce(ExprId id, const ast::Coalesce& coalesce, TypeId left) {
  const std::string_view operand = text(coalesce.operand);
  if (fact(coalesce.operand).can_fail) {
    context_.error(Code::P0303, span(coalesce.operand), fmt::format("`{}` is never null: it can *fail*", operand))
        .secondary(coalesce.sign, "this is for null")
        .help(fmt::format("for failure there is `catch`: `{} catch {}`", operand, text(coalesce.otherwise)), coalesce.sign,
              "catch");
    return {};
  }
  const Span rest{span(id).file, span(coalesce.operand).end, span(id).end};
  const bool is_value = context_.kind(left) != TypeKind::Never;
  context_.report.add(Code::P0902, coalesce.sign)
      .message(is_value ? fmt::format("`{}` is never null", operand)
                        : fmt::format("`{}` is no value that another could stand in for", operand))
      .help("leave it out", rest, "");
  if (!is_value) return left;
  fact(coalesce.operand).target = context_.nullable(left);
  coerce(coalesce.otherwise, left, "the value behind `??`");
  return left;
}

TypeId Expressions::coalesce(ExprId id, const ast::Coalesce& coalesce, Scope& scope, TypeId hint) {
  const TypeId left = infer(coalesce.operand, scope, context_.is_error(hint) ? hint : context_.nullable(hint));
  const TypeId right_hint = context_.is_error(hint) ? context_.base(left) : hint;
  const TypeId right = infer(coalesce.otherwise, scope, right_hint);
  absorb(id, coalesce.operand);
  absorb(id, coalesce.otherwise);
  if (context_.is_error(left) || context_.is_error(right)) return {};
  if (!context_.is_nullable(left)) return needless_coalesce(id, coalesce, left);
  // The left side keeps its null until it is asked: its target is the nullable form of the result.
  const TypeId there = context_.kind(left) == TypeKind::Null ? right : context_.base(left);
  auto common = common_type(context_, there, right);
  if (common && !context_.is_error(hint) && converts(context_, *common, hint)) common = hint;
  const std::uint32_t constant = fact(coalesce.otherwise).constant;
  if (!common && constant != kNone && adapted(context_, context_.facts.constants[constant], there)) common = there;
  if (!common) {
    context_.error(Code::P0203, span(coalesce.otherwise), fmt::format("this stands in for {}", context_.name(there)))
        .label(context_.name(right))
        .secondary(span(coalesce.operand), context_.name(left));
    return {};
  }
  coerce(coalesce.operand, context_.nullable(*common), "the value");
  coerce(coalesce.otherwise, *common, "the value behind `??`");
  return *common;
}

TypeId Expressions::catching(ExprId id, const ast::Catch& node_, Scope& scope, TypeId hint) {
  const TypeId left = infer(node_.operand, scope, hint);
  const TypeId right = infer(node_.otherwise, scope, context_.is_error(hint) ? left : hint);
  absorb(id, node_.operand);
  const bool can_fail = fact(node_.operand).can_fail;
  const bool is_error = context_.is_error(left) || context_.is_error(right);
  if (!can_fail && !is_error && !catchable_.contains(node_.operand)) {
    const Span rest{span(id).file, span(node_.operand).end, span(id).end};
    auto& found = context_.report.add(Code::P0901, node_.sign);
    found.message(fmt::format("`{}` cannot fail", text(node_.operand)));
    if (const auto* inner = std::get_if<ast::Bang>(&node(node_.operand).node)) {
      found.message("`!` has decided already: this is never reached").help("leave the `!` out", inner->sign, "");
    } else {
      found.help("leave it out", rest, "");
    }
  }
  fact(id).can_fail = false;
  failing_.erase(id);
  catchable_.erase(id);
  absorb(id, node_.otherwise);
  return is_error ? TypeId{} : both_branches(node_.operand, node_.otherwise, hint);
}

TypeId Expressions::bang(ExprId id, const ast::Bang& bang, Scope& scope, TypeId hint) {
  const TypeId type = infer(bang.operand, scope, hint);
  absorb(id, bang.operand);
  if (!fact(bang.operand).can_fail && !context_.is_error(type) && !catchable_.contains(bang.operand)) {
    auto& found = context_.report.add(Code::P0900, bang.sign);
    found.message(fmt::format("`{}` cannot fail", text(bang.operand)));
    if (context_.is_nullable(type)) found.help("it may be null: `?? fail(\"…\")` makes such a record dead");
    found.help("leave the `!` out", bang.sign, "");
  }
  fact(id).can_fail = false;
  failing_.erase(id);
  catchable_.erase(id);
  return type;
}

TypeId Expressions::conditional(ExprId id, const ast::If& node_, Scope& scope, TypeId hint) {
  const TypeId boolean = context_.scalar(TypeKind::Bool);
  infer(node_.condition, scope, boolean);
  absorb(id, node_.condition);
  const bool fits = coerce(node_.condition, boolean, "the condition of `if`");
  const auto before = scope.present;
  narrow(node_.condition, true, scope.present);
  const TypeId yes = infer(node_.yes, scope, hint);
  scope.present = before;
  narrow(node_.condition, false, scope.present);
  const TypeId no = infer(node_.no, scope, hint);
  scope.present = before;
  absorb(id, node_.yes);
  absorb(id, node_.no);
  if (!fits || context_.is_error(yes) || context_.is_error(no)) return {};
  return both_branches(node_.yes, node_.no, hint);
}

}  // namespace piperun::sema
