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

// An id that the broker gave it; another one after the group had given it up.
std::string member_id(const rd_kafka_consumer_group_metadata_t* metadata) {
  const char* id = metadata != nullptr ? rd_kafka_consumer_group_metadata_member_id(metadata) : nullptr;
  return id != nullptr ? id : "";
}

std::string member_id(rd_kafka_t* handle) { return member_id(GroupMetadataPtr(rd_kafka_consumer_group_metadata(handle)).get()); }

}  // namespace

struct Consumer::State final : ClientState {
  mutable std::mutex mutex;
  bool keeps_partitions = false;
  std::deque<Rebalance> changes;
  std::set<commit::PartitionName> owned;
  std::string member;  // the id under which they were given
  bool is_settled = false;  // the last assignment was answered, and nothing was lost since
  std::optional<base::Error> commit_failure;
  bool is_closing = false;

  static State& of(void* opaque) { return static_cast<State&>(*static_cast<ClientState*>(opaque)); }

  // Only remembers: the answer comes when what was read is committed, and that is not decided in a callback.
  static void on_rebalance(rd_kafka_t* handle, rd_kafka_resp_err_t what, rd_kafka_topic_partition_list_t* list, void* opaque) {
    State& state = of(opaque);
    const std::lock_guard lock(state.mutex);
    if (state.is_closing) {
      rd_kafka_assign(handle, nullptr);  // of a member that closes this ends an incremental assignment too
      return;
    }
    const bool is_gain = what == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
    const bool is_loss = !is_gain && rd_kafka_assignment_lost(handle);
    if (state.keeps_partitions) {
      await_pause(handle);
      state.note_member(member_id(handle), is_loss);
    }
    if (is_loss) {
      state.lose();
      state.owned.clear();
    } else if (!is_gain) {
      state.changes.push_back({Rebalance::Kind::Revoked, names_of(list)});
    } else {
      state.gain(names_of(list));
    }
  }

  // Before it tells of a change librdkafka pauses what is read, in the background. The answer ends that, but not where it comes earlier
  // than the pause itself: such a partition would stay paused. A pause of our own is done when the one before it is.
  static void await_pause(rd_kafka_t* handle) {
    rd_kafka_topic_partition_list_t* read = nullptr;
    if (rd_kafka_assignment(handle, &read) != RD_KAFKA_RESP_ERR_NO_ERROR) return;
    const PartitionList partitions(read);
    rd_kafka_pause_partitions(handle, partitions.get());
    rd_kafka_resume_partitions(handle, partitions.get());
  }

  // What is to be let go first is not among what it has then.
  void gain(const std::vector<commit::PartitionName>& gained) {
    std::set<commit::PartitionName> all = owned;
    for (const Rebalance& change : changes) {
      if (change.kind != Rebalance::Kind::Revoked) continue;
      for (const commit::PartitionName& taken : change.partitions) all.erase(taken);
    }
    const bool is_kept = keeps_partitions && gained.empty() && is_settled && !owned.empty() && changes.empty();
    all.insert(gained.begin(), gained.end());
    owned.insert(gained.begin(), gained.end());
    changes.push_back({is_kept ? Rebalance::Kind::Kept : Rebalance::Kind::Assigned, {all.begin(), all.end()}});
  }

  void lose() {
    changes.push_back({Rebalance::Kind::Lost, {owned.begin(), owned.end()}});
    is_settled = false;
  }

  // A static member that the group had given up joins under a new id and still says that it has what it had: only a dynamic one is told
  // that it lost it. In between others may have worked on it.
  void note_member(std::string now, bool is_loss) {
    if (now != member && !owned.empty() && !is_loss) lose();
    member = std::move(now);
  }

