// The order in which a program lists its units.
#pragma once
#include "lang/ir/program.h"

namespace piperun::plan {

// A writer of a link before its readers; else units that write links first, and by name. Units that feed each other stay in that order.
void order_units(ir::Program& program);

}  // namespace piperun::plan
