// What a person asks the topics of a Kafka cluster: `topic list | peek | put`.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "runtime/commit/kafka/client.h"
#include "runtime/connectors/inspector.h"

namespace piperun::kafka {

class TopicInspector {
 public:
  static base::Result<TopicInspector> open(const ClientSettings& settings);

  base::Result<std::vector<connectors::ListedTopic>> topics();  // by name, without the cluster's own
  base::Result<std::vector<std::string>> names();  // the same without asking where they begin and end
  base::Result<connectors::ListedTopic> topic(const std::string& name);  // NoSuchTopic
  // From `from` on in one partition, or with -1 in each, partition after partition; -1: from the beginning. At most `limit` of each
  // partition. Committed records alone, up to the end of now. Gaps of offsets are transaction marks and what compaction removed.
  base::Result<std::vector<connectors::TopicRecord>> peek(const std::string& topic, std::int32_t partition, std::int64_t from,
                                                          std::int64_t limit);
  // What is committed in the first partition of each of these topics, all of them read at once.
  base::Result<std::map<std::string, std::vector<connectors::TopicRecord>>> first_partitions(std::span<const std::string> topics);
  base::Result<bool> is_compacted(const std::string& topic);
  // How many committed records are there. Reads them all.
  base::Result<std::int64_t> count(const std::string& topic);
  // Acknowledged when it returns. `is_atomic`: in one transaction. Makes a missing topic when `partitions_if_missing` > 0, else
  // NoSuchTopic.
  base::Result<void> put(const std::string& topic, std::span<const connectors::PutRecord> records, bool is_atomic,
                         std::int32_t partitions_if_missing = 0);

 private:
  TopicInspector(ClientSettings settings, Client admin) : settings_(std::move(settings)), admin_(std::move(admin)) {}
  ClientSettings settings_;
  Client admin_;
};

}  // namespace piperun::kafka
