#include "runtime/connectors/kafka/message_slab.h"

#include <cstring>
#include <vector>

namespace piperun::kafka {

namespace {

struct Block final : record::SlabOwner {
  explicit Block(std::size_t size) : bytes(std::make_unique_for_overwrite<char[]>(size)) {}
  std::unique_ptr<char[]> bytes;
};

// Null: none. Asking costs an allocation in the client each time, also where there is none: once per message.
rd_kafka_headers_t* headers_of(const rd_kafka_message_t& message) {
  rd_kafka_headers_t* headers = nullptr;
  return rd_kafka_message_headers(&message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR ? headers : nullptr;
}

template <typename Visit>
void each_header(const rd_kafka_headers_t* headers, Visit visit) {
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  for (std::size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR; ++i) {
    visit(std::string_view(name),
          value == nullptr ? std::nullopt : std::optional(std::string_view(static_cast<const char*>(value), size)));
  }
}

std::size_t bytes_of(const rd_kafka_headers_t* headers) {
  std::size_t result = 0;
  each_header(headers, [&](std::string_view name, std::optional<std::string_view> value) {
    result += name.size() + (value ? value->size() : 0);
  });
  return result;
}

}  // namespace

std::int64_t time_of(const rd_kafka_message_t& message) {
  rd_kafka_timestamp_type_t type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
  const std::int64_t milliseconds = rd_kafka_message_timestamp(&message, &type);
  return type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE || milliseconds < 0 ? 0 : milliseconds * 1000;
}

record::Slab slab_of(std::span<rd_kafka_message_t* const> messages, std::uint32_t partition) {
  std::size_t total = record::kPadding;
  std::vector<const rd_kafka_headers_t*> headers(messages.size());
  for (std::size_t i = 0; i < messages.size(); ++i) {
    headers[i] = headers_of(*messages[i]);
    total += messages[i]->key_len + messages[i]->len + (headers[i] == nullptr ? 0 : bytes_of(headers[i]));
  }
  auto block = std::make_unique<Block>(total);
  char* next = block->bytes.get();
  const auto copy = [&next](const void* bytes, std::size_t size) {
    const std::string_view result(next, size);
    if (size > 0) std::memcpy(next, bytes, size);
    next += size;
    return result;
  };
  record::Slab slab;
  slab.partition = partition;
  slab.records.reserve(messages.size());
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const rd_kafka_message_t* message = messages[i];
    record::RawRecord& record = slab.records.emplace_back();
    record.offset = message->offset;
    record.next = message->offset + 1;
    record.timestamp = time_of(*message);
    if (message->key != nullptr) record.key = copy(message->key, message->key_len);
    if (message->payload != nullptr) record.value = copy(message->payload, message->len);
    if (headers[i] == nullptr) continue;
    each_header(headers[i], [&](std::string_view name, std::optional<std::string_view> value) {
      const std::string_view own_name = copy(name.data(), name.size());
      record.headers.push_back({own_name, value ? std::optional(copy(value->data(), value->size())) : std::nullopt});
    });
  }
  std::memset(next, 0, record::kPadding);
  slab.owner = std::move(block);
  return slab;
}

}  // namespace piperun::kafka
