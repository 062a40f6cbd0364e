#include "runtime/commit/kafka/consumer.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

namespace piperun::kafka {

using base::ErrorCode;
using base::Result;

namespace {

std::vector<commit::PartitionName> names_of(const rd_kafka_topic_partition_list_t* list) {
  std::vector<commit::PartitionName> result;
  for (int i = 0; i < list->cnt; ++i) result.push_back({list->elems[i].topic, list->elems[i].partition});
  std::ranges::sort(result);
  return result;
}

}  // namespace

struct Consumer::State final : ClientState {
  mutable std::mutex mutex;
  std::deque<Rebalance> changes;
  std::set<commit::PartitionName> owned;
  std::optional<base::Error> commit_failure;
  bool is_closing = false;

  static State& of(void* opaque) { return static_cast<State&>(*static_cast<ClientState*>(opaque)); }

  // Only remembers: the answer comes when what was read is committed, and that is not decided in a callback.
  static void on_rebalance(rd_kafka_t* handle, rd_kafka_resp_err_t what, rd_kafka_topic_partition_list_t* list, void* opaque) {
    State& state = of(opaque);
    const std::lock_guard lock(state.mutex);
    if (state.is_closing) {
      rd_kafka_assign(handle, nullptr);
      return;
    }
    Rebalance change{Rebalance::Kind::Revoked, names_of(list)};
    if (what == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
      change.kind = Rebalance::Kind::Assigned;
      state.owned.insert(change.partitions.begin(), change.partitions.end());
    } else if (rd_kafka_assignment_lost(handle)) {
      change.kind = Rebalance::Kind::Lost;
      state.owned.clear();
    }
    state.changes.push_back(std::move(change));
  }

  static void on_commit(rd_kafka_t*, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t* list, void* opaque) {
    State& state = of(opaque);
    const std::lock_guard lock(state.mutex);
    for (int i = 0; list != nullptr && code == RD_KAFKA_RESP_ERR_NO_ERROR && i < list->cnt; ++i) code = list->elems[i].err;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR__NO_OFFSET || state.commit_failure) return;
    state.commit_failure = error_of(code, "committing positions");
  }
};

Result<std::unique_ptr<Consumer>> Consumer::open(const ClientSettings& client, const ConsumerSettings& settings) {
  Properties promise = {{"group.id", settings.group},
                        {"enable.auto.commit", "false"},
                        {"enable.auto.offset.store", "false"},
                        {"auto.offset.reset", "error"},
                        {"isolation.level", "read_committed"},
                        {"check.crcs", "true"},
                        {"enable.partition.eof", "true"},
                        {"allow.auto.create.topics", "false"},
                        {"partition.assignment.strategy", settings.assignor},
                        {"max.poll.interval.ms", std::to_string(milliseconds(settings.max_poll_interval))}};
  if (!settings.instance.empty()) promise.emplace_back("group.instance.id", settings.instance);
  const Properties defaults = {{"session.timeout.ms", std::to_string(milliseconds(settings.session_timeout))},
                               {"heartbeat.interval.ms", std::to_string(milliseconds(settings.heartbeat))},
                               {"fetch.wait.max.ms", "100"},
                               {"fetch.error.backoff.ms", "100"},
                               {"fetch.queue.backoff.ms", "20"},  // the default of 1 s is a pause whenever the memory was full
                               {"queued.min.messages", "100000"},
                               {"queued.max.messages.kbytes", std::to_string(settings.queued_kilobytes)}};
  auto state = std::make_unique<State>();
  State& reference = *state;
  auto opened = Client::open(
      RD_KAFKA_CONSUMER, client, promise, std::move(state),
      [](rd_kafka_conf_t* conf) {
        rd_kafka_conf_set_rebalance_cb(conf, State::on_rebalance);
        rd_kafka_conf_set_offset_commit_cb(conf, State::on_commit);
      },
      defaults);
  if (!opened) return std::unexpected(opened.error());
  if (const auto error = rd_kafka_poll_set_consumer(opened->get()); error != RD_KAFKA_RESP_ERR_NO_ERROR)
    return failed(error, fmt::format("group {}", settings.group));
  return std::unique_ptr<Consumer>(new Consumer(std::move(*opened), reference, settings));
}

