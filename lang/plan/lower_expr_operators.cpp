#include <algorithm>
#include <utility>

#include "lang/plan/lower_expr.h"

namespace piperun::plan {

using ast::BinaryOp;
using ir::Op;
using ir::Value;
using value::TypeKind;

namespace {

struct Comparison {
  Op equal, less, less_equal;
};

// Types without an order of their own are only compared for equality.
Comparison comparison_of(const value::Type& type) {
  constexpr Comparison kInt{Op::EqInt, Op::LtInt, Op::LeInt};
  if (type.nullable) return {Op::EqAny, Op::EqAny, Op::EqAny};
  switch (type.kind) {
    case TypeKind::Int:
    case TypeKind::Timestamp:
    case TypeKind::Duration:
    case TypeKind::Enum: return kInt;
    case TypeKind::Float: return {Op::EqFloat, Op::LtFloat, Op::LeFloat};
    case TypeKind::Decimal: return {Op::EqDec, Op::LtDec, Op::LeDec};
    case TypeKind::String:
    case TypeKind::Bytes: return {Op::EqText, Op::LtText, Op::LeText};
    case TypeKind::Bool:
    case TypeKind::List:
    case TypeKind::Map:
    case TypeKind::Record:
    case TypeKind::Json:
    case TypeKind::Error:
    case TypeKind::Never:
    case TypeKind::Null: break;
  }
  return {Op::EqAny, Op::EqAny, Op::EqAny};
}

struct Arithmetic {
  Op add, subtract, multiply, divide, remainder;
};

const Arithmetic& arithmetic_of(TypeKind kind) {
  static constexpr Arithmetic kInt{Op::AddInt, Op::SubInt, Op::MulInt, Op::DivInt, Op::RemInt};
  static constexpr Arithmetic kFloat{Op::AddFloat, Op::SubFloat, Op::MulFloat, Op::DivFloat, Op::RemFloat};
  static constexpr Arithmetic kDecimal{Op::AddDec, Op::SubDec, Op::MulDec, Op::DivDec, Op::RemDec};
  if (kind == TypeKind::Float) return kFloat;
  return kind == TypeKind::Decimal ? kDecimal : kInt;
}

}  // namespace

Value ExprLowering::unary(ExprId id, const ast::Unary& n) {
  const Value value = lower(n.operand);
  if (n.op == ast::UnaryOp::Not) return add(id, Op::Not, boolean(), {value});
  const TypeKind kind = type(value.type).kind;
  return add(id,
             kind == TypeKind::Float     ? Op::NegFloat
             : kind == TypeKind::Decimal ? Op::NegDec
                                         : Op::NegInt,
             value.type, {value});
}

Value ExprLowering::binary(ExprId id, const ast::Binary& n) {
  switch (n.op) {
    case BinaryOp::Or:
    case BinaryOp::And: return logic(id, n);
    case BinaryOp::Equal:
    case BinaryOp::NotEqual:
    case BinaryOp::Less:
    case BinaryOp::LessEqual:
    case BinaryOp::Greater:
    case BinaryOp::GreaterEqual: return compare(id, n);
    case BinaryOp::In:
    case BinaryOp::NotIn: return contains(id, n);
    case BinaryOp::Add:
    case BinaryOp::Subtract:
    case BinaryOp::Multiply:
    case BinaryOp::Divide:
    case BinaryOp::Remainder: return arithmetic(id, n);
  }
  return {};
}

// The right side runs only if the left one does not decide; where that makes no difference, no block is needed.
Value ExprLowering::logic(ExprId id, const ast::Binary& n) {
  const bool is_and = n.op == BinaryOp::And;
  const Value left = convert(lower(n.left), boolean());
  const ir::BlockId start = b_.current(), right_start = b_.new_block();
  const std::uint32_t narrowings = narrowings_;
  b_.go_to(right_start);
  const Value right = convert(lower(n.right), boolean());

  std::vector<ir::Instruction>& code = b_.block(right_start).code;
  const bool runs_freely =
      b_.current() == right_start && narrowings == narrowings_ &&
      std::ranges::none_of(code, [](const ir::Instruction& instruction) { return ir::can_fail(instruction.op); });
  if (runs_freely) {
    std::ranges::move(code, std::back_inserter(b_.block(start).code));
    code.clear();
    b_.go_to(start);
    return add(id, is_and ? Op::And : Op::Or, boolean(), {left, right});
  }
  Merge merge(b_, boolean());
  const ir::BlockId decided = b_.new_block();
  merge.take(right);
  b_.go_to(start);
  b_.branch(left, is_and ? right_start : decided, is_and ? decided : right_start);
  b_.go_to(decided);
  merge.take(left);
  return merge.value();
}

Value ExprLowering::compare(ExprId id, const ast::Binary& n) {
  Value left = lower(n.left);
  Value right = lower(n.right);
  const bool swapped = n.op == BinaryOp::Greater || n.op == BinaryOp::GreaterEqual;
  if (swapped) std::swap(left, right);
  const Comparison ops = comparison_of(type(left.type));
  const bool is_equality = n.op == BinaryOp::Equal || n.op == BinaryOp::NotEqual;
  const bool is_strict = n.op == BinaryOp::Less || n.op == BinaryOp::Greater;
  const Value result = add(id, is_equality ? ops.equal : is_strict ? ops.less : ops.less_equal, boolean(), {left, right});
  return n.op == BinaryOp::NotEqual ? negated(result) : result;
}

Value ExprLowering::contains(ExprId id, const ast::Binary& n) {
  const Value element = lower(n.left);
  const Value list = lower(n.right);
  const Value result = add(id, Op::ListContains, boolean(), {list, convert(element, type(list.type).element)});
  return n.op == BinaryOp::NotIn ? negated(result) : result;
}

Value ExprLowering::arithmetic(ExprId id, const ast::Binary& n) {
  const Value left = lower(n.left);
  const Value right = lower(n.right);
  // One side is `fail(…)`: there is no value to compute with.
  if (type(left.type).kind == TypeKind::Never || type(right.type).kind == TypeKind::Never) return b_.fresh(fact(id).type);
  const Arithmetic& ops = arithmetic_of(type(fact(id).type).kind);
  const auto op = [&] {
    switch (n.op) {
      case BinaryOp::Subtract: return ops.subtract;
      case BinaryOp::Multiply: return ops.multiply;
      case BinaryOp::Divide: return ops.divide;
      case BinaryOp::Remainder: return ops.remainder;
      case BinaryOp::Add:
      case BinaryOp::Or:
      case BinaryOp::And:
      case BinaryOp::Equal:
      case BinaryOp::NotEqual:
      case BinaryOp::Less:
      case BinaryOp::LessEqual:
      case BinaryOp::Greater:
      case BinaryOp::GreaterEqual:
      case BinaryOp::In:
      case BinaryOp::NotIn: break;
    }
    return ops.add;
  };
  return add(id, op(), fact(id).type, {left, right});
}

}  // namespace piperun::plan
