#include "runtime/commit/kafka/topic_reader.h"

#include <fmt/format.h>

#include <chrono>

#include "runtime/commit/kafka/admin.h"

namespace piperun::kafka {

using base::Result;
using commit::PartitionName;

namespace {

using Steady = std::chrono::steady_clock;

std::optional<std::string> text(const void* bytes, std::size_t size) {
  if (bytes == nullptr) return std::nullopt;
  return std::string(static_cast<const char*>(bytes), size);
}

TopicRecord record_of(const rd_kafka_message_t& message) {
  TopicRecord result;
  result.offset = message.offset;
  result.key = text(message.key, message.key_len);
  result.value = text(message.payload, message.len);
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return result;
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  for (std::size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR; ++i) {
    result.headers.emplace_back(name, text(value, size));
  }
  return result;
}

}  // namespace

Result<TopicReader> TopicReader::open(const ClientSettings& settings, std::int64_t patience) {
  static const std::pair<std::string, std::string> promise[] = {
      {"isolation.level", "read_committed"}, {"enable.partition.eof", "true"}, {"check.crcs", "true"},
      {"enable.auto.commit", "false"},       {"auto.offset.reset", "error"},   {"fetch.wait.max.ms", "100"}};
  auto client = Client::open(RD_KAFKA_CONSUMER, settings, promise, std::make_unique<ClientState>());
  if (!client) return std::unexpected(client.error());
  return TopicReader(std::move(*client), patience);
}

Result<std::int64_t> TopicReader::end(const PartitionName& partition) {
  if (!known_.contains(partition.topic)) {  // of what is not there the client would look for a leader
    if (const auto topic = describe_topic(client_.get(), partition.topic); !topic) return std::unexpected(topic.error());
    known_.insert(partition.topic);
  }
  const auto ends = list_offsets(client_.get(), std::span(&partition, 1), kLatest, false);
  if (ends) return ends->front();
  known_.erase(partition.topic);
  return std::unexpected(ends.error());
}

Result<std::int64_t> TopicReader::read(const PartitionName& partition, std::int64_t from, const Visit& visit) {
  const auto until = end(partition);
  if (!until) return until;
  if (from == *until) return from;
  if (from > *until) {
    return base::failure(base::ErrorCode::PositionGone,
                         fmt::format("{}/{} ends at {}, before {}", partition.topic, partition.number, *until, from));
  }
  const TopicPtr topic(rd_kafka_topic_new(client_.get(), partition.topic.c_str(), nullptr));
  const QueuePtr queue(rd_kafka_queue_new(client_.get()));
  const std::int64_t begin = from == kFromBeginning ? std::int64_t{RD_KAFKA_OFFSET_BEGINNING} : from;
  if (rd_kafka_consume_start_queue(topic.get(), partition.number, begin, queue.get()) != 0) {
    return failed(rd_kafka_last_error(), fmt::format("reading {}/{}", partition.topic, partition.number));
  }
  auto done = consume(partition, queue.get(), *until, visit);
  rd_kafka_consume_stop(topic.get(), partition.number);
  return done;
}

Result<std::int64_t> TopicReader::consume(const PartitionName& partition, rd_kafka_queue_t* queue, std::int64_t end,
                                          const Visit& visit) {
  auto heard = Steady::now();
  while (Steady::now() - heard < std::chrono::microseconds(patience_)) {
    const MessagePtr message(rd_kafka_consume_queue(queue, 100));
    if (!message) continue;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      heard = Steady::now();
      if (message->offset >= end) return end;
      visit(record_of(*message));
    } else if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      if (message->offset >= end) return end;
    } else if (code_of(message->err) != base::ErrorCode::SystemUnavailable) {
      return failed(message->err, fmt::format("reading {}/{}", partition.topic, partition.number),
                    rd_kafka_message_errstr(message.get()));
    }
  }
  return failed(RD_KAFKA_RESP_ERR__TIMED_OUT,
                fmt::format("reading {}/{} to its end at {}", partition.topic, partition.number, end));
}

}  // namespace piperun::kafka
