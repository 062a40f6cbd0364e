#include "runtime/commit/kafka/producer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>
#include <utility>

#include "runtime/commit/kafka/consumer.h"

namespace piperun::kafka {

using base::ErrorClass;
using base::ErrorCode;
using base::Result;

namespace {

constexpr std::int64_t kProduceDeadline = 60'000'000;
constexpr std::int64_t kAbortDeadline = 10'000'000;
constexpr std::int64_t kMetadataDeadline = 10'000'000;

bool is_data(rd_kafka_resp_err_t code) { return base::traits(code_of(code)).error_class == ErrorClass::Data; }

bool is_fencing(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR__FENCED || code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
         code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH;
}

// Not written either, for a record that came with them.
bool is_innocent(rd_kafka_resp_err_t code) { return code == RD_KAFKA_RESP_ERR__INVALID_DIFFERENT_RECORD; }

// Records that only went with another's failure.
bool is_consequence(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR__PURGE_QUEUE || code == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT;
}

rd_kafka_vu_t bytes_argument(rd_kafka_vtype_t type, const std::optional<std::string_view>& bytes) {
  rd_kafka_vu_t result{};
  result.vtype = type;
  if (!bytes) return result;
  result.u.mem.ptr = const_cast<char*>(bytes->data() == nullptr ? "" : bytes->data());  // null would be a record without it
  result.u.mem.size = bytes->size();
  return result;
}

}  // namespace

struct Producer::State final : ClientState {
  std::mutex mutex;
  std::vector<Undelivered> undelivered;

  // Called for failures alone, in the thread that polls.
  static void on_delivery(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
    auto& state = static_cast<State&>(*static_cast<ClientState*>(opaque));
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) return;
    const std::lock_guard lock(state.mutex);
    state.undelivered.push_back(
        {reinterpret_cast<std::uintptr_t>(message->_private), rd_kafka_topic_name(message->rkt), message->err});
  }
};

Result<std::unique_ptr<Producer>> Producer::open(const ClientSettings& client, const ProducerSettings& settings) {
  Properties promise = {{"partitioner", "murmur2_random"},
                        {"delivery.report.only.error", "true"},
                        {"enable.idempotence", settings.is_idempotent ? "true" : "false"}};
  if (settings.is_idempotent) promise.emplace_back("acks", "all");
  if (settings.transactional_id.empty()) {
    promise.emplace_back("message.timeout.ms", "0");  // whoever waits decides when it failed
  } else {
    promise.emplace_back("transactional.id", settings.transactional_id);
    promise.emplace_back("transaction.timeout.ms", std::to_string(milliseconds(settings.transaction_timeout)));
  }
  const Properties defaults = {{"linger.ms", std::to_string(milliseconds(settings.linger))},
                               {"batch.size", std::to_string(settings.batch_bytes)},
                               {"queue.buffering.max.messages", "500000"},
                               {"queue.buffering.max.kbytes", "262144"},
                               {"retry.backoff.max.ms", "500"}};
  auto state = std::make_unique<State>();
  State& reference = *state;
  auto opened = Client::open(
      RD_KAFKA_PRODUCER, client, promise, std::move(state),
      [](rd_kafka_conf_t* conf) { rd_kafka_conf_set_dr_msg_cb(conf, State::on_delivery); }, defaults);
  if (!opened) return std::unexpected(opened.error());
  return std::unique_ptr<Producer>(new Producer(std::move(*opened), reference));
}

