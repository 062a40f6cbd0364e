#include "runtime/connectors/kafka/topic_inspector.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "runtime/commit/kafka/admin.h"
#include "runtime/commit/kafka/groups.h"
#include "runtime/commit/kafka/producer.h"
#include "runtime/connectors/kafka/message_slab.h"
#include "runtime/connectors/kafka/topic_log.h"
#include "runtime/connectors/kafka/topic_positions.h"

namespace piperun::kafka {

using base::ErrorCode;
using base::Result;
using connectors::ListedTopic;
using connectors::PutRecord;

namespace {

constexpr std::int64_t kDeadline = 60'000'000;

std::optional<std::string> copy(const std::optional<std::string_view>& text) {
  return text ? std::optional<std::string>(*text) : std::nullopt;
}

connectors::TopicRecord inspected(rd_kafka_message_t& message) {
  rd_kafka_message_t* const one[] = {&message};
  const record::Slab slab = slab_of(one, 0);
  const record::RawRecord& found = slab.records.front();
  connectors::TopicRecord result{message.partition, found.offset, found.timestamp, copy(found.key), copy(found.value), {}};
  for (const record::Header& header : found.headers) result.headers.emplace_back(header.name, copy(header.value));
  return result;
}

Result<void> unless_failed(Outcome<void> outcome) {
  if (outcome) return {};
  return std::unexpected(std::move(outcome.error().error));
}

std::string random_name() {
  std::random_device random;
  return fmt::format("piperun-put-{:08x}{:08x}", random(), random());
}

}  // namespace

Result<TopicInspector> TopicInspector::open(const ClientSettings& settings) {
  auto admin = open_admin(settings);
  if (!admin) return std::unexpected(admin.error());
  return TopicInspector(settings, std::move(*admin));
}

Result<std::vector<std::string>> TopicInspector::names() {
  const auto all = list_topics(admin_.get());
  if (!all) return std::unexpected(all.error());
  std::vector<std::string> result;
  for (const TopicDescription& each : *all) {
    if (!each.is_internal) result.push_back(each.name);
  }
  return result;
}

Result<std::vector<ListedTopic>> TopicInspector::topics() {
  const auto all = names();
  if (!all) return std::unexpected(all.error());
  std::vector<ListedTopic> result;
  for (const std::string& name : *all) {
    auto partitions = topic_partitions(admin_.get(), name);
    if (!partitions) return std::unexpected(partitions.error());
    result.push_back({name, std::move(*partitions)});
  }
  return result;
}

Result<ListedTopic> TopicInspector::topic(const std::string& name) {
  auto partitions = topic_partitions(admin_.get(), name);
  if (!partitions) return std::unexpected(partitions.error());
  return ListedTopic{name, std::move(*partitions)};
}

Result<std::vector<connectors::TopicRecord>> TopicInspector::peek(const std::string& name, std::int32_t partition,
                                                                  std::int64_t from, std::int64_t limit) {
  const auto found = topic(name);
  if (!found) return std::unexpected(found.error());
  std::vector<PartitionOffset> starts;
  for (const connectors::Partition& each : found->partitions) {
    if (partition < 0 || each.number == partition) starts.push_back({{name, each.number}, from, {}});
  }
  if (starts.empty()) {
    return base::failure(ErrorCode::NoSuchTopic,
                         fmt::format("topic `{}` has the partitions 0 to {}", name, found->partitions.size() - 1));
  }
  auto log = TopicLog::open(settings_);
  if (!log) return std::unexpected(log.error());
  std::vector<std::vector<connectors::TopicRecord>> by_partition(found->partitions.size());
  if (limit <= 0) starts.clear();
  auto read = log->read_to_ends(starts, [&](rd_kafka_message_t& message) {
    auto& records = by_partition[static_cast<std::size_t>(message.partition)];
    records.push_back(inspected(message));
    return static_cast<std::int64_t>(records.size()) < limit;
  });
  if (!read) return std::unexpected(read.error());
  std::vector<connectors::TopicRecord> result;
  for (auto& records : by_partition) std::ranges::move(records, std::back_inserter(result));
  return result;
}

Result<std::map<std::string, std::vector<connectors::TopicRecord>>> TopicInspector::first_partitions(
    std::span<const std::string> topics) {
  std::map<std::string, std::vector<connectors::TopicRecord>> result;
  if (topics.empty()) return result;
  auto log = TopicLog::open(settings_);
  if (!log) return std::unexpected(log.error());
  std::vector<PartitionOffset> starts;
  for (const std::string& each : topics) starts.push_back({{each, 0}, -1, {}});
  auto read = log->read_to_ends(starts, [&](rd_kafka_message_t& message) {
    result[rd_kafka_topic_name(message.rkt)].push_back(inspected(message));
    return true;
  });
  if (!read) return std::unexpected(read.error());
  return result;
}

Result<bool> TopicInspector::is_compacted(const std::string& name) {
  const auto policy = cleanup_policy(admin_.get(), name);
  if (!policy) return std::unexpected(policy.error());
  return policy->find("compact") != std::string::npos;
}

Result<std::int64_t> TopicInspector::count(const std::string& name) {
  const auto found = topic(name);
  if (!found) return std::unexpected(found.error());
  std::vector<PartitionOffset> starts;
  for (const connectors::Partition& each : found->partitions) starts.push_back({{name, each.number}, -1, {}});
  auto log = TopicLog::open(settings_);
  if (!log) return std::unexpected(log.error());
  std::int64_t records = 0;
  auto read = log->read_to_ends(starts, [&](rd_kafka_message_t&) { return ++records, true; });
  if (!read) return std::unexpected(read.error());
  return records;
}

Result<void> TopicInspector::put(const std::string& name, std::span<const PutRecord> records, bool is_atomic,
                                 std::int32_t partitions_if_missing) {
  if (partitions_if_missing > 0) {
    if (auto made = create_topic(admin_.get(), name, partitions_if_missing, {}); !made) return made;
  }
  auto producer = Producer::open(settings_, {.transactional_id = is_atomic ? random_name() : ""});
  if (!producer) return std::unexpected(producer.error());
  const auto topic = (*producer)->topic(name);
  if (!topic) return std::unexpected(topic.error());
  const std::int32_t partitions = (*producer)->partitions(name);
  if (is_atomic) {
    if (auto ready = unless_failed((*producer)->init_transactions(kDeadline)); !ready) return ready;
    if (auto begun = unless_failed((*producer)->begin()); !begun) return begun;
  }
  for (const PutRecord& each : records) {
    if (each.partition >= partitions)
      return base::failure(ErrorCode::NoSuchTopic, fmt::format("topic `{}` has the partitions 0 to {}", name, partitions - 1));
    NewRecord record;
    record.key = each.key;
    record.value = each.value;
    record.partition = each.partition;
    record.timestamp = each.timestamp;
    if (auto done = (*producer)->produce(*topic, record); !done) return done;
  }
  return is_atomic ? unless_failed((*producer)->commit()) : (*producer)->flush(kDeadline);
}

}  // namespace piperun::kafka
