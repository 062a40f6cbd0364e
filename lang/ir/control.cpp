#include "lang/ir/control.h"

#include <algorithm>
#include <utility>

namespace piperun::ir {
namespace {

// Reverse postorder from the entry: in a graph without cycles every edge leads forward in it. Without recursion, since a chain of
// stages is as deep as it is long.
std::vector<BlockId> forward_order(const Function& function) {
  struct Visit {
    BlockId block;
    std::vector<BlockId> next;  // still to be visited, the last one first
  };
  std::vector<bool> seen(function.blocks.size());
  std::vector<BlockId> order;
  std::vector<Visit> open;
  const auto enter = [&](BlockId id) {
    seen[id] = true;
    open.push_back({id, {}});
    for_each_successor(function.blocks[id], [&](BlockId to) { open.back().next.push_back(to); });
  };
  enter(0);
  while (!open.empty()) {
    if (open.back().next.empty()) {
      order.push_back(open.back().block);
      open.pop_back();
      continue;
    }
    const BlockId to = open.back().next.back();
    open.back().next.pop_back();
    if (!seen[to]) enter(to);
  }
  std::reverse(order.begin(), order.end());
  return order;
}

void order_blocks(Function& function) {
  const std::vector<BlockId> order = forward_order(function);
  std::vector<BlockId> number(function.blocks.size(), kDie);
  for (std::size_t i = 0; i < order.size(); ++i) number[order[i]] = static_cast<BlockId>(i);
  std::vector<Block> blocks;
  for (BlockId id : order) {
    blocks.push_back(std::move(function.blocks[id]));
    map_blocks(blocks.back(), [&](BlockId to) { return number[to]; });
  }
  function.blocks = std::move(blocks);
}

std::vector<int> predecessor_counts(const Function& function) {
  std::vector<int> counts(function.blocks.size());
  for (const Block& block : function.blocks) for_each_successor(block, [&](BlockId to) { ++counts[to]; });
  return counts;
}

void join_chains(Function& function) {
  const std::vector<int> counts = predecessor_counts(function);
  for (Block& block : function.blocks) {
    while (block.end.kind == Terminator::Kind::Jump && counts[block.end.jump.to] == 1) {
      Block& next = function.blocks[block.end.jump.to];
      std::move(next.code.begin(), next.code.end(), std::back_inserter(block.code));
      next.code.clear();
      const Terminator end = std::move(next.end);
      next.end = {};
      block.end = end;
    }
  }
}

}  // namespace

void for_each_successor(const Block& block, const std::function<void(BlockId)>& visit) {
  for (const Instruction& instruction : block.code) {
    if (can_fail(instruction.op) && instruction.on_fail != kDie) visit(instruction.on_fail);
  }
  switch (block.end.kind) {
    case Terminator::Kind::Jump: visit(block.end.jump.to); break;
    case Terminator::Kind::Branch:
      visit(block.end.branch.then_to);
      visit(block.end.branch.else_to);
      break;
    case Terminator::Kind::Emit:
    case Terminator::Kind::Filtered:
    case Terminator::Kind::Fail: break;
  }
}

void map_operands(Block& block, const std::function<Register(Register)>& map) {
  for (Instruction& instruction : block.code) {
    for (Register& operand : instruction.operands) operand = map(operand);
  }
  switch (block.end.kind) {
    case Terminator::Kind::Branch: block.end.branch.condition = map(block.end.branch.condition); break;
    case Terminator::Kind::Emit:
      for (Register& value : block.end.emit.values) value = map(value);
      break;
    case Terminator::Kind::Fail:
      if (block.end.fail.message != kNone) block.end.fail.message = map(block.end.fail.message);
      break;
    case Terminator::Kind::Jump:
    case Terminator::Kind::Filtered: break;
  }
}

void map_registers(Block& block, const std::function<Register(Register)>& map) {
  map_operands(block, map);
  for (Instruction& instruction : block.code) instruction.result = map(instruction.result);
}

void map_blocks(Block& block, const std::function<BlockId(BlockId)>& map) {
  for (Instruction& instruction : block.code) {
    if (instruction.on_fail != kDie) instruction.on_fail = can_fail(instruction.op) ? map(instruction.on_fail) : kDie;
  }
  if (block.end.kind == Terminator::Kind::Jump) block.end.jump.to = map(block.end.jump.to);
  if (block.end.kind == Terminator::Kind::Branch) {
    block.end.branch.then_to = map(block.end.branch.then_to);
    block.end.branch.else_to = map(block.end.branch.else_to);
  }
}

void straighten(Function& function) {
  order_blocks(function);
  join_chains(function);
  order_blocks(function);
}

}  // namespace piperun::ir
