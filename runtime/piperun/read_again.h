// What sinks make of records that are read a second time, for commands that move a unit back.
#pragma once
#include <string>
#include <vector>

#include "lang/ir/program.h"

namespace piperun::cli {

// One line for each sink of the unit where a repeat is seen; none for one that a row's key, or kept keys of `dedup`, protect.
std::vector<std::string> what_repeats_do(const ir::Program& program, const ir::Unit& unit, bool keeps_keys);

}  // namespace piperun::cli
