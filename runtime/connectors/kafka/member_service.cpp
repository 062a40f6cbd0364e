#include "runtime/connectors/kafka/member_service.h"

#include <fmt/format.h>

#include <chrono>

namespace piperun::kafka {

using base::ErrorCode;
using base::Result;

namespace {

constexpr std::int64_t kDownLimit = 10'000'000;

std::int64_t now() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

Result<void> MemberService::serve(Consumer& consumer) {
  while (const MessagePtr message{rd_kafka_consumer_poll(consumer.handle(), 0)}) {
    const rd_kafka_resp_err_t code = message->err;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR__PARTITION_EOF) continue;  // of no assignment of ours
    if (code == RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED) continue;  // the loss of the partitions follows
    if (code_of(code) == ErrorCode::SystemUnavailable) continue;  // the client tries again by itself
    return failed(code, fmt::format("group {}", consumer.settings().group), rd_kafka_message_errstr(message.get()));
  }
  return check_cluster(consumer);
}

Result<void> MemberService::check_cluster(Consumer& consumer) {
  if (auto error = consumer.state().take_error()) return std::unexpected(std::move(*error));
  char words[512] = "";
  const rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(consumer.handle(), words, sizeof words);
  if (fatal != RD_KAFKA_RESP_ERR_NO_ERROR) return failed(fatal, fmt::format("group {}", consumer.settings().group), words);
  if (!consumer.state().all_brokers_down) {
    down_since_ = 0;
    return {};
  }
  if (down_since_ == 0) down_since_ = now();
  if (now() - down_since_ < kDownLimit) return {};
  down_since_ = now();
  return base::failure(ErrorCode::SystemUnavailable,
                       fmt::format("group {}: no broker of the cluster answers", consumer.settings().group));
}

}  // namespace piperun::kafka
