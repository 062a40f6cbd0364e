#include "runtime/connectors/kafka/group_member.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <thread>
#include <utility>

namespace piperun::kafka {

using base::ErrorCode;
using base::Result;
using Change = connectors::Group::Change;

namespace {

constexpr std::int64_t kDownLimit = 10'000'000, kErrorWait = 20'000, kCloseDeadline = 5'000'000;  // microseconds
constexpr std::int64_t kMixedMargin = 4'000'000;
constexpr int kLooks = 3;
constexpr std::int64_t kLookAfter = 1'000'000;  // a group comes to rest meanwhile

}  // namespace

Change change_of(Rebalance::Kind kind) {
  switch (kind) {
    case Rebalance::Kind::Assigned: return Change::Assigned;
    case Rebalance::Kind::Kept: return Change::None;
    case Rebalance::Kind::Revoked: return Change::Revoked;
    case Rebalance::Kind::Lost: return Change::Lost;
  }
  return Change::None;
}

void GroupMember::join(std::span<const std::string> topics) {
  for (const std::string& topic : topics) {
    if (std::ranges::count(topics_, topic) == 0) topics_.push_back(topic);
  }
}

Result<void> GroupMember::subscribe() {
  const PartitionList list(rd_kafka_topic_partition_list_new(static_cast<int>(topics_.size())));
  for (const std::string& topic : topics_) rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), RD_KAFKA_PARTITION_UA);
  const rd_kafka_resp_err_t error = rd_kafka_subscribe(handle(), list.get());
  is_joined_ = error == RD_KAFKA_RESP_ERR_NO_ERROR;
  if (is_joined_) return {};
  return failed(error, fmt::format("joining the group {}", group()));
}

Result<void> GroupMember::serve(std::int64_t wait) {
  auto heard = !is_joined_ && steady_now() >= join_at_ ? subscribe() : hear();
  if (heard) heard = check_cluster();
  if (heard) heard = look_for_unread();
  if (!heard) std::this_thread::sleep_for(std::chrono::microseconds(std::min(wait, kErrorWait)));
  return heard;
}

// Whoever comes back under its name within its session is given what it had (KIP-345): what was added meanwhile is nobody's, without a word.
// When the member that leads the group joins once more, the group shares out anew; where that does not help, or the client does not join
// again because it reads the same topics as before (cooperative-sticky), a session has to end.
Result<void> GroupMember::look_for_unread() {
  if (steady_now() < look_at_ || is_changing()) return {};
  look_at_ = INT64_MAX;
  const auto found = describe_group(handle(), group());
  if (!found && base::traits(found.error().code).error_class != base::ErrorClass::Transient) return {};  // it is not allowed
  const bool is_known = found && found->state == "Stable";
  if (is_known && is_all_read(*found)) {
    looks_left_ = 0;
    return {};
  }
  unread_looks_ = is_known ? unread_looks_ + 1 : 0;
  if (unread_looks_ < kLooks) {  // a group that shares out in two generations has such a moment between them
    look_at_ = steady_now() + kLookAfter;
    return {};
  }
  spdlog::info("partitions are nobody's, the group is asked to share out anew group={}", group());
  const bool may_join_again = !consumer_->settings().keeps_partitions && !std::exchange(has_joined_again_, true);
  return may_join_again ? subscribe() : stay_away();
}

Result<void> GroupMember::stay_away() {
  const rd_kafka_resp_err_t error = rd_kafka_unsubscribe(handle());
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return failed(error, fmt::format("leaving the group {}", group()));
  is_joined_ = false;
  join_at_ = steady_now() + consumer_->settings().session_timeout + kLookAfter;
  return {};
}

bool GroupMember::is_all_read(const GroupDescription& group) const {
  std::set<commit::PartitionName> read;
  for (const GroupDescription::Member& member : group.members) read.insert(member.partitions.begin(), member.partitions.end());
  return std::ranges::all_of(topics_, [&](const std::string& topic) {
    const auto described = describe_topic(handle(), topic);
    for (std::int32_t i = 0; described && i < described->partitions; ++i) {
      if (!read.contains({topic, i})) return false;
    }
    return true;
  });
}

