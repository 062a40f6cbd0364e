#include "runtime/connectors/kafka/kafka_table.h"

#include <fmt/format.h>

#include <algorithm>
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
  Newest newest;
  auto read = log_.read_to_ends(starts, [&](const rd_kafka_message_t& message) {
    next[static_cast<std::size_t>(message.partition)] = message.offset + 1;
    Record record = record_of(message);
    newest.insert_or_assign(identity(record), std::move(record));
    return true;
  });
  if (!read) return read;
  if (auto taken = take_all(std::move(newest)); !taken) return taken;
  for (std::size_t i = 0; i < starts.size(); ++i) {
    if (auto started = log_.start(starts[i].partition, next[i]); !started) return started;
  }
  return {};
}

Result<void> KafkaTable::follow() {
  Newest newest;
  const auto until = std::chrono::steady_clock::now() + kLongestFollow;
  while (std::chrono::steady_clock::now() < until) {
    const auto message = log_.next(0);
    if (!message) return std::unexpected(message.error());
    if (!*message) break;
    if ((*message)->err != RD_KAFKA_RESP_ERR_NO_ERROR) continue;
    Record record = record_of(**message);
    newest.insert_or_assign(identity(record), std::move(record));
  }
  return newest.empty() ? Result<void>() : take_all(std::move(newest));
}

KafkaTable::Record KafkaTable::record_of(const rd_kafka_message_t& message) {
  Record result{message.partition, message.offset, {}, {}};
  if (message.key != nullptr) result.key.emplace(text(message.key, message.key_len));
  if (message.payload == nullptr) return result;
  result.value.emplace(text(message.payload, message.len));
  result.value->append(record::kPadding, '\0');
  return result;
}

// Of records without a message key nothing but the row's key tells which of them replaces which.
std::string KafkaTable::identity(const Record& record) {
  if (record.key) return *record.key;
  const auto key = record.value ? row_key(record) : Result<std::string>(std::string());
  return key ? *key : fmt::format("{}[{}]", record.partition, record.offset);
}

// Rows that go make room first: a key may have moved from one message key to another.
Result<void> KafkaTable::take_all(Newest newest) {
  for (const auto& [message_key, record] : newest) remove(message_key);
  std::vector<Record> records;
  for (auto& [message_key, record] : newest) {
    if (record.value) records.push_back(std::move(record));
  }
  std::ranges::sort(records, {}, [](const Record& each) { return std::pair(each.partition, each.offset); });
  for (Record& record : records) {
    if (auto taken = take(std::move(record)); !taken) return taken;
  }
  return {};
}

base::Error KafkaTable::bad(const Record& record, const std::string& why) const {
  const char* mend = record.key ? "a newer record with the same message key, or one without a value, mends it"
                                : "it has no message key, so none can take its place: delete the records of the topic up to it";
  return {
      ErrorCode::SchemaMismatch,
      fmt::format("table {}: {}[{}] record {}: {}; {}", table_.name, table_.object, record.partition, record.offset, why, mend),
      {},
      -1};
}

Result<std::string> KafkaTable::row_key(const Record& record) {
  scratch_.reset();
  value::Cell* cells = scratch_.cells(width_);
  const std::string_view value(record.value->data(), record.value->size() - record::kPadding);
  if (const auto fault = decoder_->decode(value, scratch_, cells)) return std::unexpected(bad(record, fault->detail));
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

Result<void> KafkaTable::take(Record record) {
  auto key = row_key(record);
  if (!key) return std::unexpected(key.error());
  if (rows_.contains(*key)) return std::unexpected(bad(record, "there is a record with this key and another message key"));
  row_keys_[record.key.value_or(*key)] = *key;
  rows_[std::move(*key)] = std::move(*record.value);
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
    const std::string& stored = found->second;
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
