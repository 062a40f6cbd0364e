// The shape of a row function: where control goes, and which registers an instruction or a block's end names.
#pragma once
#include <functional>
#include <vector>

#include "lang/ir/function.h"

namespace piperun::ir {

// Calls `visit` for each block that may follow: the ends' targets and the `on_fail` of each instruction that can fail.
void for_each_successor(const Block& block, const std::function<void(BlockId)>& visit);

// Replaces every register named as an operand, a condition, an emitted value or a message; the second also the results.
void map_operands(Block& block, const std::function<Register(Register)>& map);
void map_registers(Block& block, const std::function<Register(Register)>& map);

// Replaces every target of a jump, a branch or an `on_fail`.
void map_blocks(Block& block, const std::function<BlockId(BlockId)>& map);

// Drops blocks that nothing reaches, joins a block to its only predecessor where that one jumps, and numbers the rest forward.
void straighten(Function& function);

}  // namespace piperun::ir
