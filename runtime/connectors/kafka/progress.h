// How far a member of a group has read a partition.
#pragma once
#include <algorithm>
#include <cstdint>

#include "runtime/commit/domain.h"

namespace piperun::kafka {

struct Progress {
  commit::PartitionName partition;
  std::int64_t next = 0;  // the offset that comes next
  std::int64_t seen_end = -1;  // where the client found the end last; -1: it has not

  // Behind the last record there may be the mark of its transaction, which nobody is handed.
  std::int64_t reached() const { return std::max(next, seen_end); }
};

}  // namespace piperun::kafka
