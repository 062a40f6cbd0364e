// What the user of a connection may do in a cluster, as its authorizer answers.
#pragma once
#include <cstdint>
#include <string>

#include "runtime/commit/kafka/client.h"

namespace piperun::kafka {

struct Rights {
  bool is_known = false;  // false: the cluster does not tell
  bool read = false, write = false, create = false, describe_configs = false;
};

// A topic that is not there, or of whose existence the user may not know: NoSuchTopic.
base::Result<Rights> topic_rights(rd_kafka_t* handle, const std::string& topic);
base::Result<Rights> group_rights(rd_kafka_t* handle, const std::string& group);  // also of a group that is not there
base::Result<Rights> cluster_rights(rd_kafka_t* handle);
// A producer of that id may begin transactions. No request asks for this alone: one is announced, and the cluster remembers the id for a
// while (transactional.id.expiration.ms). Nobody else may use it.
base::Result<bool> may_begin_transactions(const ClientSettings& client, const std::string& transactional_id);

}  // namespace piperun::kafka