Result<void> GroupMember::hear() {
  while (const MessagePtr message{rd_kafka_consumer_poll(handle(), 0)}) {
    const rd_kafka_resp_err_t code = message->err;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR__PARTITION_EOF) continue;  // of no assignment of ours
    if (code == RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED) continue;  // the loss of the partitions follows
    if (code_of(code) == ErrorCode::SystemUnavailable) continue;  // the client tries again by itself
    if (code == RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL) {
      if (auto mixed = check_protocol(); !mixed) return mixed;
      continue;
    }
    return failed(code, fmt::format("group {}", group()), rd_kafka_message_errstr(message.get()));
  }
  return {};
}

// Who has stopped is a member until its session ends: so it is with all of them when they are started with another file at once.
Result<void> GroupMember::check_protocol() {
  const ConsumerSettings& settings = consumer_->settings();
  if (mixed_since_ == 0) mixed_since_ = steady_now();
  if (steady_now() - mixed_since_ < settings.session_timeout + kMixedMargin) return {};
  return base::failure(
      ErrorCode::CannotOpen,
      fmt::format("group {}: its members share the partitions out in another way than this process, whose file says "
                  "`assignment = {}`; a group has one way: stop all processes of the pipeline, then start all with one file ({})",
                  group(), settings.keeps_partitions ? "cooperative_sticky" : "range",
                  rd_kafka_err2name(RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL)));
}

Result<void> GroupMember::check_cluster() {
  if (auto error = consumer_->state().take_error()) return std::unexpected(std::move(*error));
  char words[512] = "";
  const rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(handle(), words, sizeof words);
  if (fatal != RD_KAFKA_RESP_ERR_NO_ERROR) return failed(fatal, fmt::format("group {}", group()), words);
  if (!consumer_->state().all_brokers_down) {
    down_since_ = 0;
    return {};
  }
  if (down_since_ == 0) down_since_ = steady_now();
  if (steady_now() - down_since_ < kDownLimit) return {};
  down_since_ = steady_now();
  return unanswered(handle(), fmt::format("group {}", group()));
}

std::optional<Rebalance> GroupMember::untold_change() {
  if (is_told_) return std::nullopt;
  auto change = consumer_->change();
  is_told_ = change.has_value();
  if (is_told_) mixed_since_ = unread_looks_ = 0;
  const bool may_be_old = is_told_ && change->kind == Rebalance::Kind::Assigned && !consumer_->settings().instance.empty();
  if (may_be_old && looks_left_ > 0) {
    --looks_left_;
    look_at_ = steady_now() + kLookAfter;
  }
  if (is_told_) leave_unwanted(*change);
  return change;
}

// Who comes back within its session with a file that reads fewer topics is given what it had.
void GroupMember::leave_unwanted(Rebalance& change) const {
  const auto unwanted = std::erase_if(
      change.partitions, [&](const commit::PartitionName& each) { return std::ranges::count(topics_, each.topic) == 0; });
  if (unwanted == 0 || change.kind != Rebalance::Kind::Assigned) return;
  spdlog::warn(
      "partitions of topics that this file does not read are given to it, and to nobody else until the group shares out "
      "anew group={} count={}",
      group(), unwanted);
}

bool GroupMember::may_start() const {
  const auto change = consumer_->change();
  return !change || (is_told_ && (change->kind == Rebalance::Kind::Assigned || change->kind == Rebalance::Kind::Kept));
}

Result<void> GroupMember::start(std::span<const PartitionOffset> partitions) {
  is_told_ = false;
  return consumer_->answer_assign(partitions);
}

Result<void> GroupMember::let_go() {
  is_told_ = false;
  return consumer_->answer_unassign();
}

// After a connection broke while it joined, a static member can be taken for its own successor.
bool GroupMember::is_refused() const {
  return handle() != nullptr && rd_kafka_fatal_error(handle(), nullptr, 0) != RD_KAFKA_RESP_ERR_NO_ERROR;
}

void GroupMember::close() { consumer_->close(kCloseDeadline); }

}  // namespace piperun::kafka
