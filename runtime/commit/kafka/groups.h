// All offsets of a consumer group, and topics of ours made and removed: requests on the handle of any client, as those of admin.h.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runtime/commit/kafka/client.h"

namespace piperun::kafka {

// The committed offsets of all partitions; only of settled transactions: while one is open that has some, it waits. After `patience`
// (microseconds) those are taken that were committed before it; without one it is an outage, after two minutes.
base::Result<std::vector<PartitionOffset>> group_offsets(rd_kafka_t* handle, const std::string& group,
                                                         std::optional<std::int64_t> patience = {});
// Those of topics that a member subscribes to stay; they are returned.
base::Result<std::vector<PartitionOffset>> delete_group_offsets(rd_kafka_t* handle, const std::string& group);

// One that is there already is left as it is. `replication` -1: the cluster's default. Returns when writers can find it.
base::Result<void> create_topic(rd_kafka_t* handle, const std::string& name, std::int32_t partitions,
                                const std::map<std::string, std::string>& config, std::int32_t replication = -1);
// Another one after a topic was made again.
base::Result<std::string> topic_id(rd_kafka_t* handle, const std::string& name);
base::Result<void> delete_topic(rd_kafka_t* handle, const std::string& name);  // also when there is none

}  // namespace piperun::kafka
