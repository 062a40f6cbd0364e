// Topics in a database file: named, cut into partitions, each a log of records with dense offsets.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/commit/embedded/database.h"

namespace piperun::embedded {

struct TopicPartition {
  std::int64_t id = 0;     // high part of its records' ids
  std::int32_t number = 0;
  std::int64_t begin = 0;  // offset of the first record
  std::int64_t end = 0;    // behind the last
};

struct Topic {
  std::string name;
  std::vector<TopicPartition> partitions;  // by number
};

struct NewRecord {
  std::int64_t timestamp = 0;                  // microseconds
  std::optional<std::string_view> key{}, value{};  // without a value: a tombstone
  std::string_view headers{};                  // as header_bytes.h writes them
  std::int32_t partition = -1;                 // -1: by key, and without one in turn
};

base::Result<std::vector<Topic>> list_topics(Database& database);
base::Result<std::optional<Topic>> find_topic(Database& database, const std::string& name);

// As it is if it is there already, with whatever number of partitions.
base::Result<Topic> make_topic(Database& database, const std::string& name, std::int64_t partitions);

// In the open transaction, or one of its own. Records with equal keys go to one partition (murmur2, as Kafka's clients do it); without
// a key they go round, beginning behind the last: the same input makes the same topic. NoSuchTopic.
base::Result<void> append_records(Database& database, const std::string& topic, std::span<const NewRecord> records);

// Removes the records of a partition below `offset`; what stays keeps its offsets. Never beyond the end.
base::Result<void> trim_partition(Database& database, const std::string& topic, std::int32_t number, std::int64_t offset);

std::uint32_t murmur2(std::string_view key);

}  // namespace piperun::embedded
