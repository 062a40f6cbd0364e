// Finds a client that has stopped fetching, which librdkafka's own threads have been seen to do, without a word.
#pragma once
#include <functional>
#include <span>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/connectors/kafka/progress.h"

namespace piperun::kafka {

// For one thread. All times are monotonic microseconds.
class StallWatch {
 public:
  using Ends = std::function<base::Result<std::vector<std::int64_t>>(std::span<const commit::PartitionName>)>;

  // A partition has stalled when records of it lie there for `patience`, and none has come.
  explicit StallWatch(std::int64_t patience) : patience_(patience) {}

  bool is_due(std::int64_t now) const { return now - looked_at_ >= patience_; }

  // To be called when it is due, and all that the client has fetched is taken. `ends`: where partitions end for a reader of committed data;
  // where that cannot be said now, nobody is blamed. LostOwnership names a partition that has stalled.
  base::Result<void> look(std::int64_t now, std::span<const Progress> reading, const Ends& ends);

  // Other partitions, or other places, are read from now on.
  void forget(std::int64_t now);

 private:
  struct Behind {  // what lay there at the last look
    Progress reading;
    std::int64_t end;
  };
  const std::int64_t patience_;
  std::int64_t looked_at_ = 0;
  std::vector<Behind> behind_;
};

}  // namespace piperun::kafka
