#include "runtime/engine/group_intake.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace piperun::engine {
namespace {

constexpr std::int64_t kPoll = 5'000;      // microseconds; how long a question may wait for its turn
constexpr std::int64_t kFullPoll = 2'000;  // while the queue is full

}  // namespace

GroupIntake::GroupIntake(connectors::Group& group, std::size_t limit)
    : group_(group), limit_(limit), thread_([this] { poll(); }) {}

GroupIntake::~GroupIntake() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  thread_.join();
}

base::Result<std::optional<TakenSlab>> GroupIntake::take(std::int64_t wait) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::microseconds(wait), [this] { return !queue_.empty() || error_ || change_; });
  if (change_) return std::nullopt;
  if (!queue_.empty()) {
    std::optional<TakenSlab> slab(std::move(queue_.front()));
    queue_.pop_front();
    return slab;
  }
  if (error_) return std::unexpected(*std::exchange(error_, std::nullopt));
  return std::nullopt;
}

base::Result<bool> GroupIntake::is_at_end() {
  {
    const std::lock_guard lock(mutex_);
    if (!is_reading_ || change_ || !queue_.empty()) return false;
    if (is_over() && !stop_times_.empty()) return true;
  }
  const auto at_end = ask<bool>([](connectors::Group& group) { return group.is_at_end(); });
  const std::lock_guard lock(mutex_);
  return at_end && *at_end && (!queue_.empty() || change_) ? base::Result<bool>(false) : at_end;
}

base::Result<bool> GroupIntake::is_exhausted() {
  const std::lock_guard lock(mutex_);
  return is_reading_ && !change_ && queue_.empty() && is_over();
}

base::Result<std::vector<PartitionEnd>> GroupIntake::ends() {
  const auto partitions =
      ask<std::vector<connectors::GroupPartition>>([](connectors::Group& group) { return group.partitions(); });
  if (!partitions) return std::unexpected(partitions.error());
  std::vector<PartitionEnd> result;
  for (const connectors::GroupPartition& each : *partitions) {
    result.push_back({{each.partition.topic, each.partition.number}, each.partition.end, false});
  }
  return result;
}

bool GroupIntake::is_over() const { return std::ranges::all_of(is_stopped_, std::identity{}); }

std::optional<MembershipChange> GroupIntake::change() {
  const std::lock_guard lock(mutex_);
  is_told_ = change_.has_value();
  return change_;
}

bool GroupIntake::has_untold_change() {
  const std::lock_guard lock(mutex_);
  return change_ && !is_told_;
}

std::int64_t GroupIntake::change_age() {
  const std::lock_guard lock(mutex_);
  if (!change_) return 0;
  const auto age = std::chrono::steady_clock::now() - changed_at_;
  return std::max<std::int64_t>(1, std::chrono::duration_cast<std::chrono::microseconds>(age).count());
}

base::Result<void> GroupIntake::read_from(std::span<const connectors::StartAt> partitions, std::vector<std::int64_t> stop_times) {
  return ask<void>([&](connectors::Group& group) {
    const bool is_surprised = has_untold_change();
    const base::Result<void> done = is_surprised ? base::Result<void>() : group.read_from(partitions);
    const std::lock_guard lock(mutex_);
    queue_.clear();
    error_.reset();
    if (!is_surprised && change_ && change_->kind == connectors::Group::Change::Assigned) change_.reset();
    is_reading_ = done.has_value() && !is_surprised;
    is_stopped_.assign(stop_times.size(), false);
    stop_times_ = std::move(stop_times);
    return done;
  });
}

base::Result<void> GroupIntake::let_go() {
  return ask<void>([&](connectors::Group& group) {
    const base::Result<void> done = group.let_go();
    const std::lock_guard lock(mutex_);
    queue_.clear();
    if (change_ && change_->kind == connectors::Group::Change::Lost) to_mirror_.clear();
    else if (change_)
      std::erase_if(to_mirror_, [&](const auto& each) { return std::ranges::count(change_->partitions, each.first) > 0; });
    change_.reset();
    is_reading_ = false;
    return done;
  });
}

void GroupIntake::mirror(std::span<const connectors::StartAt> positions) {
  const std::lock_guard lock(mutex_);
  for (const connectors::StartAt& each : positions) to_mirror_[each.partition] = each.offset;
}

void GroupIntake::send_mirrored(std::unique_lock<std::mutex>& lock, bool is_last) {
  if (to_mirror_.empty()) return;
  auto sent = std::exchange(to_mirror_, {});
  lock.unlock();
  std::vector<connectors::StartAt> positions;
  for (const auto& [partition, offset] : sent) positions.push_back({partition, offset});
  const bool is_done = group_.mirror(positions, is_last);
  lock.lock();
  if (!is_done) to_mirror_.merge(sent);  // what came meanwhile is newer
}

// The job has taken effect in the group's thread when this returns.
void GroupIntake::run(std::function<void()> job) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !job_; });
  job_ = std::move(job);
  changed_.wait(lock, [this] { return !job_; });
}

void GroupIntake::poll() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    if (job_) {
      lock.unlock();
      job_();
      lock.lock();
      job_ = nullptr;
      changed_.notify_all();
      continue;
    }
    send_mirrored(lock, false);
    const bool takes = queue_.size() < kQueuedSlabs && !change_ && !error_;
    lock.unlock();
    auto polled = group_.poll(takes ? kPoll : kFullPoll, takes, limit_, kSlabBytes);
    lock.lock();
    if (!polled) {
      if (!error_) error_ = std::move(polled.error());
    } else if (polled->change != connectors::Group::Change::None) {
      change_ = MembershipChange{polled->change, std::move(polled->partitions)};
      is_told_ = false;
      changed_at_ = std::chrono::steady_clock::now();
    } else if (polled->slab && is_reading_) {
      take_slab(std::move(*polled->slab));
    } else {
      continue;
    }
    changed_.notify_all();
  }
  send_mirrored(lock, true);
}

void GroupIntake::take_slab(record::Slab slab) {
  const std::uint32_t partition = slab.partition;
  if (is_stopped_[partition]) return;
  const auto stop =
      std::ranges::find_if(slab.records, [&](const record::RawRecord& r) { return r.timestamp >= stop_times_[partition]; });
  is_stopped_[partition] = stop != slab.records.end();
  slab.records.erase(stop, slab.records.end());
  if (!slab.records.empty()) queue_.push_back(TakenSlab{partition, std::move(slab)});
}

}  // namespace piperun::engine
