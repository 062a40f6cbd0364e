// A run of --as that has come to its --until. Its manifests say so, and from then on it reads nothing more: so its positions are those
// at which another run may begin, whatever records come behind them.
#pragma once
#include <map>
#include <string>

#include "lang/plan/manifest.h"
#include "runtime/connectors/connectors.h"
#include "runtime/piperun/compile.h"

namespace piperun::cli {

// ManifestConflict when it cannot be read.
base::Result<plan::Manifest> parse_stored(const commit::Manifest& stored);

// Of the units that this pipeline id has or had, by unit. ManifestConflict when one cannot be read.
using StoredRun = std::map<std::string, plan::Manifest>;
base::Result<StoredRun> stored_run(const ir::Program& program, connectors::Connectors& connectors);
const plan::Manifest* find(const StoredRun& stored, const std::string& unit);  // null: it has not begun, or was taken over

// Every unit of the program has ended within these bounds.
bool has_ended(const Compiled& compiled, const StoredRun& stored);

// The program of a run that has ended: all it finds to do is dead letters that were asked for again.
void read_no_more(Compiled& compiled);

// Of all units; to be called when they have come to their end. May be repeated.
base::Result<void> mark_ended(const ir::Program& program, connectors::Connectors& connectors);

// Somebody moves its positions: the unit has not ended any more, if it had.
base::Result<void> unmark_ended(commit::Domain& domain, const std::string& unit);

}  // namespace piperun::cli
