// Arithmetic: exact widening of decimals, points in time, constants that are known.
#include <fmt/format.h>

#include "lang/ast/match.h"
#include "lang/sema/expressions.h"
#include "lang/value/int.h"
#include "lang/value/time.h"

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
  return fold_constant(id, binary, type) ? type : TypeId{};
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
      const bool can_be_zero = fact(binary.right).constant == kNone;
      context_.error(Code::P0213, span(id), "the result of this division needs a declared type")
          .note("a quotient can have digits without end")
          .help(fmt::format("`to_decimal({}, 18, 4)!`, or `round({}, 4){}`", text(id), text(id), can_be_zero ? "!" : ""));
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

namespace {

using Folded = std::optional<value::Fallible<decltype(Constant::value)>>;  // nullopt: not while compiling

template <typename T>
Folded folded(const value::Fallible<T>& result) {
  if (!result) return std::unexpected(result.error());
  return decltype(Constant::value)(*result);
}

Folded fold_integers(ast::BinaryOp op, std::int64_t x, std::int64_t y) {
  if (op == Add) return folded(value::add(x, y));
  if (op == Subtract) return folded(value::subtract(x, y));
  if (op == Multiply) return folded(value::multiply(x, y));
  return folded(op == Divide ? value::divide(x, y) : value::remainder(x, y));
}

Folded fold_decimals(ast::BinaryOp op, value::Int128 x, value::Int128 y, int precision) {
  if (op == Add) return folded(value::add(x, y, precision));
  if (op == Subtract) return folded(value::subtract(x, y, precision));
  return op == Multiply ? folded(value::multiply(x, y, precision)) : std::nullopt;
}

Folded fold_floats(ast::BinaryOp op, double x, double y) {
  if (op == Add) return folded(value::add(x, y));
  if (op == Subtract) return folded(value::subtract(x, y));
  return op == Multiply ? folded(value::multiply(x, y)) : std::nullopt;
}

Folded fold_values(ast::BinaryOp op, const Constant& a, const Constant& b, const value::Type& type) {
  const auto* x = std::get_if<std::int64_t>(&a.value);
  const auto* y = std::get_if<std::int64_t>(&b.value);
  if (x != nullptr && y != nullptr) {
    if (type.kind != TypeKind::Timestamp) return fold_integers(op, *x, *y);
    return folded(op == Add ? value::time_after(*x, *y) : value::time_before(*x, *y));
  }
  const auto* f = std::get_if<double>(&a.value);
  const auto* g = std::get_if<double>(&b.value);
  if (f != nullptr && g != nullptr) return fold_floats(op, *f, *g);
  const auto* d = std::get_if<value::Int128>(&a.value);
  const auto* e = std::get_if<value::Int128>(&b.value);
  return d != nullptr && e != nullptr ? fold_decimals(op, *d, *e, type.precision) : std::nullopt;
}

}  // namespace

bool Expressions::is_fixed(ExprId id) const {
  return ast::match(
      node(id).node, [&](const ast::Unary& n) { return is_fixed(n.operand); },
      [&](const ast::Binary& n) { return is_fixed(n.left) && is_fixed(n.right); }, [](const ast::NameRef&) { return true; },
      [](const ast::FloatLiteral&) { return true; }, [](const ast::DurationLiteral&) { return true; },
      [](const ast::TimestampLiteral&) { return true; }, [&](const auto&) { return is_literal(id); });
}

// False: it is out of range whatever the params are, which was reported. With a param it may stand in a branch that is not taken.
bool Expressions::fold_constant(ExprId id, const ast::Binary& binary, TypeId type) {
  const std::uint32_t left = fact(binary.left).constant;
  const std::uint32_t right = fact(binary.right).constant;
  if (left == kNone || right == kNone) return true;
  Folded result = fold_values(binary.op, context_.facts.constants[left], context_.facts.constants[right], context_.type(type));
  if (!result) return true;
  if (*result) {
    fact(id).constant = context_.add({type, std::move(**result)});
    return true;
  }
  if (!is_fixed(id)) return true;
  context_.error(Code::P0229, span(id), fmt::format("`{}` is never a value: {}", text(id), value::words(result->error())))
      .label(context_.name(type));
  return false;
}

}  // namespace piperun::sema
