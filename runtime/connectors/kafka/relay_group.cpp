#include "runtime/connectors/kafka/relay_group.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

namespace piperun::kafka {

using base::ErrorCode;
using base::Result;
using commit::PartitionName;

namespace {

constexpr std::int64_t kPollEvery = 10'000, kErrorWait = 20'000;  // microseconds
constexpr std::int64_t kCloseDeadline = 5'000'000;
// A member that was paused reads what its successor has sent and removed: before that is an error, the group has time to say so.
constexpr std::int64_t kGoneFor = 10'000'000;

std::int64_t now() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

Result<std::unique_ptr<RelayGroup>> RelayGroup::open(const ClientSettings& client, const ConsumerSettings& settings,
                                                     std::vector<RelayedSource> sources) {
  std::vector<Relayed> relayed;
  for (RelayedSource& source : sources) {
    auto partitions = source.reader->partitions();
    if (!partitions) return std::unexpected(partitions.error());
    std::string name = partitions->front().topic;
    relayed.push_back({std::move(source), std::move(name)});
  }
  std::ranges::sort(relayed, {}, &Relayed::name);
  auto consumer = Consumer::open(client, settings);
  if (!consumer) return std::unexpected(consumer.error());
  const PartitionList list(rd_kafka_topic_partition_list_new(static_cast<int>(relayed.size())));
  for (const Relayed& each : relayed)
    rd_kafka_topic_partition_list_add(list.get(), each.source.progress_topic.c_str(), RD_KAFKA_PARTITION_UA);
  const rd_kafka_resp_err_t error = rd_kafka_subscribe((*consumer)->handle(), list.get());
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return failed(error, fmt::format("joining the group {}", settings.group));
  return std::unique_ptr<RelayGroup>(new RelayGroup(std::move(*consumer), std::move(relayed)));
}

RelayGroup::RelayGroup(std::unique_ptr<Consumer> consumer, std::vector<Relayed> relayed)
    : consumer_(std::move(consumer)), relayed_(std::move(relayed)) {}

RelayGroup::~RelayGroup() { close(); }

Result<RelayGroup::Polled> RelayGroup::poll(std::int64_t wait, bool take_records, std::size_t max_records,
                                            std::size_t max_bytes) {
  for (const std::int64_t until = now() + wait;;) {
    if (auto served = service_.serve(*consumer_); !served) {
      std::this_thread::sleep_for(std::chrono::microseconds(std::min(wait, kErrorWait)));
      return std::unexpected(served.error());
    }
    if (consumer_->change()) {
      if (auto change = next_change()) return std::move(*change);
    } else if (take_records) {
      auto slab = take(max_records, max_bytes);
      if (!slab) return std::unexpected(slab.error());
      if (*slab) return Polled{Change::None, {}, std::move(*slab)};
    }
    const std::int64_t left = until - now();
    if (left <= 0) return Polled{};
    std::this_thread::sleep_for(std::chrono::microseconds(std::min(left, kPollEvery)));
  }
}

// Null: it was told before and waits for its answer.
std::optional<RelayGroup::Polled> RelayGroup::next_change() {
  if (is_told_) return std::nullopt;
  is_told_ = true;
  const Rebalance change = *consumer_->change();
  Polled result;
  switch (change.kind) {
    case Rebalance::Kind::Assigned: result.change = Change::Assigned; break;
    case Rebalance::Kind::Revoked: result.change = Change::Revoked; break;
    case Rebalance::Kind::Lost: result.change = Change::Lost; break;
  }
  hold();
  if (change.kind == Rebalance::Kind::Assigned) assigned_.clear();
  for (std::size_t i = 0; i < relayed_.size(); ++i) {
    const PartitionName progress{relayed_[i].source.progress_topic, 0};
    if (std::ranges::find(change.partitions, progress) == change.partitions.end()) continue;
    if (change.kind == Rebalance::Kind::Assigned) assigned_.push_back(i);
    result.partitions.push_back({relayed_[i].name, 0});
  }
  return result;
}

void RelayGroup::hold() {
  for (Relayed& each : relayed_) each.position = -1;
  gone_since_ = 0;
}

Result<std::optional<record::Slab>> RelayGroup::take(std::size_t max_records, std::size_t max_bytes) {
  for (std::size_t tried = 0; tried < assigned_.size(); ++tried) {
    const std::size_t index = turn_++ % assigned_.size();
    Relayed& from = relayed_[assigned_[index]];
    if (from.position < 0) continue;
    auto slab = from.source.reader->read(0, from.position, max_records, max_bytes);
    if (!slab && slab.error().code == ErrorCode::PositionGone) {
      if (gone_since_ == 0) gone_since_ = now();
      if (now() - gone_since_ < kGoneFor) return std::nullopt;
    }
    if (!slab) return std::unexpected(slab.error());
    gone_since_ = 0;
    if (slab->records.empty()) continue;
    from.position = slab->records.back().next;
    slab->partition = static_cast<std::uint32_t>(index);
    return std::move(*slab);
  }
  return std::nullopt;
}

// Nothing is fetched of the progress topics.
Result<void> RelayGroup::read_from(std::span<const connectors::StartAt> partitions) {
  const auto change = consumer_->change();
  if (change && (!is_told_ || change->kind != Rebalance::Kind::Assigned)) return {};  // what comes next is that change
  hold();
  for (const connectors::StartAt& start : partitions) {
    for (const std::size_t index : assigned_) {
      if (relayed_[index].name == start.partition.topic) relayed_[index].position = start.offset;
    }
  }
  is_told_ = false;
  return consumer_->answer_assign({});
}

Result<void> RelayGroup::let_go() {
  hold();
  assigned_.clear();
  is_told_ = false;
  return consumer_->answer_unassign();
}

Result<std::vector<connectors::GroupPartition>> RelayGroup::partitions() {
  std::vector<connectors::GroupPartition> result;
  for (Relayed& each : relayed_) {
    auto found = each.source.reader->partitions();
    if (!found) return std::unexpected(found.error());
    result.push_back({each.source.source, found->front()});
  }
  return result;
}

Result<std::int64_t> RelayGroup::resolve(const std::string& start, std::uint32_t partition) {
  return relayed_.at(partition).source.reader->resolve(start, 0);
}

Result<bool> RelayGroup::is_at_end() {
  if (consumer_->change()) return false;
  for (const std::size_t index : assigned_) {
    Relayed& each = relayed_[index];
    if (each.position < 0) continue;
    if (each.end < 0) {
      const auto now_there = each.source.reader->partitions();
      if (!now_there) return std::unexpected(now_there.error());
      if (each.position > now_there->front().end) return false;  // reading will say what is wrong
      each.end = now_there->front().end;
    }
    if (each.position < each.end) return false;
  }
  return true;
}

void RelayGroup::mirror(std::span<const connectors::StartAt> positions) {
  std::vector<PartitionOffset> offsets;
  for (const connectors::StartAt& position : positions) {
    for (const Relayed& each : relayed_) {
      if (each.name == position.partition.topic) offsets.push_back({{each.source.progress_topic, 0}, position.offset, {}});
    }
  }
  consumer_->commit_async(offsets);
}

bool RelayGroup::is_refused() const {
  return consumer_->handle() != nullptr && rd_kafka_fatal_error(consumer_->handle(), nullptr, 0) != RD_KAFKA_RESP_ERR_NO_ERROR;
}

void RelayGroup::close() { consumer_->close(kCloseDeadline); }

}  // namespace piperun::kafka
