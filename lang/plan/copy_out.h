// A unit out of the part of the graph that is its own: nodes with ids of their own, and all that they use.
#pragma once
#include "lang/plan/cut.h"

namespace piperun::plan {

// Without a protocol.
ir::Unit copy_out(const ir::Program& program, ir::SystemId source, ir::SystemId domain, const Part& part);

}  // namespace piperun::plan
