#include "runtime/connectors/kafka/kafka_table.h"

#include <fmt/format.h>

#include <chrono>
#include <cstring>

#include "lang/value/key.h"
#include "runtime/connectors/kafka/topic_positions.h"
#include "runtime/record/slab.h"

namespace piperun::kafka {

using base::ErrorCode;
using base::Result;

namespace {

constexpr std::chrono::milliseconds kLongestFollow{100};  // a topic that never stands still must not hold up the batch

std::string_view text(const void* bytes, std::size_t size) {
  return {static_cast<const char*>(bytes), bytes == nullptr ? 0 : size};
}

}  // namespace

Result<std::unique_ptr<connectors::Table>> KafkaTable::open(const ClientSettings& client, const ir::Program& program,
                                                            const ir::Table& table) {
  auto log = TopicLog::open(client);
  if (!log) return std::unexpected(log.error());
  std::unique_ptr<KafkaTable> result(new KafkaTable(std::move(*log), program, table));
  if (auto loaded = result->load(); !loaded) return std::unexpected(loaded.error());
  return result;
}

KafkaTable::KafkaTable(TopicLog log, const ir::Program& program, const ir::Table& table)
    : log_(std::move(log)),
      program_(program),
      table_(table),
      fields_(program.types[table.type].fields),
      decoder_(record::make_decoder(program, table)) {
  for (const value::Field& field : fields_) {
    offsets_.push_back(width_);
    width_ += static_cast<std::size_t>(value::cells(program_.types[field.type]));
  }
}

Result<void> KafkaTable::load() {
  const auto partitions = topic_partitions(log_.handle(), table_.object);
  if (!partitions) return std::unexpected(partitions.error());
  std::vector<PartitionOffset> starts;
  std::vector<std::int64_t> next;
  for (const connectors::Partition& each : *partitions) {
    starts.push_back({{each.topic, each.number}, each.begin, {}});
    next.push_back(each.begin);
  }
  Result<void> taken;
  auto read = log_.read_to_ends(starts, [&](const rd_kafka_message_t& message) {
    next[static_cast<std::size_t>(message.partition)] = message.offset + 1;
    if (taken) taken = take(message);
    return taken.has_value();
  });
  if (!read) return read;
  if (!taken) return taken;
  for (std::size_t i = 0; i < starts.size(); ++i) {
    if (auto started = log_.start(starts[i].partition, next[i]); !started) return started;
  }
  return {};
}

Result<void> KafkaTable::follow() {
  const auto until = std::chrono::steady_clock::now() + kLongestFollow;
  while (std::chrono::steady_clock::now() < until) {
    const auto message = log_.next(0);
    if (!message) return std::unexpected(message.error());
    if (!*message) return {};
    if ((*message)->err != RD_KAFKA_RESP_ERR_NO_ERROR) continue;
    if (auto taken = take(**message); !taken) return taken;
  }
  return {};
}

base::Error KafkaTable::bad(const rd_kafka_message_t& message, const std::string& why) const {
  return {ErrorCode::SchemaMismatch,
          fmt::format("table {}: {}[{}] record {}: {}", table_.name, table_.object, message.partition, message.offset, why),
          {},
          -1};
}

Result<std::string> KafkaTable::row_key(const rd_kafka_message_t& message, std::string_view value) {
  scratch_.reset();
  value::Cell* cells = scratch_.cells(width_);
  if (const auto fault = decoder_->decode(value, scratch_, cells)) return std::unexpected(bad(message, fault->detail));
  std::string key;
  for (const int field : table_.key) {
    const auto i = static_cast<std::size_t>(field);
    value::encode_key(program_.types, fields_[i].type, cells + offsets_[i], key);
  }
  return key;
}

void KafkaTable::remove(const std::string& message_key) {
  const auto known = row_keys_.find(message_key);
  if (known == row_keys_.end()) return;
  rows_.erase(known->second);
  row_keys_.erase(known);
}

Result<void> KafkaTable::take(const rd_kafka_message_t& message) {
  std::string message_key(text(message.key, message.key_len));
  if (message.payload == nullptr) {
    remove(message_key);
    return {};
  }
  std::string value(text(message.payload, message.len));
  const std::size_t size = value.size();
  value.append(record::kPadding, '\0');
  auto key = row_key(message, std::string_view(value).substr(0, size));
  if (!key) return std::unexpected(key.error());
  if (message.key == nullptr) message_key = *key;  // nothing else tells rows apart
  const auto there = rows_.find(*key);
  if (there != rows_.end() && there->second.message_key != message_key)
    return std::unexpected(bad(message, "there is a record with this key and another message key"));
  if (const auto known = row_keys_.find(message_key); known != row_keys_.end() && known->second != *key) remove(message_key);
  row_keys_[message_key] = *key;
  rows_[std::move(*key)] = {std::move(value), std::move(message_key)};
  return {};
}

Result<void> KafkaTable::lookup(std::span<const value::Cell* const> keys, value::Arena& arena,
                                std::span<const value::Cell*> rows) {
  if (auto followed = follow(); !followed) return followed;
  std::string bytes;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    bytes.clear();
    const value::Cell* key = keys[i];
    for (const int field : table_.key) {
      const value::TypeId type = fields_[static_cast<std::size_t>(field)].type;
      value::encode_key(program_.types, type, key, bytes);
      key += value::cells(program_.types[type]);
    }
    rows[i] = nullptr;
    const auto found = rows_.find(bytes);
    if (found == rows_.end()) continue;
    // The strings of a row are views: into a copy, for the table may have another value before the batch is over.
    const std::string& stored = found->second.value;
    char* copy = arena.chars(stored.size());
    std::memcpy(copy, stored.data(), stored.size());
    value::Cell* cells = arena.cells(width_);
    if (const auto fault = decoder_->decode({copy, stored.size() - record::kPadding}, arena, cells))
      return base::failure(ErrorCode::SchemaMismatch, fmt::format("table {}: {}", table_.name, fault->detail));
    rows[i] = cells;
  }
  return {};
}

}  // namespace piperun::kafka
