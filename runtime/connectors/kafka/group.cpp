#include "runtime/connectors/kafka/group.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>

#include "runtime/commit/kafka/admin.h"
#include "runtime/connectors/kafka/message_slab.h"
#include "runtime/connectors/kafka/topic_log.h"
#include "runtime/connectors/kafka/topic_positions.h"

namespace piperun::kafka {

using base::ErrorCode;
using base::Result;
using commit::PartitionName;

namespace {

constexpr std::int64_t kUnheardWait = 2'000;
constexpr std::int64_t kMirrorEvery = 2'000'000;
constexpr std::size_t kMostAtOnce = 10'000;  // records of a slab
constexpr std::int64_t kFailureTold = 60'000'000;  // microseconds between two words of the same failure
constexpr std::size_t kTakenAtOnce = 4'096;  // messages, each time that the queue's lock is taken

std::vector<std::string> names_of(const std::vector<SourceTopic>& topics) {
  std::vector<std::string> names;
  for (const SourceTopic& each : topics) names.push_back(each.topic);
  return names;
}

PartitionName name_of(const rd_kafka_message_t& message) { return {rd_kafka_topic_name(message.rkt), message.partition}; }

}  // namespace

// Messages that were taken from the queue, in its order; those before `head` are handed over.
struct KafkaGroup::Pending {
  std::vector<rd_kafka_message_t*> messages;
  std::size_t head = 0, used = 0;
  const rd_kafka_topic_t* topic = nullptr;  // of the message looked up last
  std::int32_t number = -1;
  std::optional<std::size_t> index;

