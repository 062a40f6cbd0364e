#include "runtime/connectors/kafka/kafka_sink.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "runtime/commit/kafka/admin.h"

namespace piperun::kafka {

using base::ErrorClass;
using base::ErrorCode;
using base::Result;

namespace {

constexpr int kRowBits = 40;

bool is_compressed(const std::map<std::string, std::string>& properties) {
  for (const char* name : {"compression.type", "compression.codec"}) {
    if (const auto found = properties.find(name); found != properties.end() && found->second != "none") return true;
  }
  return false;
}

std::int64_t size_of(const connectors::OutputRow& row, const std::vector<std::string>& names) {
  std::size_t bytes = row.message_key.value_or("").size() + (row.remove ? 0 : row.encoded.value_or("").size());
  std::int64_t result = kBatchOverhead;
  for (std::size_t i = 0; i < names.size() && i < row.headers.size(); ++i) {
    bytes += names[i].size() + row.headers[i].value_or("").size();
    result += kHeaderOverhead;
  }
  return result + static_cast<std::int64_t>(bytes);
}

}  // namespace

Result<std::unique_ptr<connectors::Sink>> KafkaSink::open(const ClientSettings& client, SinkSettings settings,
                                                          OpenProducer joined) {
  std::unique_ptr<KafkaSink> sink(new KafkaSink(client, std::move(settings), std::move(joined)));
  if (auto ready = sink->prepare(); !ready) return std::unexpected(ready.error());
  return sink;
}

// The topic must be there. Its limit of sizes may be asked for only by some; without it the broker says what is too large.
Result<void> KafkaSink::prepare() {
  auto admin = open_admin(client_);
  if (!admin) return std::unexpected(admin.error());
  const auto topic = find_topic(admin->get(), settings_.topic);
  if (!topic) {
    if (topic.error().code != ErrorCode::NoSuchTopic) return std::unexpected(topic.error());
    return base::failure(
        ErrorCode::NoSuchTopic,
        fmt::format("sink {}: there is no topic `{}` in the cluster {}; make it: kafka-topics --create --topic {} "
                    "--partitions N --bootstrap-server {}",
                    settings_.name, settings_.topic, client_.name, settings_.topic, client_.brokers));
  }
  partitions_ = topic->partitions;
  const auto largest = largest_batch(admin->get(), client_, settings_.topic);
  if (!largest) return std::unexpected(largest.error());
  batch_bytes_ = *largest;
  most_bytes_ = is_compressed(client_.properties) ? largest_sent(client_) : batch_bytes_;
  return joined_ ? Result<void>{} : open_own();
}

Result<void> KafkaSink::open_own() {
  ProducerSettings settings;
  settings.batch_bytes = batch_bytes_;
  for (const char* name : {"acks", "request.required.acks"}) {
    if (const auto found = client_.properties.find(name); found != client_.properties.end()) settings.is_idempotent = false;
  }
  auto opened = Producer::open(client_, settings);
  if (!opened) return std::unexpected(opened.error());
  own_ = std::move(*opened);
  return {};
}

Result<Producer*> KafkaSink::producer() {
  if (joined_) {
    if (Producer* producer = joined_()) return producer;
    return base::failure(ErrorCode::SystemUnavailable, fmt::format("sink {}: no transaction is open", settings_.name));
  }
  if (!own_) {
    if (auto opened = open_own(); !opened) return std::unexpected(opened.error());
  }
  return own_.get();
}

// All before the first is written: where nothing can be taken back, a row that is refused later leaves those before it behind.
Result<void> KafkaSink::check_sizes(std::span<const connectors::OutputRow> rows) const {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::int64_t size = size_of(rows[i], settings_.headers);
    if (size <= most_bytes_) continue;
    return std::unexpected(base::Error{
        ErrorCode::Oversize,
        fmt::format("the record is {} bytes with its frame, and topic {} takes {}", size, settings_.topic, most_bytes_),
        {},
        static_cast<std::int64_t>(i)});
  }
  return {};
}

std::span<const RecordHeader> KafkaSink::headers_of(const connectors::OutputRow& row) {
  headers_.clear();
  for (std::size_t i = 0; i < settings_.headers.size() && i < row.headers.size(); ++i)
    headers_.push_back({settings_.headers[i], row.headers[i]});
  return headers_;
}

std::uint64_t KafkaSink::tag(std::uint64_t row) const { return (std::uint64_t{settings_.number} << kRowBits) | row; }

