// Dead letters for a sink in another system than the one where the unit commits: they lie in an internal topic of that system first,
// stored with the fate of their records, and a unit of their own carries them on.
#pragma once
#include "lang/diag/report.h"
#include "lang/ir/program.h"
#include "lang/plan/places.h"

namespace piperun::plan {

// Under exactly_once: in each unit a policy with such a sink becomes one with the internal topic, and the units that relay are added,
// one per pair of systems. A sink that has no transactions, or is in another Kafka cluster than its letters, is refused (P0415).
void relay_dead_letters(ir::Program& program, const Places& places, diag::Report& report);

}  // namespace piperun::plan
