// Where a drain ends in the partitions that a member reads: at the high watermarks of when this was asked first. What an open transaction
// has written was there, too: it is waited for, as whoever reads committed records is given it, or learns that it was aborted.
#pragma once
#include <map>
#include <span>

#include "runtime/commit/kafka/client.h"
#include "runtime/connectors/kafka/progress.h"

namespace piperun::kafka {

// For one thread. All times are monotonic microseconds.
class DrainEnd {
 public:
  explicit DrainEnd(const ClientSettings& client) : client_(client) {}

  // Tells once for which transaction it waits.
  base::Result<bool> is_reached(std::int64_t now, std::span<const Progress> reading);

 private:
  struct Waiting {  // for the rest of a partition
    Progress reading;
    std::int64_t since = 0;
  };
  base::Result<void> find_ends(std::span<const Progress> reading);
  void tell(std::int64_t now, const Progress& reading);

  const ClientSettings& client_;
  Client asking_;  // behind a fetch the member's client would answer only when that has waited its time
  std::map<commit::PartitionName, std::int64_t> ends_;
  Waiting waiting_;
  bool is_told_ = false;
};

}  // namespace piperun::kafka
