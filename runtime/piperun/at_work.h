// Whether a process works on a unit: who changes its positions from outside must not be overtaken by it.
#pragma once
#include <stop_token>

#include "runtime/piperun/stores.h"

namespace piperun::cli {

// LostOwnership, with who it is, while a process works on the unit. A member of a consumer group stays one for some seconds after its
// process has ended, so that long is waited, unless `stop` is asked for (SystemUnavailable). Units of database files may be taken over at any
// time and are never refused.
base::Result<void> wait_until_idle(const StoreSet& set, const StoredUnit& unit, commit::Domain& domain, World& world,
                                   const std::stop_token& stop = {});

}  // namespace piperun::cli
