// What `piperun explain FILE` prints: what happens to a record, where a unit commits, what a kill at each step does, and what is proved.
#pragma once
#include <string>
#include <vector>

#include "lang/ir/program.h"
#include "lang/prove/prove.h"

namespace piperun::prove {

// `proofs`: one per unit. Stages appear as they are in the dataflow: compile with `optimized = false` to see them all; with `places`
// each appears as the file has it.
std::string explain(const ir::Program& program, const std::vector<Proof>& proofs, const plan::Places* places = nullptr);

}  // namespace piperun::prove
