// `group = "old"`: a source begins where another consumer group stands.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "runtime/commit/kafka/client.h"

namespace piperun::kafka {

// Each group is asked once.
class OldPositions {
 public:
  // nullopt: the group has positions in the topic, but none in this partition. CannotOpen while a member of the group is active, for it
  // would go on reading beside us, and when the group has no position in the topic at all.
  base::Result<std::optional<std::int64_t>> find(rd_kafka_t* handle, const std::string& group,
                                                 const commit::PartitionName& partition);

 private:
  using Offsets = std::map<commit::PartitionName, std::int64_t>;
  static base::Result<Offsets> read(rd_kafka_t* handle, const std::string& group);
  std::map<std::string, Offsets> known_;
};

}  // namespace piperun::kafka
