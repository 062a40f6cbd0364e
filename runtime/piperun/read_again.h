// What sinks make of records that are read a second time, for commands that move a unit back.
#pragma once
#include <string>
#include <vector>

#include "lang/ir/program.h"
#include "runtime/piperun/stores.h"

namespace piperun::cli {

// One line for each sink of the unit where a repeat is seen; none for one that a row's key, or kept keys of `dedup`, protect.
std::vector<std::string> what_repeats_do(const ir::Program& program, const ir::Unit& unit, bool keeps_keys);

// The same on the error output, where FILE says what the sinks are.
void warn_of_repeats(const StoreSet& set, const std::string& unit, bool keeps_keys, World& world);

}  // namespace piperun::cli
