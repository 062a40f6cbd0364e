// What makes a program smaller without changing any result, failure or count. Each pass leaves a program that verifies.
#pragma once
#include "lang/ir/program.h"

namespace piperun::ir {

// Instructions whose operands are known are replaced by their result, branches on a known condition by a jump. What would fail stays.
void fold_constants(Program& program, Function& function);

// Copies are looked through; instructions that cannot fail and whose result nobody reads go away. Instructions that can fail stay.
void drop_dead_code(const value::TypeTable& types, Function& function);

// Columns that nobody behind them reads go away, at each edge of the dataflow, and so does what only they needed. Decoding still
// checks all declared fields: Input::output then names those that are read.
void prune(Program& program, Dataflow& dataflow);

// An Apply whose port leads to one other Apply alone, under one error policy, becomes one function with it.
void fuse(Program& program, Dataflow& dataflow);

// Fuses, folds and prunes every unit (the graph, if there are none). Plan calls it after cutting; a program runs without it too.
void optimize(Program& program);

}  // namespace piperun::ir
