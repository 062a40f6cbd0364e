// Arithmetic: exact widening of decimals, points in time, constants that are known.
#include <fmt/format.h>

#include "lang/ast/match.h"
#include "lang/sema/expressions.h"
#include "lang/value/int.h"

namespace piperun::sema {

using enum ast::BinaryOp;

TypeId Expressions::arithmetic(ExprId id, const ast::Binary& binary, Scope& scope, TypeId hint) {
  infer_both(binary, scope, binary.op == Divide ? TypeId{} : context_.kind(hint) == TypeKind::Float ? hint : TypeId{});
  absorb(id, binary.left);
  absorb(id, binary.right);
  const TypeId left_type = fact(binary.left).type;
  const TypeId right_type = fact(binary.right).type;
  if (context_.is_error(left_type) || context_.is_error(right_type)) return {};
  const std::string what = fmt::format("an operand of `{}`", spelling(binary.op));
  if (!present(binary.left, what) || !present(binary.right, what)) return {};
  const TypeKind left = context_.kind(left_type);
  const TypeKind right = context_.kind(right_type);
  const auto exact = [](TypeKind kind) { return kind == TypeKind::Int || kind == TypeKind::Decimal; };
  catchable_.insert(id);
  TypeId type;
  if (left == TypeKind::Never || right == TypeKind::Never) return left == TypeKind::Never ? right_type : left_type;
  if (left == TypeKind::Int && right == TypeKind::Int) type = left_type;
  else if (left == TypeKind::Float && right == TypeKind::Float) type = left_type;
  else if (exact(left) && exact(right)) type = decimal_arithmetic(id, binary, hint);
  else if (left == TypeKind::Timestamp || left == TypeKind::Duration || right == TypeKind::Duration)
    type = time_arithmetic(binary, left, right);
  else if (left == TypeKind::String && right == TypeKind::String && binary.op == Add) {
    const auto part = [&](ExprId side) {
      const auto* literal = std::get_if<ast::StringLiteral>(&node(side).node);
      return literal != nullptr ? std::string(text(side)).substr(1, text(side).size() - 2) : fmt::format("{{{}}}", text(side));
    };
    context_.error(Code::P0222, binary.sign, "strings are put together by writing values into one")
        .help("`{…}` inside a string", span(id), fmt::format("\"{}{}\"", part(binary.left), part(binary.right)));
    return {};
  } else {
    return no_operator(binary);
  }
  if (context_.is_error(type)) return {};
  if ((binary.op == Divide || binary.op == Remainder) && !divisor_is_safe(binary)) {
    if (fact(binary.right).constant != kNone) return {};  // zero, which was reported
    fact(id).can_fail = true;
  }
  fold_constant(id, binary, type);
  return type;
}

// A constant divisor other than zero.
bool Expressions::divisor_is_safe(const ast::Binary& binary) {
  const std::uint32_t constant = fact(binary.right).constant;
  if (constant == kNone) return false;
  const auto& value = context_.facts.constants[constant].value;
  const bool is_zero = (std::holds_alternative<std::int64_t>(value) && std::get<std::int64_t>(value) == 0) ||
                       (std::holds_alternative<double>(value) && std::get<double>(value) == 0) ||
                       (std::holds_alternative<value::Int128>(value) && std::get<value::Int128>(value) == 0);
  if (is_zero) context_.error(Code::P0305, span(binary.right), "division by zero");
  return !is_zero;
}

TypeId Expressions::decimal_arithmetic(ExprId id, const ast::Binary& binary, TypeId hint) {
  const auto digits = [&](ExprId side) {  // literals and consts count as many digits as they have
    const std::uint32_t constant = fact(side).constant;
    const bool is_int = context_.kind(fact(side).type) == TypeKind::Int;
    if (!is_int || constant == kNone) return decimal_type(context_.type(fact(side).type));
    const std::int64_t value = std::get<std::int64_t>(context_.facts.constants[constant].value);
    return value::DecimalType{static_cast<int>(std::to_string(value).size()) - (value < 0 ? 1 : 0), 0};
  };
  const value::DecimalType a = digits(binary.left);
  const value::DecimalType b = digits(binary.right);
  if (binary.op == Divide) {
    const TypeId wanted = context_.base(hint);
    if (context_.kind(wanted) != TypeKind::Decimal) {
      context_.error(Code::P0213, span(id), "the result of this division needs a declared type")
          .note("a quotient can have digits without end")
          .help(fmt::format("`to_decimal({}, 18, 4)!`, or `round({}, 4)`", text(id), text(id)));
      return {};
    }
    coerce(binary.left, decimal(context_, a), "the dividend");
    coerce(binary.right, decimal(context_, b), "the divisor");
    return wanted;
  }
  const auto result = value::capped(binary.op == Multiply ? value::exact_product_type(a, b) : value::exact_sum_type(a, b));
  if (!result) {
    context_.error(Code::P0214, span(id), "the product has more than 38 digits behind the point")
        .help("`round(…, s)` one of them first");
    return {};
  }
  const auto target = [&](ExprId side, value::DecimalType own) {
    const TypeId to = decimal(context_, binary.op == Multiply ? own : *result);
    ExprFact& it = fact(side);
    if (it.constant != kNone) {
      if (auto value = adapted(context_, context_.facts.constants[it.constant], to))
        it.constant = context_.add(std::move(*value));
      else it.constant = kNone;
    }
    it.target = to;
  };
  target(binary.left, a);
  target(binary.right, b);
  return decimal(context_, *result);
}

TypeId Expressions::time_arithmetic(const ast::Binary& binary, TypeKind left, TypeKind right) {
  using enum TypeKind;
  const bool is_sum = binary.op == Add || binary.op == Subtract;
  const auto scalar = [&](TypeKind kind) { return context_.scalar(kind); };
  if (left == Timestamp && right == Timestamp && binary.op == Subtract) return scalar(Duration);
  if (left == Timestamp && right == Duration && is_sum) return scalar(Timestamp);
  if (left == Duration && right == Timestamp && binary.op == Add) return scalar(Timestamp);
  if (left == Duration && right == Duration) {
    if (is_sum || binary.op == Remainder) return scalar(Duration);
    if (binary.op == Divide) return scalar(Int);
  }
  if (left == Duration && right == Int && (binary.op == Multiply || binary.op == Divide)) return scalar(Duration);
  if (left == Int && right == Duration && binary.op == Multiply) return scalar(Duration);
  return no_operator(binary);
}

void Expressions::fold_constant(ExprId id, const ast::Binary& binary, TypeId type) {
  const std::uint32_t left = fact(binary.left).constant;
  const std::uint32_t right = fact(binary.right).constant;
  const bool is_quotient = binary.op == Divide || binary.op == Remainder;
  if (left == kNone || right == kNone) return;
  const Constant a = context_.facts.constants[left];
  const Constant b = context_.facts.constants[right];
  std::optional<decltype(Constant::value)> result;
  const auto keep = [&](auto value) {
    if (value) result = *value;
  };
  if (std::holds_alternative<std::int64_t>(a.value) && std::holds_alternative<std::int64_t>(b.value)) {
    const std::int64_t x = std::get<std::int64_t>(a.value), y = std::get<std::int64_t>(b.value);
    keep(binary.op == Add        ? value::add(x, y)
         : binary.op == Subtract ? value::subtract(x, y)
         : binary.op == Multiply ? value::multiply(x, y)
         : binary.op == Divide   ? value::divide(x, y)
                                 : value::remainder(x, y));
  } else if (!is_quotient && std::holds_alternative<value::Int128>(a.value) && std::holds_alternative<value::Int128>(b.value)) {
    const value::Int128 x = std::get<value::Int128>(a.value), y = std::get<value::Int128>(b.value);
    const int precision = context_.type(type).precision;
    keep(binary.op == Add        ? value::add(x, y, precision)
         : binary.op == Subtract ? value::subtract(x, y, precision)
                                 : value::multiply(x, y, precision));
  } else if (!is_quotient && std::holds_alternative<double>(a.value) && std::holds_alternative<double>(b.value)) {
    const double x = std::get<double>(a.value), y = std::get<double>(b.value);
    result = binary.op == Add ? x + y : binary.op == Subtract ? x - y : x * y;
  }
  if (result) fact(id).constant = context_.add({type, std::move(*result)});
}

}  // namespace piperun::sema
