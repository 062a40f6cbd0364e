// The producer of a Kafka domain: its epochs, its transaction, and what goes into it.
#include "runtime/commit/kafka/kafka_domain.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "runtime/commit/kafka/admin.h"
#include "runtime/commit/kafka/groups.h"
#include "runtime/commit/kafka/key_shards.h"

namespace piperun::kafka {

using base::Error;
using base::ErrorClass;
using base::ErrorCode;
using base::Result;

namespace {

constexpr std::int64_t kInitDeadline = 60'000'000;
constexpr std::int64_t kFlushDeadline = 60'000'000;
constexpr std::int64_t kFenceWindow = 30'000'000;  // met twice within it: another process has the slot
constexpr std::size_t kFencesTooMany = 2;

std::map<std::string, std::string> progress_topics(const DomainSettings& settings) {
  std::map<std::string, std::string> result;
  for (const std::string& outbox : settings.outboxes) result[outbox] = progress_topic(settings.pipeline, settings.unit, outbox);
  return result;
}

ErrorClass class_of(const Error& error) { return base::traits(error.code).error_class; }

}  // namespace

KafkaDomain::KafkaDomain(DomainSettings settings, Consumer* member, base::Clock& clock)
    : settings_(std::move(settings)),
      member_(member),
      clock_(clock),
      group_(fmt::format("{}.{}", settings_.pipeline, settings_.unit)),
      replay_topic_(kafka::replay_topic(settings_.pipeline, settings_.unit)),
      ledger_(replay_topic_, progress_topics(settings_)),
      keys_(std::make_unique<Keys>()) {}

KafkaDomain::~KafkaDomain() { drop_producer(); }

void KafkaDomain::drop_producer() {
  producer_.reset();
  is_open_ = false;
  is_spent_ = false;
}

// A commit was given up, or its outcome is not known.
void KafkaDomain::forget_changes() {
  ledger_.drop();
  rows_.clear();
  handled_.clear();
  keys_->drop();
}

// ---- Epochs

Result<void> KafkaDomain::init_producer() {
  drop_producer();
  forget_changes();
  while (!fences_.empty() && clock_.monotonic() - fences_.front() > kFenceWindow) fences_.pop_front();
  if (fences_.size() >= kFencesTooMany) {
    return base::failure(ErrorCode::LostOwnership,
                         fmt::format("another process works as `{}.{}.{}`: it has twice taken over within "
                                     "{} s; give one of them a state directory of its own",
                                     group_, settings_.slot, settings_.worker, kFenceWindow / 1'000'000));
  }
  ProducerSettings wanted;
  wanted.transactional_id = fmt::format("{}.{}.{}", group_, settings_.slot, settings_.worker);
  wanted.transaction_timeout = settings_.transaction_timeout;
  auto opened = Producer::open(settings_.client, wanted);
  if (!opened) return std::unexpected(opened.error());
  producer_ = std::move(*opened);
  if (auto done = producer_->init_transactions(kInitDeadline); !done) return std::unexpected(settle(std::move(done.error())));
  return {};
}

// What a failed call leaves: no open transaction, and mostly no producer either.
Error KafkaDomain::settle(Fault fault) {
  Error error = std::move(fault.error);
  switch (fault.kind) {
    case Fault::Kind::Again:
    case Fault::Kind::Abort: abort(); break;
    case Fault::Kind::Fenced:
      fences_.push_back(clock_.monotonic());
      error.code = ErrorCode::SystemUnavailable;  // once may be our own transaction that took too long
      [[fallthrough]];
    case Fault::Kind::Recover:
      drop_producer();
      forget_changes();
      is_unclear_ = true;
      if (class_of(error) == ErrorClass::Data) error.code = ErrorCode::SystemUnavailable;
      break;
  }
  return error;
}

Result<void> KafkaDomain::retire_producer_if_unclear() {
  if (producer_ && producer_->is_tainted()) {
    spdlog::info("a request of a transaction was not answered: new producer epoch group={} slot={}", group_, settings_.slot);
    is_spent_ = true;
  }
  return {};
}

// ---- The transaction

Result<void> KafkaDomain::begin() {
  if (!producer_ || is_spent_) {
    if (auto done = init_producer(); !done) return done;
  }
  if (auto begun = producer_->begin(); !begun) return std::unexpected(settle(std::move(begun.error())));
  is_open_ = true;
  return {};
}

Result<void> KafkaDomain::commit() {
  if (!is_open_) return base::failure(ErrorCode::SystemUnavailable, fmt::format("group {}: no transaction is open", group_));
  is_open_ = false;
  if (auto done = producer_->commit(); !done) return std::unexpected(settle(std::move(done.error())));
  ledger_.settle();
  keys_->settle();
  rows_.clear();
  handled_.clear();
  remove_doomed();  // tells what fails
  if (!settings_.is_transactional) drop_producer();  // it was for manifest and first positions
  else if (producer_->is_tainted()) is_spent_ = true;
  return {};
}

void KafkaDomain::abort() {
  is_open_ = false;
  forget_changes();
  if (!producer_) return;
  is_spent_ = true;  // a request of it may be under way still; and see issue #4849
  if (!producer_->is_open()) return;
  if (auto done = producer_->abort(); !done) {
    // A record of it was refused first: only the end of the transaction says that another has the slot.
    if (done.error().kind == Fault::Kind::Fenced) fences_.push_back(clock_.monotonic());
    drop_producer();
  }
}

void KafkaDomain::release() {
  drop_producer();
  writer_.reset();
  reader_.reset();
  own_consumer_.reset();
  forget_changes();
  claimed_.clear();
  owned_.clear();
  keys_->close();
}

// ---- Records of our own topics

// Replicated as the source is.
Result<void> KafkaDomain::make_topic(rd_kafka_t* handle, const OwnRecord& record) {
  if (claimed_.empty() || claimed_.front().topic == Ledger::kReplay) {
    return create_topic(handle, record.topic, record.partitions, configuration(record.kind));
  }
  return create_internal_topic(handle, {record.topic, record.partitions, is_compacted(record.kind)},
                               ledger_.stored_name(claimed_.front()).topic);
}

Result<void> KafkaDomain::write_to(Producer& producer, std::span<const OwnRecord> records) {
  for (const OwnRecord& record : records) {
    auto topic = producer.topic(record.topic);
    if (!topic && topic.error().code == ErrorCode::NoSuchTopic) {
      if (record.partitions == 0) return missing_changelog(record.topic);
      if (auto made = make_topic(producer.handle(), record); !made) return made;
      topic = producer.topic(record.topic);
      // It is made: whoever does not know it yet will.
      if (!topic && topic.error().code == ErrorCode::NoSuchTopic) topic.error().code = ErrorCode::SystemUnavailable;
    }
    if (!topic) return std::unexpected(topic.error());
    std::vector<RecordHeader> headers;
    for (const auto& [name, value] : record.headers) {
      headers.push_back({name, value ? std::optional<std::string_view>(*value) : std::nullopt});
    }
    NewRecord made;
    made.key = record.key;
    if (record.value) made.value = *record.value;
    made.headers = headers;
    made.partition = record.partition;
    if (auto done = producer.produce(*topic, made); !done) return done;
  }
  return {};
}

// A transaction of its own: fenced like that of a batch, as far as this worker has positions.
Result<void> KafkaDomain::begin_own() {
  if (auto begun = begin(); !begun) return begun;
  if (member_ == nullptr || owned_.empty()) return {};
  auto offsets = ledger_.unchanged(owned_);
  auto member = membership();
  if (!offsets || !member) {
    abort();
    return std::unexpected(!offsets ? offsets.error() : member.error());
  }
  if (offsets->empty()) return {};
  if (auto sent = producer_->send_offsets(*offsets, *member); !sent) return std::unexpected(settle(std::move(sent.error())));
  return {};
}

Result<void> KafkaDomain::write(std::span<const OwnRecord> records) {
  if (records.empty()) return {};
  if (is_open_) return write_to(*producer_, records);
  if (settings_.is_transactional && !settings_.slot.empty()) {
    if (auto begun = begin_own(); !begun) return begun;
    if (auto done = write_to(*producer_, records); !done) {
      abort();
      return done;
    }
    return commit();
  }
  if (!writer_) {
    auto opened = Producer::open(settings_.client, {});
    if (!opened) return std::unexpected(opened.error());
    writer_ = std::move(*opened);
  }
  if (auto done = write_to(*writer_, records); !done) return done;
  auto done = writer_->flush(kFlushDeadline);
  if (!done) writer_.reset();  // the rest of it must not come later, behind what is written next
  return done;
}

// ---- Clients

Result<TopicReader*> KafkaDomain::reader() {
  if (!reader_) {
    constexpr std::int64_t kWorker = 9'000'000, kPerson = 60'000'000;  // a worker may be asked to stop, and tries again
    auto opened = TopicReader::open(settings_.client, member_ == nullptr ? kPerson : kWorker);
    if (!opened) return std::unexpected(opened.error());
    reader_ = std::move(*opened);
  }
  return &*reader_;
}

Result<Consumer*> KafkaDomain::consumer() {
  if (member_ != nullptr) return member_;
  if (!own_consumer_) {
    ConsumerSettings wanted;
    wanted.group = group_;
    auto opened = Consumer::open(settings_.client, wanted);
    if (!opened) return std::unexpected(opened.error());
    own_consumer_ = std::move(*opened);
  }
  return own_consumer_.get();
}

Result<rd_kafka_t*> KafkaDomain::handle() {
  if (member_ != nullptr) return member_->handle();
  auto opened = reader();
  if (!opened) return std::unexpected(opened.error());
  return (*opened)->handle();
}

}  // namespace piperun::kafka