  bool has_lost() const { return std::ranges::count(changes, Rebalance::Kind::Lost, &Rebalance::kind) > 0; }

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
                        {"partition.assignment.strategy", settings.keeps_partitions ? "cooperative-sticky" : "range"},
                        {"max.poll.interval.ms", std::to_string(milliseconds(settings.max_poll_interval))}};
  if (!settings.instance.empty()) promise.emplace_back("group.instance.id", settings.instance);
  const Properties defaults = {{"session.timeout.ms", std::to_string(milliseconds(settings.session_timeout))},
                               {"heartbeat.interval.ms", std::to_string(milliseconds(settings.heartbeat))},
                               {"topic.metadata.refresh.interval.ms", "60000"},  // partitions that are added are seen within
                               {"fetch.wait.max.ms", "100"},
                               {"fetch.error.backoff.ms", "100"},
                               {"fetch.queue.backoff.ms", "20"},  // the default of 1 s is a pause whenever the memory was full
                               {"queued.min.messages", "100000"},
                               {"queued.max.messages.kbytes", std::to_string(settings.queued_kilobytes)}};
  auto state = std::make_unique<State>();
  State& reference = *state;
  reference.keeps_partitions = settings.keeps_partitions;
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
  std::string member = member_id(metadata.get());
  const auto lost = [&](const std::string& why) {
    return base::failure(ErrorCode::LostOwnership, fmt::format("group {}: {}", settings_.group, why));
  };
  if (generation < 0 || member.empty()) return lost("this process is no member now");
  char words[256] = "";
  if (rd_kafka_fatal_error(handle(), words, sizeof words) != RD_KAFKA_RESP_ERR_NO_ERROR) return lost(words);
  if (rd_kafka_assignment_lost(handle())) return lost("this member lost its partitions");
  {
    const std::lock_guard lock(state_->mutex);
    const bool is_another = state_->keeps_partitions && !state_->owned.empty() && member != state_->member;
    if (is_another || state_->has_lost()) return lost("this member was given up, and its partitions may be others'");
    for (const commit::PartitionName& each : needed) {
      if (!state_->owned.contains(each)) return lost(fmt::format("{}[{}] belongs to another member", each.topic, each.number));
    }
  }
  return Membership(std::move(metadata), generation, std::move(member), settings_.keeps_partitions);
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
  const std::string during = fmt::format("group {}: starting to read", settings_.group);
  const std::lock_guard lock(state_->mutex);
  if (!state_->changes.empty()) {
    const Rebalance::Kind kind = state_->changes.front().kind;
    if (kind == Rebalance::Kind::Revoked || kind == Rebalance::Kind::Lost)
      return {};  // nothing is read any more: it is to be let go
    state_->changes.pop_front();
    if (!state_->changes.empty()) return {};  // taken again meanwhile: that is to be answered
    state_->is_settled = true;
  }
  if (!settings_.keeps_partitions) {
    const rd_kafka_resp_err_t error = rd_kafka_assign(handle(), list.get());
    return error == RD_KAFKA_RESP_ERR_NO_ERROR ? Result<void>() : failed(error, during);
  }
  if (auto stopped = stop_reading(); !stopped) return stopped;
  const ErrorPtr error(rd_kafka_incremental_assign(handle(), list.get()));
  if (!error) return {};
  return failed(rd_kafka_error_code(error.get()), during, rd_kafka_error_string(error.get()));
}

Result<void> Consumer::answer_unassign() {
  const std::lock_guard lock(state_->mutex);
  if (state_->changes.empty()) {
    state_->owned.clear();
  } else {
    const Rebalance change = std::move(state_->changes.front());
    state_->changes.pop_front();
    const bool is_taken = change.kind == Rebalance::Kind::Revoked;  // what was lost may have been given again meanwhile
    for (std::size_t i = 0; is_taken && i < change.partitions.size(); ++i) state_->owned.erase(change.partitions[i]);
  }
  if (settings_.keeps_partitions) return stop_reading();
  const rd_kafka_resp_err_t error = rd_kafka_assign(handle(), nullptr);
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  return failed(error, fmt::format("group {}: letting partitions go", settings_.group));
}

// What is kept, too: it begins anew, and what was fetched of it lies in a queue that nobody reads any more.
Result<void> Consumer::stop_reading() {
  rd_kafka_topic_partition_list_t* read = nullptr;
  const rd_kafka_resp_err_t unknown = rd_kafka_assignment(handle(), &read);
  const PartitionList partitions(read);
  const std::string during = fmt::format("group {}: letting partitions go", settings_.group);
  if (unknown != RD_KAFKA_RESP_ERR_NO_ERROR) return failed(unknown, during);
  const ErrorPtr error(rd_kafka_incremental_unassign(handle(), partitions.get()));
  if (!error) return {};
  return failed(rd_kafka_error_code(error.get()), during, rd_kafka_error_string(error.get()));
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
