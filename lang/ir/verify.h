// Finds what is malformed in a program: our own mistakes, never the user's. Run after lowering, after cutting and after each pass in tests.
#pragma once
#include <string>
#include <vector>

#include "lang/ir/program.h"

namespace piperun::ir {

// One sentence per fault, each beginning with where it is; empty: the program is well formed.
std::vector<std::string> verify(const Program& program);
std::vector<std::string> verify(const Program& program, const Function& function);
std::vector<std::string> verify(const Program& program, const Dataflow& dataflow);

}  // namespace piperun::ir
