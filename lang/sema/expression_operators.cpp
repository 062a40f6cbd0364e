// Operators: logic, comparison, `in`, signs.
#include <fmt/format.h>

#include <algorithm>

#include "lang/ast/match.h"
#include "lang/sema/expressions.h"
#include "lang/value/int.h"

namespace piperun::sema {

using enum ast::BinaryOp;

TypeId Expressions::unary(ExprId id, const ast::Unary& unary, Scope& scope, TypeId hint) {
  if (unary.op == ast::UnaryOp::Not) {
    const TypeId boolean = context_.scalar(TypeKind::Bool);
    infer(unary.operand, scope, boolean);
    absorb(id, unary.operand);
    return coerce(unary.operand, boolean, "the operand of `not`") ? boolean : TypeId{};
  }
  const TypeId type = infer(unary.operand, scope, hint);
  absorb(id, unary.operand);
  if (context_.is_error(type) || !present(unary.operand, "the operand of `-`")) return {};
  const TypeKind kind = context_.kind(type);
  if (!is_numeric(kind) && kind != TypeKind::Duration) {
    context_.error(Code::P0204, span(id), fmt::format("`-` is for numbers and durations, not for {}", context_.name(type)));
    return {};
  }
  catchable_.insert(id);
  if (fact(unary.operand).constant == kNone) return type;
  Constant value = context_.facts.constants[fact(unary.operand).constant];
  const bool is_smallest =
      std::holds_alternative<std::int64_t>(value.value) && !value::negate(std::get<std::int64_t>(value.value));
  if (is_smallest) return type;
  if (auto* number = std::get_if<std::int64_t>(&value.value)) *number = -*number;
  if (auto* number = std::get_if<double>(&value.value)) *number = -*number;
  if (auto* number = std::get_if<value::Int128>(&value.value)) *number = -*number;
  fact(id).constant = context_.add(std::move(value));
  return type;
}

TypeId Expressions::binary(ExprId id, const ast::Binary& binary, Scope& scope, TypeId hint) {
  switch (binary.op) {
    case Or:
    case And: return logic(id, binary, scope);
    case Equal:
    case NotEqual:
    case Less:
    case LessEqual:
    case Greater:
    case GreaterEqual: return compare(id, binary, scope);
    case In:
    case NotIn: return contains(id, binary, scope);
    case Add:
    case Subtract:
    case Multiply:
    case Divide:
    case Remainder: return arithmetic(id, binary, scope, hint);
  }
  return {};
}

// Literals adapt to the other side: so the other side comes first.
void Expressions::infer_both(const ast::Binary& binary, Scope& scope, TypeId hint) {
  const auto adapting = [&](TypeId other) {
    const TypeKind kind = context_.kind(other);
    const bool is_arithmetic = binary.op >= Add;  // where a literal counts its own digits
    return kind == TypeKind::Float || (kind == TypeKind::Decimal && !is_arithmetic) ? context_.base(other) : hint;
  };
  if (is_literal(binary.left) && !is_literal(binary.right)) {
    const TypeId right = infer(binary.right, scope, hint);
    infer(binary.left, scope, adapting(right));
  } else {
    const TypeId left = infer(binary.left, scope, hint);
    infer(binary.right, scope, adapting(left));
  }
}

TypeId Expressions::logic(ExprId id, const ast::Binary& binary, Scope& scope) {
  const TypeId boolean = context_.scalar(TypeKind::Bool);
  const std::string what = fmt::format("an operand of `{}`", binary.op == And ? "and" : "or");
  infer(binary.left, scope, boolean);
  absorb(id, binary.left);
  const bool left_fits = coerce(binary.left, boolean, what);
  const auto before = scope.present;
  narrow(binary.left, binary.op == And, scope.present);
  infer(binary.right, scope, boolean);
  absorb(id, binary.right);
  const bool right_fits = coerce(binary.right, boolean, what);
  scope.present = before;
  return left_fits && right_fits ? boolean : TypeId{};
}

TypeId Expressions::compare(ExprId id, const ast::Binary& binary, Scope& scope) {
  infer_both(binary, scope, {});
  absorb(id, binary.left);
  absorb(id, binary.right);
  const TypeId left = fact(binary.left).type;
  const TypeId right = fact(binary.right).type;
  const TypeId boolean = context_.scalar(TypeKind::Bool);
  if (context_.is_error(left) || context_.is_error(right)) return boolean;
  const auto common = common_type(context_, left, right);
  const bool is_equality = binary.op == Equal || binary.op == NotEqual;
  if (!common || context_.kind(*common) == TypeKind::Json) {
    no_operator(binary);
    return boolean;
  }
  if (!is_equality) {
    if (!present(binary.left, "what is compared") || !present(binary.right, "what is compared")) return boolean;
    if (!is_ordered(context_.kind(*common))) {
      context_.error(Code::P0204, binary.sign, fmt::format("{} has no order", context_.name(*common)));
      return boolean;
    }
  } else if (context_.kind(left) == TypeKind::Null || context_.kind(right) == TypeKind::Null) {
    const ExprId other = context_.kind(left) == TypeKind::Null ? binary.right : binary.left;
    if (!context_.is_nullable(fact(other).type) && !fact(other).narrowed) {
      context_.report.add(Code::P0903, span(id)).message(fmt::format("`{}` is never null", text(other)));
      coerce(other, context_.nullable(fact(other).type), "the operand");
      return boolean;
    }
    compared_with_null(binary);
  }
  coerce(binary.left, *common, "the left side");
  coerce(binary.right, *common, "the right side");
  return boolean;
}

void Expressions::compared_with_null(const ast::Binary& binary) {
  const std::string ours = binary.op == ast::BinaryOp::Equal ? "is null" : "is not null";
  auto& found = context_.report.add(Code::P0906, binary.sign);
  if (context_.kind(fact(binary.right).type) == TypeKind::Null) {
    found.help(fmt::format("write `{} {}`", text(binary.left), ours),
               {binary.sign.file, binary.sign.begin, span(binary.right).end}, ours);
  } else {
    found.help(fmt::format("write `{} {}`", text(binary.right), ours));
  }
}

TypeId Expressions::no_operator(const ast::Binary& binary) {
  const TypeId left = fact(binary.left).type;
  const TypeId right = fact(binary.right).type;
  const value::Type a = context_.type(left);
  const value::Type b = context_.type(right);
  const bool enum_with_text =
      (a.kind == TypeKind::Enum && b.kind == TypeKind::String) || (a.kind == TypeKind::String && b.kind == TypeKind::Enum);
  auto& found = context_.error(
      enum_with_text ? Code::P0220 : Code::P0204, binary.sign,
      fmt::format("`{}` does not work on {} and {}", spelling(binary.op), context_.name(left), context_.name(right)));
  found.secondary(span(binary.left), context_.name(left)).secondary(span(binary.right), context_.name(right));
  if (enum_with_text) {
    const value::Type& type = a.kind == TypeKind::Enum ? a : b;
    const ExprId other = a.kind == TypeKind::Enum ? binary.right : binary.left;
    const auto* literal = std::get_if<ast::StringLiteral>(&node(other).node);
    const bool is_value = literal != nullptr && std::ranges::find(type.values, literal->text) != type.values.end();
    const std::string written = fmt::format("{}.{}", type.name,
                                            is_value              ? literal->text
                                            : type.values.empty() ? "…"
                                                                  : type.values[0]);
    if (is_value) found.help(fmt::format("the value is written `{}`", written), span(other), written);
    else found.help(fmt::format("the values are written `{}`, …", written));
  } else if (binary.op == Add && (a.kind == TypeKind::String || b.kind == TypeKind::String)) {
    found.help("values are put together in one string: `\"{a} {b}\"`");
  } else if (a.kind == TypeKind::Float || b.kind == TypeKind::Float) {
    found.help("`to_float(…)` turns an int64 or a decimal into a float64: this is never done without a word");
  } else if (a.kind == TypeKind::Json || b.kind == TypeKind::Json) {
    found.help("say what the JSON value is: `to_int(x)!`, `to_string(x)!`, …");
  } else if ((a.kind == TypeKind::String && is_numeric(b.kind)) || (is_numeric(a.kind) && b.kind == TypeKind::String)) {
    found.help("`to_int(…)!` and `to_decimal(…, 12, 2)!` read a number from a string");
  } else if ((a.kind == TypeKind::Timestamp && b.kind == TypeKind::String) ||
             (a.kind == TypeKind::String && b.kind == TypeKind::Timestamp)) {
    found.help("a time is written without quotes, `2026-01-31T12:00:00Z`; `to_timestamp(…)!` reads one from a string");
  } else if (const auto is_time = [](TypeKind kind) { return kind == TypeKind::Timestamp || kind == TypeKind::Duration; };
             (is_time(a.kind) && is_numeric(b.kind)) || (is_numeric(a.kind) && is_time(b.kind))) {
    number_with_time(found, binary);
  }
  return {};
}

// `at + 1`: of what?
void Expressions::number_with_time(diag::Diagnostic& found, const ast::Binary& binary) {
  const bool number_is_left = is_numeric(context_.kind(fact(binary.left).type));
  const ExprId number = number_is_left ? binary.left : binary.right;
  const TypeKind time = context_.kind(fact(number_is_left ? binary.right : binary.left).type);
  if (binary.op == Multiply || binary.op == Divide) {
    if (time == TypeKind::Duration) found.help("a duration is multiplied and divided by whole numbers: `90m` for `1h * 1.5`");
  } else if (std::holds_alternative<ast::IntLiteral>(node(number).node)) {
    const std::string with_unit = fmt::format("{}s", text(number));
    if (binary.op == Add || binary.op == Subtract || time == TypeKind::Duration)
      found.help(fmt::format("a duration has a unit, for seconds `{}`", with_unit), span(number), with_unit);
    else found.help("a time is written `2026-01-31T12:00:00Z`");
  } else {
    found.help(fmt::format("a duration of so many seconds is `{} * 1s`", text(number)));
  }
}

TypeId Expressions::contains(ExprId id, const ast::Binary& binary, Scope& scope) {
  const TypeId boolean = context_.scalar(TypeKind::Bool);
  const TypeId left = infer(binary.left, scope);
  const TypeId right =
      infer(binary.right, scope, context_.is_error(left) ? TypeId{} : context_.facts.types.list(context_.base(left)));
  absorb(id, binary.left);
  absorb(id, binary.right);
  if (context_.is_error(left) || context_.is_error(right) || !present(binary.right, "the list behind `in`")) return boolean;
  const value::Type list_type = context_.type(right);
  if (list_type.kind != TypeKind::List) {
    auto& found =
        context_.error(Code::P0204, span(binary.right), fmt::format("behind `in` stands a list, not {}", context_.name(right)));
    if (list_type.kind == TypeKind::String)
      found.help(fmt::format("`contains({}, {})`: whether one string is part of another", text(binary.right), text(binary.left)));
    return boolean;
  }
  const auto common = common_type(context_, left, list_type.element);
  if (!common) {
    auto& found =
        context_.error(Code::P0204, binary.sign, fmt::format("{} cannot be in {}", context_.name(left), context_.name(right)));
    if (context_.kind(left) == TypeKind::Enum) found.help(fmt::format("the values are written `{}.…`", context_.type(left).name));
    return boolean;
  }
  coerce(binary.left, *common, "the left side");
  coerce(binary.right, context_.facts.types.list(*common), "the list");
  return boolean;
}

}  // namespace piperun::sema
