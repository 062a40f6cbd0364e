#include "runtime/connectors/kafka/kafka_table.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>
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
                                                            const ir::Table& table, Misfit misfit) {
  auto log = TopicLog::open(client);
  if (!log) return std::unexpected(log.error());
  std::unique_ptr<KafkaTable> result(new KafkaTable(std::move(*log), program, table, misfit));
  if (auto loaded = result->load(); !loaded) return std::unexpected(loaded.error());
  return result;
}

KafkaTable::KafkaTable(TopicLog log, const ir::Program& program, const ir::Table& table, Misfit misfit)
    : log_(std::move(log)),
      program_(program),
      table_(table),
      misfit_(misfit),
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
  Record result{message.partition, message.offset, {}, {}, {}};
  if (message.key != nullptr) result.key.emplace(text(message.key, message.key_len));
  if (message.payload == nullptr) return result;
  result.value.emplace(text(message.payload, message.len));
  result.value->append(record::kPadding, '\0');
  return result;
}

// Of records without a message key nothing but the row's key tells which of them replaces which.
std::string KafkaTable::identity(const Record& record) {
  if (record.key) return *record.key;
  if (!record.value) return {};
  const auto key = row_key(record);
  return key ? *key : fmt::format("{}[{}]", record.partition, record.offset);
}

// Rows that go make room first: a key may have moved from one message key to another.
Result<void> KafkaTable::take_all(Newest newest) {
  for (auto& [message_key, record] : newest) record.former = remove(message_key);
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

std::string KafkaTable::words(const Record& record, const std::string& why) const {
  const char* mend = record.key ? "a newer record with the same message key, or one without a value, mends it"
                                : "it has no message key, so none can take its place: delete the records of the topic up to it";
  const char* pass = misfit_ == Misfit::Stops ? "; with `dead_letter = keep` it is passed over" : "";
  return fmt::format("table {}: {}[{}] record {}: {}; {}{}", table_.name, table_.object, record.partition, record.offset, why,
                     mend, pass);
}

std::expected<std::string, record::DecodeFault> KafkaTable::row_key(const Record& record) {
  scratch_.reset();
  value::Cell* cells = scratch_.cells(width_);
  const std::string_view value(record.value->data(), record.value->size() - record::kPadding);
  if (auto fault = decoder_->decode(value, scratch_, cells)) return std::unexpected(std::move(*fault));
  std::string key;
  for (const int field : table_.key) {
    const auto i = static_cast<std::size_t>(field);
    value::encode_key(program_.types, fields_[i].type, cells + offsets_[i], key);
  }
  return key;
}

// As most who write such topics do it: the message key is the text of the row's key, where that is one.
std::optional<std::string> KafkaTable::row_key_of(std::string_view message_key) {
  if (table_.key.size() != 1) return std::nullopt;
  const value::TypeId type = fields_[static_cast<std::size_t>(table_.key.front())].type;
  value::Cell cell = value::Cell::of(message_key);
  if (program_.types[type].kind == value::TypeKind::Int) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(message_key.data(), message_key.data() + message_key.size(), number);
    if (error != std::errc() || end != message_key.data() + message_key.size()) return std::nullopt;
    cell = value::Cell::of(number);
  } else if (program_.types[type].kind != value::TypeKind::String) {
    return std::nullopt;
  }
  std::string key;
  value::encode_key(program_.types, type, &cell, key);
  return key;
}

// Returns the key of the row that it had.
std::optional<std::string> KafkaTable::remove(const std::string& message_key) {
  if (auto row = row_keys_.extract(message_key)) {
    rows_.erase(row.mapped());
    return std::move(row.mapped());
  }
  auto passed = passed_keys_.extract(message_key);
  if (!passed) return std::nullopt;
  passed_over_.erase(passed.mapped());
  return std::move(passed.mapped());
}

Result<void> KafkaTable::take(Record record) {
  auto key = row_key(record);
  if (!key && misfit_ == Misfit::Stops) return base::failure(ErrorCode::SchemaMismatch, words(record, key.error().detail));
  if (!key) {
    pass_over(record, key.error());
    return {};
  }
  if (rows_.contains(*key)) {
    return base::failure(ErrorCode::SchemaMismatch, words(record, "there is a record with this key and another message key"));
  }
  row_keys_[record.key.value_or(*key)] = *key;
  rows_[std::move(*key)] = std::move(*record.value);
  return {};
}

void KafkaTable::pass_over(const Record& record, const record::DecodeFault& fault) {
  spdlog::warn("record of a table passed over table={} topic={} partition={} offset={} code={} error={}", table_.name,
               table_.object, record.partition, record.offset, base::traits(fault.code).code, fault.detail);
  auto key = record.former || !record.key ? record.former : row_key_of(*record.key);
  if (!key) return;
  passed_keys_[record.key.value_or(*key)] = *key;
  passed_over_[std::move(*key)] = {fault.code, words(record, fault.detail)};
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
    if (found == rows_.end()) {
      const auto passed = passed_over_.find(bytes);
      if (passed == passed_over_.end()) continue;
      return std::unexpected(base::Error{passed->second.code, passed->second.words, {}, static_cast<std::int64_t>(i)});
    }
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