Result<void> KafkaSink::write(std::span<const connectors::OutputRow> rows) {
  if (auto fits = check_sizes(rows); !fits) return fits;
  const auto producer = this->producer();
  if (!producer) return std::unexpected(producer.error());
  const auto topic = (*producer)->topic(settings_.topic);
  if (!topic) return std::unexpected(topic.error());
  first_ = written_;
  last_ = rows;
  refused_.clear();
  for (const connectors::OutputRow& row : rows) {
    if (auto done = produce(**producer, *topic, row, written_); !done) return done;
    ++written_;
  }
  return {};
}

Result<void> KafkaSink::produce(Producer& producer, rd_kafka_topic_t* topic, const connectors::OutputRow& row,
                                std::uint64_t number) {
  NewRecord record;
  record.key = row.message_key;
  if (!row.remove) record.value = row.encoded;
  record.headers = headers_of(row);
  record.timestamp = row.timestamp;
  if (settings_.is_internal && !row.message_key && row.partition >= 0) record.partition = row.partition % partitions_;
  auto done = producer.produce(topic, record, tag(number));
  if (done) return {};
  base::Error error = std::move(done.error());
  const bool is_data = base::traits(error.code).error_class == ErrorClass::Data;
  error.row = is_data ? static_cast<std::int64_t>(number - first_) : -1;
  if (!is_data) own_.reset();
  return std::unexpected(std::move(error));
}

Result<void> KafkaSink::await() {
  if (!joined_ && !own_) return {};
  const auto producer = this->producer();
  if (!producer) return std::unexpected(producer.error());
  if (!refused_.empty()) return await_refused(**producer);
  std::vector<std::uint64_t> refused;
  auto done = (*producer)->flush(settings_.await_limit, &refused);
  if (done) return {};
  base::Error error = named(std::move(done.error()));
  if (base::traits(error.code).error_class != ErrorClass::Data) own_.reset();
  const bool are_last =
      std::ranges::all_of(refused, [this](std::uint64_t each) { return each >= tag(first_) && each < tag(written_); });
  if (!own_ || refused.size() < 2 || !are_last) return std::unexpected(std::move(error));
  std::ranges::sort(refused, std::greater{});
  refused_ = std::move(refused);
  return await_refused(**producer);
}

Result<void> KafkaSink::await_refused(Producer& producer) {
  const auto topic = producer.topic(settings_.topic);
  if (!topic) return std::unexpected(topic.error());
  while (!refused_.empty()) {
    const std::uint64_t number = refused_.back() - tag(0);
    refused_.pop_back();
    auto done = produce(producer, *topic, last_[number - first_], number);
    if (done) done = producer.flush(settings_.await_limit);
    else if (base::traits(done.error().code).error_class == ErrorClass::Data) return done;
    if (done) continue;
    base::Error error = named(std::move(done.error()));
    if (base::traits(error.code).error_class != ErrorClass::Data) {
      refused_.clear();
      own_.reset();
    }
    return std::unexpected(std::move(error));
  }
  return {};
}

// With the row of the last call instead of the tag that the producer says.
base::Error KafkaSink::named(base::Error error) const {
  if (error.row < 0) return error;
  const auto found = static_cast<std::uint64_t>(error.row);
  error.row = found >= tag(first_) && found < tag(written_) ? static_cast<std::int64_t>(found - tag(first_)) : -1;
  return error;
}

Result<std::string> KafkaSink::hidden_at() {
  if (!joined_) return std::string();
  if (!looking_) {
    auto opened = open_admin(client_);
    if (!opened) return std::unexpected(opened.error());
    looking_.emplace(std::move(*opened));
  }
  std::vector<commit::PartitionName> names;
  for (std::int32_t i = 0; i < partitions_; ++i) names.push_back({settings_.topic, i});
  if (ends_.empty()) {
    auto ends = list_offsets(looking_->get(), names, kLatest, false);
    if (!ends) return std::unexpected(ends.error());
    ends_ = std::move(*ends);
  }
  const auto visible = list_offsets(looking_->get(), names, kLatest);
  if (!visible) return std::unexpected(visible.error());
  for (std::size_t i = 0; i < names.size(); ++i) {
    if ((*visible)[i] < ends_[i]) return fmt::format("{}[{}]", settings_.topic, i);
  }
  return std::string();
}

}  // namespace piperun::kafka