  ~Pending() { clear(); }
  bool is_empty() const { return head == used; }
  rd_kafka_message_t& front() { return *messages[head]; }
  void pop() { rd_kafka_message_destroy(messages[head++]); }
  void fill(rd_kafka_queue_t* queue, std::size_t count) {
    if (messages.size() < count) messages.resize(count);
    head = 0;
    const ssize_t got = rd_kafka_consume_batch_queue(queue, 0, messages.data(), count);
    used = got < 0 ? 0 : static_cast<std::size_t>(got);
  }
  void clear() {
    while (!is_empty()) pop();
    topic = nullptr;
  }
};

Result<std::unique_ptr<KafkaGroup>> KafkaGroup::open(const ClientSettings& client, const ConsumerSettings& settings,
                                                     std::vector<SourceTopic> topics) {
  const auto admin = open_admin(client);  // hears at once why a cluster refuses us; a consumer hears it when it is polled
  if (!admin) return std::unexpected(admin.error());
  for (const SourceTopic& each : topics) {
    if (const auto found = find_topic(admin->get(), each.topic); !found) return std::unexpected(found.error());
  }
  auto consumer = Consumer::open(client, settings);
  if (!consumer) return std::unexpected(consumer.error());
  std::unique_ptr<KafkaGroup> group(new KafkaGroup(client, std::move(*consumer), std::move(topics)));
  if (auto known = group->partitions(); !known) return std::unexpected(known.error());
  group->member_.join(names_of(group->topics_));
  return group;
}

KafkaGroup::KafkaGroup(const ClientSettings& client, std::unique_ptr<Consumer> consumer, std::vector<SourceTopic> topics)
    : client_(client),
      member_(std::move(consumer)),
      topics_(std::move(topics)),
      pending_(std::make_unique<Pending>()),
      drain_end_(client_),
      topic_watch_(member_.handle(), names_of(topics_)),
      stall_watch_(member_.consumer().settings().stall_patience) {
  changes_queue_.reset(rd_kafka_queue_get_consumer(member_.handle()));
  rd_kafka_queue_cb_event_enable(changes_queue_.get(), Wakeup::notify, &wakeup_);
}

KafkaGroup::~KafkaGroup() { close(); }

Result<KafkaGroup::Polled> KafkaGroup::poll(std::int64_t wait, bool take_records, std::size_t max_records,
                                            std::size_t max_bytes) {
  for (const std::int64_t until = steady_now() + wait;;) {
    if (auto served = member_.serve(wait); !served) return std::unexpected(served.error());
    if (auto same = topic_watch_.look(steady_now()); !same) return std::unexpected(same.error());
    if (member_.is_changing()) {
      auto change = member_.untold_change();
      if (change && change->kind != Rebalance::Kind::Kept) return told(std::move(*change));
      if (change) {
        if (auto going = go_on(); !going) return std::unexpected(going.error());
      }
    } else if (take_records && records_queue_) {
      if (unheard_ > 0) forward_queues();
      auto slab = take(std::clamp<std::size_t>(max_records, 1, kMostAtOnce), max_bytes);
      if (!slab) return std::unexpected(slab.error());
      if (*slab) return Polled{Change::None, {}, std::move(*slab)};
      if (auto looked = look_for_stall(); !looked) return std::unexpected(looked.error());
    }
    const std::int64_t left = until - steady_now();
    if (left <= 0) return Polled{};
    wakeup_.wait(unheard_ > 0 ? std::min(left, kUnheardWait) : left);
  }
}

KafkaGroup::Polled KafkaGroup::told(Rebalance change) {
  drop_queue();
  if (change.kind == Rebalance::Kind::Assigned) {
    assigned_ = change.partitions;
    reading_ = std::vector<Reading>(assigned_.size());
  } else {
    taken_ = change.kind == Rebalance::Kind::Lost ? assigned_ : change.partitions;
  }
  return {change_of(change.kind), std::move(change.partitions), {}};
}

// As if nothing had been: behind what was handed over.
Result<void> KafkaGroup::go_on() {
  std::vector<connectors::StartAt> starts;
  for (std::size_t i = 0; i < assigned_.size(); ++i) {
    if (reading_[i].expected >= 0) starts.push_back({assigned_[i], reading_[i].expected});
  }
  return records_queue_ ? read_from(starts) : member_.start({});
}

// A queue per assignment: what the last one left behind can never be taken for records of the next.
void KafkaGroup::drop_queue() {
  pending_->clear();
  unheard_ = 0;
  if (!records_queue_) return;
  rd_kafka_queue_cb_event_enable(records_queue_.get(), nullptr, nullptr);
  records_queue_.reset();
}

Result<void> KafkaGroup::read_from(std::span<const connectors::StartAt> partitions) {
  if (!member_.may_start()) return {};
  if (auto same = topic_watch_.check(steady_now()); !same) return same;
  drop_queue();
  stall_watch_.forget(steady_now());
  reading_ = std::vector<Reading>(assigned_.size());
  std::vector<PartitionOffset> starts;
  QueuePtr queue(rd_kafka_queue_new(member_.handle()));
  for (const connectors::StartAt& start : partitions) {
    const auto found = std::ranges::lower_bound(assigned_, start.partition);
    if (found == assigned_.end() || *found != start.partition) continue;  // not ours any more
    Reading& reading = reading_[static_cast<std::size_t>(found - assigned_.begin())];
    reading.expected = start.offset;
    starts.push_back({start.partition, start.offset, {}});
    reading.own.reset(rd_kafka_queue_get_partition(member_.handle(), start.partition.topic.c_str(), start.partition.number));
    if (!reading.own) {
      return failed(RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, fmt::format("{}[{}]", start.partition.topic, start.partition.number));
    }
    ++unheard_;
  }
  rd_kafka_queue_cb_event_enable(queue.get(), Wakeup::notify, &wakeup_);
  records_queue_ = std::move(queue);
  forward_queues();
  return member_.start(starts);
}

// The client ends the forwarding of a partition when it stops reading it, which for the former position happens some time after the
// new one is set: so it is renewed until something comes. What arrives in between stays in the partition's own queue.
void KafkaGroup::forward_queues() {
  for (const Reading& each : reading_) {
    if (each.own) rd_kafka_queue_forward(each.own.get(), records_queue_.get());
  }
}

void KafkaGroup::heard(std::size_t index) {
  if (!reading_[index].own) return;
  reading_[index].own.reset();
  --unheard_;
}

Result<void> KafkaGroup::let_go() {
  drop_queue();
  std::vector<PartitionName> kept;
  std::ranges::set_difference(assigned_, taken_, std::back_inserter(kept));
  assigned_ = std::move(kept);
  reading_ = std::vector<Reading>(assigned_.size());
  return member_.let_go();
}

std::optional<std::size_t> KafkaGroup::index_of(const rd_kafka_message_t& message) {
  if (message.rkt == pending_->topic && message.partition == pending_->number) return pending_->index;
  pending_->topic = message.rkt;
  pending_->number = message.partition;
  const auto found = std::ranges::lower_bound(assigned_, name_of(message));
  const bool is_ours = found != assigned_.end() && *found == name_of(message);
  pending_->index = is_ours ? std::optional(static_cast<std::size_t>(found - assigned_.begin())) : std::nullopt;
  return pending_->index;
}

// The next records of one partition, whichever comes first in the queue.
Result<std::optional<record::Slab>> KafkaGroup::take(std::size_t max_records, std::size_t max_bytes) {
  std::vector<rd_kafka_message_t*> run;
  std::optional<std::size_t> partition;
  std::size_t bytes = 0;
  while (run.empty()) {
    if (pending_->is_empty()) pending_->fill(records_queue_.get(), kTakenAtOnce);
    if (pending_->is_empty()) return std::nullopt;
    const std::size_t first = pending_->head;
    for (; !pending_->is_empty() && run.size() < max_records && bytes < max_bytes; ++pending_->head) {
      rd_kafka_message_t& message = pending_->front();
      const std::optional<std::size_t> index = index_of(message);
      const bool is_record = message.err == RD_KAFKA_RESP_ERR_NO_ERROR;
      if (index) heard(*index);
      if (is_record && index && reading_[*index].expected >= 0 && message.offset >= reading_[*index].expected) {
        if (partition && partition != index) break;
        partition = index;
        reading_[*index].expected = message.offset + 1;
        bytes += message.len + message.key_len;
        run.push_back(&message);
        continue;
      }
      if (is_record || !index) continue;  // below the position, or of no partition that is read
      if (!run.empty()) break;  // first what came before it
      if (auto noted = note(message, *index); !noted) {
        for (std::size_t i = first; i <= pending_->head; ++i) rd_kafka_message_destroy(pending_->messages[i]);
        ++pending_->head;
        return std::unexpected(noted.error());
      }
    }
    std::optional<record::Slab> slab;
    if (!run.empty()) slab = slab_of(run, static_cast<std::uint32_t>(*partition));
    for (std::size_t i = first; i < pending_->head; ++i) rd_kafka_message_destroy(pending_->messages[i]);
    if (slab) return slab;
  }
  return std::nullopt;
}

// An end, or an error of one partition.
Result<void> KafkaGroup::note(const rd_kafka_message_t& message, std::size_t index) {
  if (message.err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
    reading_[index].seen_end = std::max(reading_[index].seen_end, message.offset);
    return {};
  }
  switch (code_of(message.err)) {
    case ErrorCode::PositionGone: return explain_gap(index, rd_kafka_message_errstr(&message));
    case ErrorCode::SystemUnavailable: tell_failure(message, index); return {};  // the client tries again by itself
    default:
      return failed(message.err, fmt::format("reading {}[{}]", assigned_[index].topic, assigned_[index].number),
                    rd_kafka_message_errstr(&message));
  }
}

// What does not pass by itself, a batch that cannot be decompressed for example, is told again and again: here once in a while.
void KafkaGroup::tell_failure(const rd_kafka_message_t& message, std::size_t index) {
  Reading& reading = reading_[index];
  const std::int64_t now = steady_now();
  if (reading.failure == message.err && now - reading.failure_told < kFailureTold) return;
  reading.failure = message.err;
  reading.failure_told = now;
  spdlog::warn("reading fails, it is tried again topic={} partition={} at={} error={}", assigned_[index].topic,
               assigned_[index].number, reading.expected, rd_kafka_message_errstr(&message));
}

// A broker that has just become leader may say "out of range" of a position that is there: reading goes on from it then.
Result<void> KafkaGroup::explain_gap(std::size_t index, const char* words) {
  const PartitionName& name = assigned_[index];
  const std::int64_t wanted = reading_[index].expected;
  const auto low = list_offsets(member_.handle(), std::span(&name, 1), kEarliest);
  const auto high = list_offsets(member_.handle(), std::span(&name, 1), kLatest, false);
  if (!low) return std::unexpected(low.error());
  if (!high) return std::unexpected(high.error());
  if (wanted < low->front() || wanted > high->front()) {
    return base::failure(
        ErrorCode::PositionGone,
        fmt::format(
            "{}[{}]: the next record of group {} is {}, and the topic has {} to {} ({}): {}; `offsets reset` accepts the gap",
            name.topic, name.number, member_.group(), wanted, low->front(), high->front(), words,
            wanted < low->front() ? fmt::format("{} records expired before they were read", low->front() - wanted)
                                  : "it was made anew, or lost records"));
  }
  const PartitionOffset again{name, wanted, {}};
  const PartitionList list = partition_list(std::span(&again, 1));
  const ErrorPtr error(rd_kafka_seek_partitions(member_.handle(), list.get(), 30'000));
  if (!error) return {};
  return failed(rd_kafka_error_code(error.get()), fmt::format("reading {}[{}] again from {}", name.topic, name.number, wanted));
}

Result<std::vector<connectors::GroupPartition>> KafkaGroup::partitions() {
  std::vector<connectors::GroupPartition> result;
  for (const SourceTopic& each : topics_) {
    auto found = topic_partitions(member_.handle(), each.topic);
    if (!found) return std::unexpected(found.error());
    std::vector<PartitionName> names;
    for (const connectors::Partition& partition : *found) names.push_back({partition.topic, partition.number});
    const auto watermarks = list_offsets(member_.handle(), names, kLatest, false);
    if (!watermarks) return std::unexpected(watermarks.error());
    for (std::size_t i = 0; i < names.size(); ++i) result.push_back({each.source, std::move((*found)[i]), (*watermarks)[i]});
  }
  std::ranges::sort(result, {}, [](const connectors::GroupPartition& each) {
    return std::tuple(each.partition.topic, each.partition.number, each.source);
  });
  all_ = result;
  return result;
}

Result<std::int64_t> KafkaGroup::resolve(const std::string& start, std::uint32_t partition) {
  const connectors::Partition& found = all_.at(partition).partition;
  const auto topic = std::ranges::find(topics_, all_[partition].source, &SourceTopic::source);
  if (topic != topics_.end() && !topic->old_group.empty()) {
    const auto old = old_positions_.find(member_.handle(), topic->old_group, {found.topic, found.number});
    if (!old) return std::unexpected(old.error());
    if (*old) return **old;
  }
  return resolve_start(member_.handle(), {found.topic, found.number}, start);
}

// By a reader of its own, kept for the next look: what the members read, and how far, is not touched.
Result<std::optional<std::int64_t>> KafkaGroup::next_time(const PartitionName& partition, std::int64_t from, std::int64_t end) {
  if (!looking_) {
    auto log = TopicLog::open(client_);
    if (!log) return std::unexpected(log.error());
    looking_.emplace(std::move(*log));
  }
  std::optional<std::int64_t> time;
  const PartitionOffset start{partition, from, {}};
  const auto read = looking_->read_to_ends(std::span(&start, 1), [&](const rd_kafka_message_t& message) {
    if (message.offset < from) return true;  // what an earlier look has left
    if (message.offset < end) time = time_of(message);
    return false;
  });
  if (read) return time;
  looking_.reset();
  return std::unexpected(read.error());
}

// Of what is read, not of what is held.
std::vector<Progress> KafkaGroup::progress() const {
  std::vector<Progress> result;
  for (std::size_t i = 0; i < assigned_.size(); ++i) {
    if (reading_[i].expected >= 0) result.push_back({assigned_[i], reading_[i].expected, reading_[i].seen_end});
  }
  return result;
}

// While no broker answers, nobody is asked.
Result<void> KafkaGroup::look_for_stall() {
  if (stall_) return std::unexpected(*stall_);
  const std::int64_t now = steady_now();
  if (!stall_watch_.is_due(now) || member_.consumer().state().all_brokers_down) return {};
  // By a client for this look alone: the member's may be what is stuck.
  const auto looked =
      stall_watch_.look(now, progress(), [this](std::span<const PartitionName> partitions) -> Result<std::vector<std::int64_t>> {
        const auto asking = open_admin(client_);
        if (!asking) return std::unexpected(asking.error());
        return list_offsets(asking->get(), partitions, kLatest);
      });
  if (!looked) stall_ = looked.error();
  is_stalled_ = !looked;
  return looked;
}

Result<bool> KafkaGroup::is_at_end() {
  if (member_.is_changing() || !records_queue_) return false;
  return drain_end_.is_reached(steady_now(), progress());
}

// Where members keep partitions, seldom: a commit of a generation that ends meanwhile costs this member all that it has (issue #4059).
bool KafkaGroup::mirror(std::span<const connectors::StartAt> positions, bool is_last) {
  if (member_.consumer().settings().keeps_partitions) {
    if ((steady_now() - mirrored_at_ < kMirrorEvery || member_.is_changing()) && !is_last) return false;
    mirrored_at_ = steady_now();
  }
  std::vector<PartitionOffset> offsets;
  for (const connectors::StartAt& each : positions) offsets.push_back({each.partition, each.offset, {}});
  member_.commit_async(offsets);
  return true;
}

void KafkaGroup::close() {
  if (!changes_queue_) return;
  drop_queue();
  rd_kafka_queue_cb_event_enable(changes_queue_.get(), nullptr, nullptr);
  changes_queue_.reset();
  topic_watch_.stop();
  member_.close();
}

}  // namespace piperun::kafka
