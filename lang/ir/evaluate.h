// What one pure instruction computes, on cells: the functions of lang/value, by op. Constant folding calls it.
#pragma once
#include <optional>
#include <span>

#include "lang/ir/function.h"
#include "lang/value/arena.h"
#include "lang/value/failure.h"

namespace piperun::ir {

struct Operand {
  value::TypeId type;
  const value::Cell* cells;  // as many as the type has
};

// False for Const, Call and Fold, which need more than their operands.
bool is_evaluable(Op op);

// Writes the cells of `result_type` to `result`; what they point at lies in `arena` or belongs to an operand. A fault: why it failed;
// then `result` is unspecified. Only for ops that are evaluable. `index`: see ops.def.
std::optional<value::Fault> evaluate(Op op, std::uint32_t index, const value::TypeTable& types, std::span<const Operand> operands,
                                     value::TypeId result_type, value::Arena& arena, value::Cell* result);

}  // namespace piperun::ir
