// `to EVENTS after ROWS` where the two have no transaction in common: what goes to EVENTS lies in the system of ROWS first, committed
// with them, and a unit of its own carries it on.
#pragma once
#include <optional>
#include <vector>

#include "lang/plan/cut.h"

namespace piperun::plan {

struct Relay {
  ir::NodeId output = 0;
  ir::SystemId through = 0;  // the system of ROWS
  std::vector<Port> from;  // what leads to the output
};

// The relay that this output needs, if any. Reports P0401 if the system of ROWS has no transactions to hold it.
std::optional<Relay> relay_of(Cut& cut, ir::NodeId output);

// The part that commits with ROWS writes the link, the relay's part reads it. What the first one only reads from a chain itself, the
// relay would read from there: then nothing binds the two, and the file is refused (P0413).
void cut_relay(Cut& cut, ir::SystemId source, const Relay& relay);

}  // namespace piperun::plan
