// The last step of compiling: cut into units, prove each, and refuse what is weaker than what the file promises.
#pragma once
#include <vector>

#include "lang/diag/report.h"
#include "lang/ir/program.h"
#include "lang/plan/places.h"
#include "lang/prove/explore.h"

namespace piperun::prove {

// One per unit; its verdicts are in the order of Unit::sinks.
struct Proof {
  std::vector<Verdict> verdicts;
};

std::vector<Proof> prove(const ir::Program& program);

// Lowered in, ready to run out: units with protocols, optimized row functions, proofs. Reports P0401, P0410 to P0418 and P0510;
// with errors in the report the program is not to be run. `optimized`: false keeps the stages as written, for `explain`.
std::vector<Proof> compile(ir::Program& program, const plan::Places& places, diag::Report& report, bool optimized = true);

}  // namespace piperun::prove
