// The expressions directly inside of an expression: for walks that ask the same of every kind of node.
#pragma once
#include <vector>

#include "lang/ast/expr.h"

namespace piperun::ast {

// In the order in which they are written. The callee of a call is a name and no part of it; what may be missing is left out.
std::vector<ExprId> parts_of(const Expr& expression);

}  // namespace piperun::ast
