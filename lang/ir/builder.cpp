#include "lang/ir/builder.h"

#include <utility>

#include "lang/ir/control.h"

namespace piperun::ir {

FunctionBuilder::FunctionBuilder(value::TypeTable& types, std::string name) : types_(types) {
  function_.name = std::move(name);
  function_.blocks.emplace_back();
}

Value FunctionBuilder::add_input(const Column& column) {
  const Value value = fresh(column.type);
  function_.input.push_back(column);
  inputs_.push_back(value.reg);
  return value;
}

Value FunctionBuilder::fresh(value::TypeId type) {
  const auto reg = static_cast<Register>(function_.registers.size());
  function_.registers.push_back(type);
  if (types_[type].nullable) function_.registers.push_back(types_.with_null(type, false));
  return {reg, type};
}

Value FunctionBuilder::payload(Value nullable) const { return {nullable.reg + 1, types_.with_null(nullable.type, false)}; }

Value FunctionBuilder::constant(const Constant& constant) {
  function_.constants.push_back(constant);
  return add(Op::Const, constant.type, {}, static_cast<std::uint32_t>(function_.constants.size() - 1));
}

Value FunctionBuilder::add(Op op, value::TypeId type, std::vector<Value> operands, std::uint32_t index) {
  Instruction instruction{.op = op, .result = kNone, .operands = {}, .index = index, .on_fail = kDie, .site = site_};
  for (const Value& operand : operands) instruction.operands.push_back(operand.reg);
  if (can_fail(op)) instruction.on_fail = on_fail_;
  const Value result = fresh(type);
  instruction.result = result.reg;
  function_.blocks[current_].code.push_back(std::move(instruction));
  return result;
}

void FunctionBuilder::copy(Value from, Value to) {
  function_.blocks[current_].code.push_back(
      {.op = Op::Copy, .result = to.reg, .operands = {from.reg}, .index = 0, .on_fail = kDie, .site = site_});
}

void FunctionBuilder::set_null(Value to) {
  function_.blocks[current_].code.push_back(
      {.op = Op::SetNull, .result = to.reg, .operands = {}, .index = 0, .on_fail = kDie, .site = site_});
}

BlockId FunctionBuilder::new_block() {
  function_.blocks.emplace_back();
  return static_cast<BlockId>(function_.blocks.size() - 1);
}

void FunctionBuilder::end(Terminator end) {
  function_.blocks[current_].end = std::move(end);
  current_ = new_block();
}

void FunctionBuilder::jump(BlockId to) {
  end({.kind = Terminator::Kind::Jump, .jump = {to}, .branch = {}, .emit = {}, .fail = {}});
}

void FunctionBuilder::branch(Value condition, BlockId then_to, BlockId else_to) {
  end({.kind = Terminator::Kind::Branch, .jump = {}, .branch = {condition.reg, then_to, else_to}, .emit = {}, .fail = {}});
}

void FunctionBuilder::emit(std::uint32_t port, const std::vector<Value>& values) {
  Terminator terminator;
  terminator.kind = Terminator::Kind::Emit;
  terminator.emit.port = port;
  for (const Value& value : values) terminator.emit.values.push_back(value.reg);
  end(std::move(terminator));
}

void FunctionBuilder::filtered() { end({}); }

void FunctionBuilder::fail(Value message) {
  Terminator terminator;
  terminator.kind = Terminator::Kind::Fail;
  terminator.fail = {message.reg, site_};
  end(std::move(terminator));
}

Function FunctionBuilder::finish() {
  std::vector<Register> order;  // old register at each new place
  std::vector<bool> is_input(function_.registers.size());
  for (Register first : inputs_) {
    for (int i = 0; i < value::cells(types_[function_.registers[first]]); ++i) {
      order.push_back(first + static_cast<Register>(i));
      is_input[first + static_cast<Register>(i)] = true;
    }
  }
  for (Register r = 0; r < function_.registers.size(); ++r) {
    if (!is_input[r]) order.push_back(r);
  }
  std::vector<Register> place(order.size());
  std::vector<value::TypeId> registers;
  for (std::size_t i = 0; i < order.size(); ++i) {
    place[order[i]] = static_cast<Register>(i);
    registers.push_back(function_.registers[order[i]]);
  }
  function_.registers = std::move(registers);
  for (Block& block : function_.blocks) map_registers(block, [&](Register r) { return place[r]; });
  straighten(function_);
  return std::move(function_);
}

}  // namespace piperun::ir