Producer::~Producer() {
  if (client_.get() == nullptr) return;
  rd_kafka_purge(client_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
  topics_.clear();  // a handle with topics in use would wait for them
}

Result<rd_kafka_topic_t*> Producer::topic(const std::string& name) {
  if (const auto known = topics_.find(name); known != topics_.end()) return known->second.get();
  TopicPtr topic(rd_kafka_topic_new(handle(), name.c_str(), nullptr));
  if (!topic) return failed(rd_kafka_last_error(), fmt::format("topic {}", name));
  const rd_kafka_metadata_t* read = nullptr;
  const auto error = rd_kafka_metadata(handle(), 0, topic.get(), &read, milliseconds(kMetadataDeadline));
  const std::string during = fmt::format("asking for topic {}", name);
  if (is_silence(error)) return unanswered(handle(), during);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return failed(error, during);
  const MetadataPtr metadata(read);
  if (metadata->topic_cnt != 1 || metadata->topics[0].err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return failed(metadata->topic_cnt != 1 ? RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART : metadata->topics[0].err,
                  fmt::format("topic {}", name));
  }
  partitions_[name] = metadata->topics[0].partition_cnt;
  return (topics_[name] = std::move(topic)).get();
}

std::int32_t Producer::partitions(const std::string& name) const {
  const auto found = partitions_.find(name);
  return found == partitions_.end() ? 0 : found->second;
}

Result<void> Producer::produce(rd_kafka_topic_t* topic, const NewRecord& record, std::uint64_t tag) {
  std::array<rd_kafka_vu_t, 8> arguments{};
  std::size_t count = 0;
  arguments[count].vtype = RD_KAFKA_VTYPE_RKT;
  arguments[count++].u.rkt = topic;
  arguments[count].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
  arguments[count++].u.i = RD_KAFKA_MSG_F_COPY;
  arguments[count].vtype = RD_KAFKA_VTYPE_OPAQUE;
  arguments[count++].u.ptr = reinterpret_cast<void*>(tag);
  arguments[count++] = bytes_argument(RD_KAFKA_VTYPE_VALUE, record.value);
  if (record.key) arguments[count++] = bytes_argument(RD_KAFKA_VTYPE_KEY, record.key);
  if (record.partition >= 0) {
    arguments[count].vtype = RD_KAFKA_VTYPE_PARTITION;
    arguments[count++].u.i32 = record.partition;
  }
  if (record.timestamp > 0) {
    arguments[count].vtype = RD_KAFKA_VTYPE_TIMESTAMP;
    arguments[count++].u.i64 = record.timestamp / 1000;
  }
  const std::int64_t until = steady_now() + kProduceDeadline;
  for (;;) {
    std::size_t used = count;
    if (!record.headers.empty()) {  // taken over by each call that succeeds
      rd_kafka_headers_t* headers = rd_kafka_headers_new(record.headers.size());
      for (const RecordHeader& header : record.headers) {
        rd_kafka_header_add(headers, header.name.data(), static_cast<ssize_t>(header.name.size()),
                            header.value ? (header.value->data() == nullptr ? "" : header.value->data()) : nullptr,
                            header.value ? static_cast<ssize_t>(header.value->size()) : 0);
      }
      arguments[used].vtype = RD_KAFKA_VTYPE_HEADERS;
      arguments[used++].u.headers = headers;
    }
    const ErrorPtr error(rd_kafka_produceva(handle(), arguments.data(), used));
    if (!error) return {};
    if (!record.headers.empty()) rd_kafka_headers_destroy(arguments[count].u.headers);
    const rd_kafka_resp_err_t code = rd_kafka_error_code(error.get());
    if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL || steady_now() > until)
      return failed(code, fmt::format("writing to topic {}", rd_kafka_topic_name(topic)), rd_kafka_error_string(error.get()));
    rd_kafka_poll(handle(), 10);
  }
}

// What became of records, as one error; they are forgotten.
std::optional<base::Error> Producer::refusal(std::vector<std::uint64_t>* refused) {
  const std::vector<Undelivered> all = take_undelivered();
  const Undelivered* worst = nullptr;
  std::vector<std::uint64_t> tags;
  std::size_t guilty = 0;
  for (const Undelivered& each : all) {
    if (is_data(each.code)) ++guilty;
    if (is_data(each.code) || is_innocent(each.code)) tags.push_back(each.tag);
    if (worst == nullptr || is_consequence(worst->code) || (is_data(each.code) && !is_data(worst->code))) worst = &each;
  }
  if (worst == nullptr) return std::nullopt;
  base::Error error = error_of(worst->code, fmt::format("writing to topic {}", worst->topic));
  if (guilty == 1 && is_data(worst->code)) error.row = static_cast<std::int64_t>(worst->tag);
  if (refused != nullptr) *refused = std::move(tags);
  return error;
}

std::vector<Undelivered> Producer::take_undelivered() {
  const std::lock_guard lock(state_.mutex);
  return std::exchange(state_.undelivered, {});
}

