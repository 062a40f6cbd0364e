#include "runtime/commit/kafka/client.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <mutex>
#include <thread>
#include <vector>

namespace piperun::kafka {

using base::ErrorCode;
using base::Result;

namespace {

constexpr int kErrorLevel = 3;  // of syslog

void on_log(const rd_kafka_t* handle, int level, const char* facility, const char* words) {
  if (level < kErrorLevel) {
    spdlog::warn("kafka client={} facility={} {}", rd_kafka_name(handle), facility, words);
  } else {
    spdlog::debug("kafka client={} facility={} {}", rd_kafka_name(handle), facility, words);
  }
}

// The settings are wrong, not the network.
bool is_untrusted(rd_kafka_resp_err_t error, std::string_view reason) {
  return error == RD_KAFKA_RESP_ERR__SSL && reason.find("certificate verify failed") != std::string_view::npos;
}

void on_error(rd_kafka_t* handle, int code, const char* reason, void* opaque) {
  auto& state = *static_cast<ClientState*>(opaque);
  const auto error = static_cast<rd_kafka_resp_err_t>(code);
  if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
    state.all_brokers_down = true;
  } else if (error == RD_KAFKA_RESP_ERR__FATAL) {
    char words[512] = "";
    const rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(handle, words, sizeof words);
    state.set_error(error_of(fatal, "the Kafka client cannot go on", words));
  } else if (code_of(error) == ErrorCode::CannotOpen || is_untrusted(error, reason)) {
    base::Error told = error_of(
        error, fmt::format("no connection to the Kafka cluster at {} (connection {})", state.brokers, state.connection), reason);
    told.code = ErrorCode::CannotOpen;
    state.set_error(std::move(told));
  } else {
    state.set_trouble(reason);
  }
}

bool belongs_to_transaction(std::int16_t api_key) {
  constexpr std::int16_t kAddPartitionsToTxn = 24, kAddOffsetsToTxn = 25, kEndTxn = 26, kTxnOffsetCommit = 28;
  return api_key == kAddPartitionsToTxn || api_key == kAddOffsetsToTxn || api_key == kEndTxn || api_key == kTxnOffsetCommit;
}

// Called from librdkafka's threads. `error` is of the transport: an answer of the broker, also a refusal, comes without.
rd_kafka_resp_err_t on_response(rd_kafka_t*, int, const char*, std::int32_t, std::int16_t api_key, std::int16_t, std::int32_t,
                                std::size_t, std::int64_t, rd_kafka_resp_err_t error, void* opaque) {
  auto& state = *static_cast<ClientState*>(opaque);
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) state.all_brokers_down = false;
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR && belongs_to_transaction(api_key)) state.tainted = true;
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_resp_err_t on_new(rd_kafka_t* handle, const rd_kafka_conf_t*, void* opaque, char*, std::size_t) {
  return rd_kafka_interceptor_add_on_response_received(handle, "piperun", on_response, opaque);
}

Result<void> set(rd_kafka_conf_t* conf, const ClientSettings& settings, const std::string& name, const std::string& value) {
  char words[512] = "";
  if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), words, sizeof words) == RD_KAFKA_CONF_OK) return {};
  return base::failure(ErrorCode::CannotOpen, fmt::format("connection {}: {}", settings.name, words));
}

}  // namespace

void ClientState::set_error(base::Error error) {
  const std::lock_guard lock(mutex_);
  error_ = std::move(error);
}

std::optional<base::Error> ClientState::take_error() {
  const std::lock_guard lock(mutex_);
  return std::exchange(error_, std::nullopt);
}

bool ClientState::has_error() {
  const std::lock_guard lock(mutex_);
  return error_.has_value();
}

void ClientState::set_trouble(std::string words) {
  const std::lock_guard lock(mutex_);
  trouble_ = std::move(words);
}

