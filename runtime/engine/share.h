// What a worker has of the partitions of its unit.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "runtime/engine/batch.h"

namespace piperun::engine {

// The one more source that a unit reads: dead letters that were asked for again.
inline constexpr const char* kReplayTopic = "#replay";

struct Share {
  std::vector<ReadPartition> all;  // partitions of the unit; the last is that of replayed dead letters
  std::vector<std::uint32_t> mine;  // of this worker: indices into `all`
  bool is_first = false;  // it writes the manifest, seeds the positions, replays dead letters: one worker of the unit

  std::size_t replay() const { return all.size() - 1; }

  // all.size(): there is no such partition.
  std::size_t index_of(const commit::PartitionName& name) const {
    return static_cast<std::size_t>(std::ranges::find(all, name, &ReadPartition::name) - all.begin());
  }
  std::vector<commit::PartitionName> names() const {
    std::vector<commit::PartitionName> names;
    for (const std::uint32_t index : mine) names.push_back(all[index].name);
    return names;
  }
};

}  // namespace piperun::engine
