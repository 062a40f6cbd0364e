// Cuts the dataflow of all flows into units: parts with positions, keys, state, dead letters and output in one transaction of one
// system. Two units that need the same stateful part get it from a third one, through an internal topic.
#pragma once
#include "lang/diag/report.h"
#include "lang/ir/program.h"
#include "lang/plan/places.h"

namespace piperun::plan {

// Fills `units` and `links`, adds state stores and internal topics to systems, sources and sinks, and names nameless operators.
// The protocols are still empty. What no cut can mend is reported (P0410 to P0414, P0510).
void cut(ir::Program& program, const Places& places, diag::Report& report);

}  // namespace piperun::plan
