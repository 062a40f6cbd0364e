// The partitions of a topic with their bounds, and what `start` means in one of them.
#pragma once
#include <string>
#include <vector>

#include "runtime/commit/kafka/client.h"
#include "runtime/connectors/source.h"

namespace piperun::kafka {

// By number. `end`: behind the last record of a settled transaction. NoSuchTopic says how to make it.
base::Result<std::vector<connectors::Partition>> topic_partitions(rd_kafka_t* handle, const std::string& topic);

// earliest, latest, an RFC 3339 time (the first record at or after it); `none` and anything else: PositionGone.
base::Result<std::int64_t> resolve_start(rd_kafka_t* handle, const commit::PartitionName& partition, const std::string& start);

}  // namespace piperun::kafka
