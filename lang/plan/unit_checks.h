// What no cut can mend: state where it cannot be kept, sources that cannot be read again, sinks that no transaction reaches.
#pragma once
#include "lang/plan/cut.h"

namespace piperun::plan {

void check_state(Cut& cut);                                            // P0412, P0414
void check_keys(Cut& cut, const ir::Unit& unit);                       // P0419
void check_source(Cut& cut, ir::SystemId source);                      // P0410
void check_cluster(Cut& cut, ir::SystemId source, ir::NodeId output);  // P0411
void check_positions(Cut& cut, ir::SystemId source, ir::NodeId output);  // P0420

}  // namespace piperun::plan
