// The AST as text (`--emit=ast`): one node per line, indented; expressions in one line with all brackets written out. Stable: made for
// goldens. Without spans, so that a change of layout does not change it.
#pragma once
#include <string>

#include "lang/ast/ast.h"

namespace piperun::ast {

std::string print(const Module& module, const Pool& pool);
std::string print(ExprId expr, const Pool& pool);  // `(a or (b < 1))`, in one line
std::string print(TypeExprId type, const Pool& pool);  // as users write it

}  // namespace piperun::ast
