// The schema `piperun` of a database: positions, keys, dead letters, manifests and the ledger of its units.
#pragma once
#include "runtime/commit/postgres/session.h"

namespace piperun::postgres {

// In piperun.format. A database with a higher number was used by a later version and is refused.
inline constexpr int kFormatVersion = 2;

// Of pg_advisory_xact_lock: whoever creates tables, ours or a sink's, holds it.
inline constexpr std::int64_t kCreationLock = 0x706970'6572756eLL;

// Makes what is missing, or what an earlier format lacks, in one transaction; any number of processes may do it at once. CannotOpen, with the GRANT that helps, when the
// user may not; StoreDamaged when a later version was here.
base::Result<void> make_schema(Session& session);

// False: nothing of piperun is there. What an earlier version made is brought to this format.
base::Result<bool> has_schema(Session& session);

}  // namespace piperun::postgres
