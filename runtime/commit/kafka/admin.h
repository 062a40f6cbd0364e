// Questions and changes that concern a cluster: topics, offsets, groups, settings of brokers. For connectors, start-up and the command
// line. Each is one request (or two) on the handle of any client and waits for the answer at most 20 s.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "runtime/commit/kafka/client.h"

namespace piperun::kafka {

// A client for questions alone.
base::Result<Client> open_admin(const ClientSettings& settings);

base::Result<std::string> cluster_id(rd_kafka_t* handle);

// ---- Topics

struct TopicDescription {
  std::string name;
  std::int32_t partitions = 0;
  std::int32_t replicas = 0;  // of each partition
  std::int32_t in_sync = 0;  // the least of any partition
  bool is_internal = false;  // the cluster's own: __consumer_offsets, __transaction_state
};
base::Result<std::vector<TopicDescription>> list_topics(rd_kafka_t* handle);  // by name
base::Result<TopicDescription> describe_topic(rd_kafka_t* handle, const std::string& name);  // NoSuchTopic
// The same of a topic that should be there: one of several brokers may not have heard of it yet.
base::Result<TopicDescription> find_topic(rd_kafka_t* handle, const std::string& name);
// All settings that are in force, `max.message.bytes` and the like. `name`: a topic's, or a broker's number.
enum class ConfigOf : std::uint8_t { Topic, Broker };
base::Result<std::map<std::string, std::string>> describe_config(rd_kafka_t* handle, ConfigOf kind, const std::string& name);
// "compact", "delete", or both with a comma; "": the broker does not say it.
base::Result<std::string> cleanup_policy(rd_kafka_t* handle, const std::string& topic);
base::Result<std::vector<std::int32_t>> brokers(rd_kafka_t* handle);
// Bytes of the largest batch, and so of the largest record with its frame, that this client sends and the topic takes. Not everybody may
// ask for a topic's settings: then what the client sends.
std::int64_t largest_sent(const ClientSettings& client);
base::Result<std::int64_t> largest_batch(rd_kafka_t* handle, const ClientSettings& client, const std::string& topic);

// What a topic of ours is made with, so that it holds what the source's topic holds: for ever, or the last of each key.
struct InternalTopic {
  std::string name;
  std::int32_t partitions = 1;
  bool is_compacted = false;
};
// Replicas and min.insync.replicas as topic `like` has them. One that is there already is left as it is.
base::Result<void> create_internal_topic(rd_kafka_t* handle, const InternalTopic& topic, const std::string& like);

// Records below these offsets are removed. Returns where each partition begins then.
base::Result<std::vector<PartitionOffset>> delete_records(rd_kafka_t* handle, std::span<const PartitionOffset> below);

// ---- Offsets

inline constexpr std::int64_t kEarliest = RD_KAFKA_OFFSET_SPEC_EARLIEST, kLatest = RD_KAFKA_OFFSET_SPEC_LATEST;
// `at`: kEarliest, kLatest, or milliseconds: the first record at or after that time, −1 if there is none. `committed_only`: the end is
// that of settled transactions. In the order of `partitions`. NoSuchTopic.
base::Result<std::vector<std::int64_t>> list_offsets(rd_kafka_t* handle, std::span<const commit::PartitionName> partitions,
                                                     std::int64_t at, bool committed_only = true);

// ---- Groups (see groups.h too)

struct GroupDescription {
  std::string group, state, protocol;  // Stable, Empty, Dead, PreparingRebalance …; range
  struct Member {
    std::string id, instance, client, host;
    std::vector<commit::PartitionName> partitions;
  };
  std::vector<Member> members;
};
base::Result<GroupDescription> describe_group(rd_kafka_t* handle, const std::string& group);  // of none: state Dead

}  // namespace piperun::kafka
