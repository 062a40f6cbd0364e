#include "runtime/connectors/kafka/topic_log.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/commit/kafka/admin.h"

namespace piperun::kafka {

using base::ErrorCode;
using base::Result;
using commit::PartitionName;

PartitionName partition_of(const rd_kafka_message_t& message) { return {rd_kafka_topic_name(message.rkt), message.partition}; }

Result<TopicLog> TopicLog::open(const ClientSettings& settings) {
  const Properties promise = {{"isolation.level", "read_committed"},
                              {"enable.partition.eof", "true"},
                              {"check.crcs", "true"},
                              {"enable.auto.commit", "false"},
                              {"auto.offset.reset", "error"}};
  const Properties defaults = {
      {"fetch.wait.max.ms", "100"}, {"fetch.queue.backoff.ms", "20"}, {"queued.max.messages.kbytes", "16384"}};
  auto client = Client::open(RD_KAFKA_CONSUMER, settings, promise, std::make_unique<ClientState>(), {}, defaults);
  if (!client) return std::unexpected(client.error());
  return TopicLog(std::move(*client));
}

TopicLog::TopicLog(Client client) : client_(std::move(client)), queue_(rd_kafka_queue_new(client_.get())) {}

TopicLog::~TopicLog() {
  if (client_.get() == nullptr) return;
  for (const Started& each : started_) rd_kafka_consume_stop(each.topic.get(), each.partition.number);
}

Result<void> TopicLog::start(const PartitionName& partition, std::int64_t offset) {
  TopicPtr topic(rd_kafka_topic_new(client_.get(), partition.topic.c_str(), nullptr));
  if (!topic || rd_kafka_consume_start_queue(topic.get(), partition.number, offset, queue_.get()) != 0)
    return failed(rd_kafka_last_error(), fmt::format("reading {}[{}]", partition.topic, partition.number));
  started_.push_back({std::move(topic), partition});
  return {};
}

void TopicLog::stop(const PartitionName& partition) {
  const auto found = std::ranges::find(started_, partition, &Started::partition);
  if (found == started_.end()) return;
  rd_kafka_consume_stop(found->topic.get(), partition.number);
  started_.erase(found);
}

Result<MessagePtr> TopicLog::next(std::int64_t wait) {
  rd_kafka_poll(client_.get(), 0);
  if (auto error = client_.state().take_error()) return std::unexpected(std::move(*error));
  MessagePtr message(rd_kafka_consume_queue(queue_.get(), milliseconds(wait)));
  if (!message || message->err == RD_KAFKA_RESP_ERR_NO_ERROR || message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) return message;
  if (code_of(message->err) == ErrorCode::SystemUnavailable) return nullptr;
  const PartitionName partition = partition_of(*message);
  return failed(message->err, fmt::format("reading {}[{}]", partition.topic, partition.number),
                rd_kafka_message_errstr(message.get()));
}

// Those that are not at their end yet.
Result<std::vector<TopicLog::Ending>> TopicLog::begin_reading(std::span<const PartitionOffset> from) {
  std::vector<PartitionName> names;
  for (const PartitionOffset& each : from) names.push_back(each.partition);
  const auto begins = list_offsets(handle(), names, kEarliest);
  if (!begins) return std::unexpected(begins.error());
  const auto ends = list_offsets(handle(), names, kLatest);
  if (!ends) return std::unexpected(ends.error());
  std::vector<Ending> result;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::int64_t offset = std::max(from[i].offset, (*begins)[i]);
    if (offset >= (*ends)[i]) continue;
    if (auto started = start(names[i], offset); !started) return std::unexpected(started.error());
    result.push_back({names[i], offset, (*ends)[i]});
  }
  return result;
}

}  // namespace piperun::kafka
