// The part of `explain` about records: flows, stages, and the record type behind each.
#pragma once
#include <string>

#include "lang/ir/program.h"
#include "lang/plan/places.h"

namespace piperun::prove {

std::string explain_flows(const ir::Program& program, const ir::Dataflow& dataflow, const plan::Places* places);

}  // namespace piperun::prove
