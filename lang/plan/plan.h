// From the dataflow of all flows to units with protocols. Lowering comes before, lang/prove after.
#pragma once
#include "lang/diag/report.h"
#include "lang/ir/program.h"
#include "lang/plan/places.h"

namespace piperun::plan {

// Cuts, names, and gives each unit its protocol. False if the report has new errors; then the units are not to be used.
bool make_units(ir::Program& program, const Places& places, diag::Report& report);

}  // namespace piperun::plan
