// The text of a program in its executable form, for `--emit=ir` and goldens. Stable: the same program gives the same text.
#pragma once
#include <string>

#include "lang/ir/program.h"

namespace piperun::ir {

// Units with their dataflow, functions and protocol; without units the graph. Secrets are printed by name.
std::string print(const Program& program);
std::string print(const Program& program, const Function& function);
std::string print(const Program& program, const Dataflow& dataflow);

// `(id: int64, note: string?)`
std::string print(const value::TypeTable& types, const Schema& schema);

const char* name(SystemKind kind);
const char* name(Delivery delivery);
const char* name(Format format);
const char* name(FoldKind kind);

}  // namespace piperun::ir