Result<Membership> Consumer::membership(std::span<const commit::PartitionName> needed) const {
  GroupMetadataPtr metadata(rd_kafka_consumer_group_metadata(handle()));
  const std::int32_t generation = metadata ? rd_kafka_consumer_group_metadata_generation_id(metadata.get()) : -1;
  const char* member = metadata ? rd_kafka_consumer_group_metadata_member_id(metadata.get()) : nullptr;
  const auto lost = [&](const std::string& why) {
    return base::failure(ErrorCode::LostOwnership, fmt::format("group {}: {}", settings_.group, why));
  };
  if (generation < 0 || member == nullptr || *member == '\0') return lost("this process is no member now");
  char words[256] = "";
  if (rd_kafka_fatal_error(handle(), words, sizeof words) != RD_KAFKA_RESP_ERR_NO_ERROR) return lost(words);
  if (rd_kafka_assignment_lost(handle())) return lost("this member lost its partitions");
  {
    const std::lock_guard lock(state_->mutex);
    for (const commit::PartitionName& each : needed) {
      if (!state_->owned.contains(each)) return lost(fmt::format("{}[{}] belongs to another member", each.topic, each.number));
    }
  }
  std::string name = member;
  return Membership(std::move(metadata), generation, std::move(name));
}

Result<std::vector<PartitionOffset>> Consumer::committed(std::span<const commit::PartitionName> partitions,
                                                         std::int64_t deadline) const {
  const PartitionList list = partition_list(partitions);
  const std::string during = fmt::format("reading the positions of group {}", settings_.group);
  const rd_kafka_resp_err_t error = rd_kafka_committed(handle(), list.get(), milliseconds(deadline));
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return failed(error, during);
  std::vector<PartitionOffset> result;
  for (int i = 0; i < list->cnt; ++i) {
    const rd_kafka_topic_partition_t& each = list->elems[i];
    if (each.err != RD_KAFKA_RESP_ERR_NO_ERROR)
      return failed(each.err, fmt::format("{}, {}[{}]", during, each.topic, each.partition));
    std::string metadata(static_cast<const char*>(each.metadata), each.metadata_size);
    result.push_back({{each.topic, each.partition}, each.offset < 0 ? -1 : each.offset, std::move(metadata)});
  }
  return result;
}

Result<void> Consumer::commit(std::span<const PartitionOffset> offsets) {
  const PartitionList list = partition_list(offsets);
  rd_kafka_resp_err_t error = rd_kafka_commit(handle(), list.get(), 0);
  for (int i = 0; error == RD_KAFKA_RESP_ERR_NO_ERROR && i < list->cnt; ++i) error = list->elems[i].err;
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  return failed(error, fmt::format("committing positions of group {}", settings_.group));
}

void Consumer::commit_async(std::span<const PartitionOffset> offsets) {
  if (offsets.empty()) return;
  const PartitionList list = partition_list(offsets);
  const rd_kafka_resp_err_t error = rd_kafka_commit(handle(), list.get(), 1);
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return;
  const std::lock_guard lock(state_->mutex);
  if (!state_->commit_failure) state_->commit_failure = error_of(error, "committing positions");
}

std::optional<base::Error> Consumer::take_commit_failure() {
  const std::lock_guard lock(state_->mutex);
  return std::exchange(state_->commit_failure, std::nullopt);
}

std::optional<Rebalance> Consumer::change() const {
  const std::lock_guard lock(state_->mutex);
  return state_->changes.empty() ? std::nullopt : std::optional(state_->changes.front());
}

Result<void> Consumer::answer_assign(std::span<const PartitionOffset> partitions) {
  const PartitionList list = partition_list(partitions);
  const std::lock_guard lock(state_->mutex);
  if (!state_->changes.empty()) {
    if (state_->changes.front().kind != Rebalance::Kind::Assigned) return {};  // nothing is read any more: it is to be let go
    state_->changes.pop_front();
    if (!state_->changes.empty()) return {};  // taken again meanwhile: that is to be answered
  }
  const rd_kafka_resp_err_t error = rd_kafka_assign(handle(), list.get());
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  return failed(error, fmt::format("group {}: starting to read", settings_.group));
}

Result<void> Consumer::answer_unassign() {
  const std::lock_guard lock(state_->mutex);
  if (!state_->changes.empty()) state_->changes.pop_front();
  state_->owned.clear();
  const rd_kafka_resp_err_t error = rd_kafka_assign(handle(), nullptr);
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  return failed(error, fmt::format("group {}: letting partitions go", settings_.group));
}

bool Consumer::close(std::int64_t deadline) {
  if (client_.get() == nullptr) return true;
  {
    const std::lock_guard lock(state_->mutex);
    state_->is_closing = true;
  }
  return client_.destroy(deadline, true);
}

}  // namespace piperun::kafka