Result<void> Producer::flush(std::int64_t deadline, std::vector<std::uint64_t>* refused) {
  const rd_kafka_resp_err_t error = rd_kafka_flush(handle(), milliseconds(deadline));
  if (auto wrong = refusal(refused)) return std::unexpected(std::move(*wrong));
  if (auto fatal = state_.take_error()) return std::unexpected(std::move(*fatal));
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  return failed(error,
                fmt::format("{} records are not acknowledged after {} s", rd_kafka_outq_len(handle()), deadline / 1'000'000));
}

Fault Producer::fault_of(rd_kafka_error_t* error, const char* during) {
  const ErrorPtr owned(error);
  rd_kafka_resp_err_t code = rd_kafka_error_code(error);
  char words[512] = "";
  if (code == RD_KAFKA_RESP_ERR__FATAL) code = rd_kafka_fatal_error(handle(), words, sizeof words);
  Fault fault{Fault::Kind::Recover, error_of(code, during, rd_kafka_error_string(error))};
  if (is_fencing(code) || is_fencing(rd_kafka_fatal_error(handle(), words, sizeof words))) {
    fault.kind = Fault::Kind::Fenced;
    fault.error.code = ErrorCode::LostOwnership;
  } else if (rd_kafka_error_is_fatal(error)) {
    fault.kind = Fault::Kind::Recover;
  } else if (rd_kafka_error_txn_requires_abort(error)) {
    fault.kind = Fault::Kind::Abort;
    rd_kafka_poll(handle(), 0);
    // Records that were dropped with the transaction say nothing about why.
    if (auto refused = refusal(); refused && refused->code != ErrorCode::SystemUnavailable) fault.error = std::move(*refused);
  } else if (rd_kafka_error_is_retriable(error)) {
    fault.kind = Fault::Kind::Again;
  }
  return fault;
}

Outcome<void> Producer::init_transactions(std::int64_t deadline) {
  const std::int64_t until = steady_now() + deadline;
  for (;;) {
    rd_kafka_error_t* error = rd_kafka_init_transactions(handle(), std::max(1, milliseconds(until - steady_now())));
    if (error == nullptr) return {};
    Fault fault = fault_of(error, "starting transactions");
    if (fault.kind != Fault::Kind::Again || steady_now() >= until) return std::unexpected(std::move(fault));
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

Outcome<void> Producer::begin() {
  if (rd_kafka_error_t* error = rd_kafka_begin_transaction(handle()))
    return std::unexpected(fault_of(error, "beginning a transaction"));
  is_open_ = true;
  return {};
}

Outcome<void> Producer::send_offsets(std::span<const PartitionOffset> offsets, const Membership& member) {
  const PartitionList list = partition_list(offsets);
  for (;;) {
    rd_kafka_error_t* error = rd_kafka_send_offsets_to_transaction(handle(), list.get(), member.metadata(), -1);
    if (error == nullptr) return {};
    const bool is_outdated = rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION;
    Fault fault = fault_of(error, "storing positions in the transaction");
    // The group has come to its next generation since `member` was asked for: who keeps its partitions meanwhile tries again.
    if (is_outdated && member.keeps_partitions()) fault.error.code = ErrorCode::SystemUnavailable;
    if (fault.kind != Fault::Kind::Again) return std::unexpected(std::move(fault));
  }
}

// A limited wait could say "failed" of what is committed later (issue #4558).
Outcome<void> Producer::commit() {
  for (;;) {
    rd_kafka_error_t* error = rd_kafka_commit_transaction(handle(), -1);
    if (error == nullptr) break;
    Fault fault = fault_of(error, "committing the transaction");
    if (fault.kind != Fault::Kind::Again) return std::unexpected(std::move(fault));
  }
  is_open_ = false;
  return {};
}

Outcome<void> Producer::abort() {
  rd_kafka_error_t* error = rd_kafka_abort_transaction(handle(), milliseconds(kAbortDeadline));
  is_open_ = false;
  take_undelivered();
  if (error == nullptr) return {};
  return std::unexpected(fault_of(error, "aborting the transaction"));
}

}  // namespace piperun::kafka
