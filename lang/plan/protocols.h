// The protocols: for each guarantee and kind of commit domain the step lists of a unit. The prover explores them, `explain` prints
// them, the engine runs them.
#pragma once
#include "lang/ir/program.h"

namespace piperun::plan {

// What the executor does between the steps; the prover relies on it:
// - A list runs from its beginning to its end. After on_assign, and after on_unclear and on_poison, goes on `batch`, from `fetch`
//   (if on_unclear read the position) or from `process` (if on_poison did `reprocess`).
// - A step that failed for certain is tried again by itself; if a transaction is open, that is aborted and the batch runs again from
//   the step behind `fetch`. A step whose outcome is unknown leads to on_unclear: a failed `await` of queued writes (Step::later) too,
//   since what was queued is gone from this process and must be written again.
// - A step refused because the epoch is over leads to `release`: the process exits, or claims again if its group says so.
// - on_revoke and on_stop begin between two batches.
ir::Protocol protocol_of(const ir::Program& program, const ir::Unit& unit);

// Its records are rows of an outbox, which have no place in it before they are numbered, and are removed when they were sent. A
// stand-in's topic needs nothing of the kind.
bool reads_outbox(const ir::Program& program, const ir::Unit& unit);

// Can a transaction of the unit's domain hold what is written to this sink?
bool joins_transaction(const ir::Program& program, const ir::Unit& unit, ir::SinkId sink);

}  // namespace piperun::plan
