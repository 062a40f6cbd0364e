// What a kind of system can do for a promise: hold a transaction, keep positions, be found again after a restart.
#pragma once
#include <string>
#include <vector>

#include "lang/ir/program.h"

namespace piperun::plan {

struct SystemTraits {
  const char* words;      // `a PostgreSQL database`
  bool transactions;      // output, keys, state and positions can take effect in one step
  bool keeps_positions;   // a source of this kind stores the positions of its readers
  bool group_managed;     // partitions are given out by a consumer group, whose generation fences old members
  const char* repeat;     // what a repeat looks like in a sink that is not in the transaction; "" for the others
};
const SystemTraits& traits(ir::SystemKind kind);

// A source of this kind may be spread over partitions by what its records hold.
bool has_partitions(ir::SystemKind kind);

// The fields of `partitioned_by`, which a source promises: records with equal ones are in one partition. Empty: it says nothing.
std::vector<std::string> partitioned_by(const ir::Source& source);

// A system as it really runs: under --local an embedded database stands in.
ir::SystemKind runs_as(const ir::System& system);

// `shop (an embedded database in place of a PostgreSQL database)`
std::string describe(const ir::System& system);

}  // namespace piperun::plan
