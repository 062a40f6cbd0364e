// Each step of a protocol in one clause, for people who never read about offsets.
#pragma once
#include <string>

#include "lang/ir/program.h"

namespace piperun::prove {

std::string clause(const ir::Program& program, const ir::Unit& unit, const ir::Step& step);

}  // namespace piperun::prove
