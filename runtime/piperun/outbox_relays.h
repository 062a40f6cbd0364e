// What a unit's relays keep in the outboxes that it reads, where a person moves or removes the unit's positions.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "runtime/commit/domain.h"
#include "runtime/connectors/connectors.h"
#include "runtime/piperun/stores.h"

namespace piperun::cli {

// Rows that go back into the future of a unit are kept from now on, so that no other relay removes them before they are sent again.
// `positions`: where each partition will go on; those of topics are left aside. Nothing without a FILE. PositionGone.
base::Result<void> keep_rows(const StoreSet& set, const UnitLedger& unit,
                             const std::map<commit::PartitionName, std::int64_t>& positions, World& world);

// The unit is forgotten: it keeps no row back any more. Nothing without a FILE, or for a unit that is not in it.
base::Result<void> forget_relays(const StoreSet& set, const std::string& unit, World& world);
// The same for all units of a run that has come to its end for good. A relay that another process of the run has at work is left to that
// one: it comes to the same end, and rows that it still has to read would go with the relay.
base::Result<void> forget_relays(const ir::Program& program, connectors::Connectors& connectors);

// For people: of which outboxes that a unit is to read from their beginning on, for the first time, others have sent rows already, which
// are gone then.
base::Result<std::vector<std::string>> outboxes_begun(const ir::Program& program);

}  // namespace piperun::cli