std::string ClientState::trouble() {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

namespace {

// What a person can do about what librdkafka says of a connection.
constexpr std::pair<std::string_view, std::string_view> kAdvice[] = {
    {"Connection refused", "nothing listens there; start a broker, or mend `brokers`"},
    {"Failed to resolve", "the name is not known here; mend `brokers`"},
    {"Invalid response size",
     "what listens there does not speak Kafka's protocol; mend `brokers`, or say `security` if it wants TLS"},
    {"SSL", "TLS fails; see `security`, and whether this port wants TLS"},
    {"timed out", "what listens there does not answer; see whether it hangs, or mend `brokers`"},
    {"in state APIVERSION_QUERY",
     "what listens there ends the connection; mend `brokers`, or say `security` if it wants TLS or SASL"},
};

std::string_view advice_for(std::string_view trouble) {
  const auto known =
      std::ranges::find_if(kAdvice, [&](const auto& each) { return trouble.find(each.first) != std::string_view::npos; });
  return known == std::end(kAdvice) ? "see whether it runs and can be reached from here" : known->second;
}

// Without the name of the connection in front and the count of repetitions behind.
std::string detail_of(std::string_view trouble) {
  if (trouble.empty()) return "";
  if (const std::size_t name = trouble.find("/bootstrap: "); name != std::string_view::npos) trouble.remove_prefix(name + 12);
  return fmt::format(" (librdkafka: {})", trouble.substr(0, trouble.find(" (after ")));
}

// A client that cannot be made has freed the interceptors of its configuration already, and would free them again with it.
void keep_for_good(rd_kafka_conf_t* conf) {
  static std::mutex mutex;
  static auto& kept = *new std::vector<rd_kafka_conf_t*>;
  const std::lock_guard lock(mutex);
  kept.push_back(conf);
}

}  // namespace

std::unexpected<base::Error> unanswered(rd_kafka_t* handle, const std::string& during) {
  ClientState& state = ClientState::of(handle);
  if (auto error = state.take_error()) {
    error->message = fmt::format("{}: {}", during, error->message);
    return std::unexpected(std::move(*error));
  }
  const std::string trouble = state.trouble();
  return base::failure(ErrorCode::SystemUnavailable,
                       fmt::format("{}: no broker of the cluster answers at {} (connection {}): {}{}", during, state.brokers,
                                   state.connection, advice_for(trouble), detail_of(trouble)));
}

Result<Client> Client::open(rd_kafka_type_t type, const ClientSettings& settings,
                            std::span<const std::pair<std::string, std::string>> promise, std::unique_ptr<ClientState> state,
                            const std::function<void(rd_kafka_conf_t*)>& prepare, const Properties& defaults) {
  Properties all = {{"bootstrap.servers", settings.brokers}, {"client.id", settings.client_id},
                    {"socket.keepalive.enable", "true"},     {"socket.nagle.disable", "true"},
                    {"reconnect.backoff.max.ms", "2000"},    {"log.connection.close", "false"},
                    {"enable.metrics.push", "false"},        {"allow.auto.create.topics", "false"}};
  all.insert(all.end(), defaults.begin(), defaults.end());
  all.insert(all.end(), settings.security.begin(), settings.security.end());
  all.insert(all.end(), settings.properties.begin(), settings.properties.end());
  all.insert(all.end(), promise.begin(), promise.end());
  ConfPtr conf(rd_kafka_conf_new());
  for (const auto& [name, value] : all) {
    if (auto done = set(conf.get(), settings, name, value); !done) return std::unexpected(done.error());
  }
  state->connection = settings.name;
  state->brokers = settings.brokers;
  rd_kafka_conf_set_opaque(conf.get(), state.get());
  rd_kafka_conf_set_log_cb(conf.get(), on_log);
  rd_kafka_conf_set_error_cb(conf.get(), on_error);
  rd_kafka_conf_interceptor_add_on_new(conf.get(), "piperun", on_new, state.get());
  if (prepare) prepare(conf.get());
  char words[512] = "";
  rd_kafka_t* handle = rd_kafka_new(type, conf.get(), words, sizeof words);
  rd_kafka_conf_t* given = conf.release();  // the handle has it now
  if (handle == nullptr) {
    keep_for_good(given);
    return base::failure(ErrorCode::CannotOpen, fmt::format("connection {}: {}", settings.name, words));
  }
  Client result;
  result.state_ = std::move(state);
  result.handle_ = handle;
  return result;
}

Client::Client(Client&& other) noexcept : state_(std::move(other.state_)), handle_(std::exchange(other.handle_, nullptr)) {}

Client& Client::operator=(Client&& other) noexcept {
  if (this == &other) return *this;
  destroy(kDestroyDeadline);
  state_ = std::move(other.state_);
  handle_ = std::exchange(other.handle_, nullptr);
  return *this;
}

bool Client::destroy(std::int64_t deadline, bool leave) {
  rd_kafka_t* handle = std::exchange(handle_, nullptr);
  if (handle == nullptr) return true;
  std::promise<void> gone;
  std::future<void> waits = gone.get_future();
  std::thread([handle, leave, state = std::move(state_), gone = std::move(gone)]() mutable {
    if (leave) rd_kafka_consumer_close(handle);
    rd_kafka_destroy_flags(handle, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    gone.set_value();
  }).detach();
  const bool done = waits.wait_for(std::chrono::microseconds(deadline)) == std::future_status::ready;
  if (!done) spdlog::warn("a Kafka client did not end within {} ms; it is left behind", deadline / 1000);
  return done;
}

PartitionList partition_list(std::span<const PartitionOffset> offsets) {
  PartitionList result(rd_kafka_topic_partition_list_new(static_cast<int>(offsets.size())));
  for (const PartitionOffset& each : offsets) {
    auto* added = rd_kafka_topic_partition_list_add(result.get(), each.partition.topic.c_str(), each.partition.number);
    added->offset = each.offset;
    if (each.metadata.empty()) continue;
    added->metadata = std::malloc(each.metadata.size());  // freed with the list
    std::ranges::copy(each.metadata, static_cast<char*>(added->metadata));
    added->metadata_size = each.metadata.size();
  }
  return result;
}

PartitionList partition_list(std::span<const commit::PartitionName> partitions) {
  PartitionList result(rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size())));
  for (const commit::PartitionName& each : partitions)
    rd_kafka_topic_partition_list_add(result.get(), each.topic.c_str(), each.number);
  return result;
}

int milliseconds(std::int64_t microseconds) {
  if (microseconds <= 0) return 0;
  return static_cast<int>(std::clamp<std::int64_t>(microseconds / 1000, 1, 1 << 30));
}

}  // namespace piperun::kafka
