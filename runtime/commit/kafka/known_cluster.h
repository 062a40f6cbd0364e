// Where a unit had its positions last, kept in the state directory: a cluster that has none of them is not told from a new beginning by
// anything that lies in it.
#pragma once
#include <string>

#include "runtime/commit/kafka/client.h"

namespace piperun::kafka {

// The file `<group>.cluster` has the id of the cluster. PositionGone, with both ids, when this is another one and the group has no
// positions here. Without the file, as in a state directory that is new, there is nothing to compare. CannotOpen when it cannot be written.
base::Result<void> check_known_cluster(rd_kafka_t* handle, const std::string& group, const std::string& state_dir);

}  // namespace piperun::kafka
