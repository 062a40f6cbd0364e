#include <fmt/format.h>

#include <utility>

#include "lang/ast/match.h"
#include "lang/ir/print.h"
#include "lang/plan/lower_expr.h"
#include "lang/value/decimal.h"

namespace piperun::plan {

using ir::Op;
using ir::Value;
using value::TypeKind;

Value ExprLowering::call(ExprId id, const ast::Call& n) {
  return ast::match(
      fact(id).names, [&](sema::FunctionCall r) { return inlined(n, facts_.functions[r.function]); },
      [&](const sema::NativeCall& r) { return native(id, n, r.name); },
      [&](const sema::OpCall& r) { return operation(id, n, r.op); }, [&](sema::FailCall) { return fail(id, n); },
      [&](const sema::FoldCall& r) { return fold(id, n, r); },
      [&](const auto&) { return b_.constant(context_.zero(fact(id).type)); });
}

// The arguments are evaluated once, in order; the body reads their registers.
Value ExprLowering::inlined(const ast::Call& n, const sema::FunctionFact& function) {
  const std::uint32_t frame = ++context_.frames;
  for (std::size_t i = 0; i < n.arguments.size(); ++i) {
    const Value argument = convert(lower(n.arguments[i].value), function.parameters[i]);
    bindings_.bind({Binding::Kind::Argument, static_cast<std::uint32_t>(i), frame}, argument);
  }
  const std::uint32_t caller = std::exchange(frame_, frame);
  const Value result = convert(lower(function.body), function.result);
  frame_ = caller;
  return result;
}

Value ExprLowering::native(ExprId id, const ast::Call& n, const std::string& name) {
  std::vector<Value> arguments;
  std::vector<TypeId> types;
  for (const ast::Argument& argument : n.arguments) {
    arguments.push_back(lower(argument.value));
    types.push_back(arguments.back().type);
  }
  const std::uint32_t index = context_.native(name, types, fact(id).type);
  return add(id, Op::Call, fact(id).type, std::move(arguments), index);
}

// `op` is the target of the catalog's row. What has no instruction is a native of the same meaning.
Value ExprLowering::operation(ExprId id, const ast::Call& n, const std::string& op) {
  const TypeId result = fact(id).type;
  const auto call_native = [&](std::string_view name, std::vector<Value> arguments) {
    std::vector<TypeId> types;
    for (const Value& argument : arguments) types.push_back(argument.type);
    const std::uint32_t index = context_.native(name, types, result);
    return add(id, Op::Call, result, std::move(arguments), index);
  };
  if (op == "now") return call_native("time.now", {});
  if (op == "uuid") return call_native("random.uuid", {});
  if (op == "random") return call_native("random.float", {});
  if (op == "round") return rounded(id, n);
  const Value value = lower(n.arguments.front().value);
  if (op == "list_length") return add(id, Op::ListLength, result, {value});
  if (op == "dec_to_int") return add(id, Op::DecToInt, result, {value});
  if (op == "int_to_float") return add(id, Op::IntToFloat, result, {value});
  if (op == "dec_to_float") return add(id, Op::DecToFloat, result, {value});
  if (op == "json_to") return add(id, Op::JsonTo, result, {value});
  if (op == "to_text") return value.type == result ? value : add(id, Op::ToText, result, {value});
  if (op == "rescale") return add(id, type(value.type).kind == TypeKind::Int ? Op::IntToDec : Op::RescaleDec, result, {value});
  return call_native(op == "text_to_decimal" ? "text.to_decimal" : op == "float_to_decimal" ? "math.to_decimal" : op, {value});
}

// round(x, s) into a type with more digits behind the point: first to s, then to the type.
Value ExprLowering::rounded(ExprId id, const ast::Call& n) {
  const Value value = lower(n.arguments[0].value);
  const auto& digits = std::get<ast::IntLiteral>(node(n.arguments[1].value).node);
  auto mode = value::Rounding::HalfEven;
  if (n.arguments.size() > 2) {
    const auto& word = std::get<ast::StringLiteral>(node(n.arguments[2].value).node);
    mode = value::rounding_named(word.text).value_or(mode);
  }
  const TypeId result = fact(id).type;
  const auto scale = static_cast<int>(digits.value);
  if (scale >= type(result).scale) return add(id, Op::RescaleDec, result, {value}, static_cast<std::uint32_t>(mode));
  const Value at_scale =
      add(id, Op::RescaleDec, b_.types().decimal(value::kMaxPrecision, scale), {value}, static_cast<std::uint32_t>(mode));
  return add(id, Op::RescaleDec, result, {at_scale});
}

Value ExprLowering::fail(ExprId id, const ast::Call& n) {
  const Value message = lower(n.arguments.front().value);
  b_.set_site(context_.site(node(id).span));
  if (b_.on_fail() == ir::kDie) b_.fail(message);
  else b_.jump(b_.on_fail());
  return b_.fresh(b_.types().scalar(TypeKind::Never));
}

Value ExprLowering::fold(ExprId id, const ast::Call& n, const sema::FoldCall& call) {
  const ast::Argument& argument = n.arguments.front();
  const auto kind = call.kind;
  std::vector<Value> operands{lower(argument.fold ? argument.fold->list : argument.value)};
  if (kind == ir::FoldKind::Join) operands.push_back(lower(n.arguments[1].value));

  const std::string name = fmt::format("{}.{}", name_, ir::name(kind));
  ir::FunctionBuilder builder(b_.types(), name);
  Bindings bindings(builder, &bindings_);
  const Value element =
      builder.add_input({.name = argument.fold ? argument.fold->variable.text : "element", .type = call.element});
  bindings.bind({Binding::Kind::Variable, call.variable}, element);
  ExprLowering inner(context_, builder, bindings, name);
  inner.frame_ = frame_;
  if (argument.fold && argument.fold->condition) {
    const Value condition = inner.lower(argument.fold->condition);
    const ir::BlockId keep = builder.new_block(), drop = builder.new_block();
    builder.branch(condition, keep, drop);
    builder.go_to(drop);
    builder.filtered();
    builder.go_to(keep);
  }
  const Value value = argument.fold ? inner.lower(argument.value) : element;
  builder.add_output({{.name = "value", .type = value.type}});
  builder.emit(0, {value});

  for (const Value& captured : bindings.captured()) operands.push_back(captured);
  context_.program.functions.push_back(builder.finish());
  const auto function = static_cast<ir::FunctionId>(context_.program.functions.size() - 1);
  context_.program.folds.push_back({kind, function, value.type, fact(id).type});
  return add(id, Op::Fold, fact(id).type, std::move(operands), static_cast<std::uint32_t>(context_.program.folds.size() - 1));
}

}  // namespace piperun::plan
