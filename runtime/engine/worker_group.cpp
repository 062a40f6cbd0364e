// What a worker does when its consumer group gives it partitions or takes them.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "runtime/engine/attempt.h"

namespace piperun::engine {
namespace {

// After a fence failed although the group has not said anything yet: time enough for a heartbeat to bring its word, so that a process
// that was paused does not claim again what others own (microseconds).
constexpr std::int64_t kRetakeAfter = 1'500'000;
// How long the member that writes the manifest is waited for before the group may go on (microseconds).
constexpr std::int64_t kManifestWait = 2'000'000;
constexpr std::int64_t kManifestPoll = 100'000;
// So often within so long (microseconds) the group refuses who shares a name with another process. Once or twice it may be a request of
// its own that got lost while the network was cut.
constexpr std::size_t kRefusalsTooMany = 3;
constexpr std::int64_t kRefusalWindow = 30'000'000;

using Change = connectors::Group::Change;

}  // namespace

// One batch, or an answer to the group. A fence that fails is no reason to end here: the group may have given the partitions away and
// not said so yet.
base::Result<Progress> Worker::run_as_member() {
  const auto change = membership_->change();
  const bool is_due = membership_->is_retake_due();
  auto done = change ? answer(*change) : is_due ? take_over() : fetch_and_run();
  if (done) return done;
  const bool is_fenced = base::traits(done.error().code).error_class == base::ErrorClass::Ownership && !change && !is_due;
  const bool is_refused = membership_ && membership_->is_refused();
  if (is_refused || is_fenced)
    spdlog::warn("batch given up unit={} worker={} error={}", unit_.name, number_, done.error().message);
  if (is_refused) return join_anew();
  return is_fenced ? retake() : done;
}

base::Result<Progress> Worker::answer(const MembershipChange& change) {
  if (change.kind == Change::Assigned) {
    membership_->assign(change.partitions);
    spdlog::info("partitions assigned unit={} worker={} count={}", unit_.name, number_, change.partitions.size());
    return take_over();
  }
  spdlog::info("partitions {} unit={} worker={} count={}", change.kind == Change::Revoked ? "revoked" : "lost", unit_.name,
               number_, change.partitions.size());
  if (!share_.mine.empty()) {
    const auto left = run_list(change.kind == Change::Revoked ? unit_.protocol.on_revoke : unit_.protocol.on_lost);
    if (left && *left == Progress::Crashed) return left;
    // The next owner begins where the last commit was: what could not be finished here is done there.
    if (!left) spdlog::warn("partitions given up unit={} error={}", unit_.name, left.error().message);
  }
  drop_partitions();
  if (const auto gone = membership_->let_go(change); !gone) return std::unexpected(gone.error());
  return membership_->assigned().empty() ? Progress::Worked : take_over();
}

// Runs `on_assign` for what the group has assigned. Where a member that goes first is not ready yet, or a system fails, the group gets
// its answer all the same, nothing is read, and it is tried again.
base::Result<Progress> Worker::take_over() {
  membership_->take_now();
  drop_partitions();
  if (membership_->assigned().empty()) {
    if (const auto read = membership_->hold(); !read) return std::unexpected(read.error());
    return Progress::Idle;
  }
  const auto done = run_list(unit_.protocol.on_assign);
  if (done && *done == Progress::Crashed) return done;
  if (done) {
    retry_.succeeded();
    if (share_.is_first) hand_over_.retire(*domain_);
    if (const auto reading = start_reading(); !reading) return std::unexpected(reading.error());
    return Progress::Worked;
  }
  const base::ErrorClass kind = base::traits(done.error().code).error_class;
  const bool slot_is_taken = kind == base::ErrorClass::Ownership && last_step_ == ir::StepKind::InitProducer;
  if (slot_is_taken || kind == base::ErrorClass::Configuration || kind == base::ErrorClass::Data)
    return std::unexpected(done.error());
  drop_partitions();
  if (const auto held = membership_->hold(); !held) return std::unexpected(held.error());
  const Retry::Decision decision = retry_.after_failure();
  if (decision.give_up) return std::unexpected(done.error());
  spdlog::warn("partitions not taken over unit={} worker={} wait_ms={} error={}", unit_.name, number_, decision.wait / 1000,
               done.error().message);
  observer_.retrying(unit_, done.error(), decision.attempt, decision.wait, decision.paused);
  membership_->retake_in(decision.wait);
  return Progress::Idle;
}

// As a new member: a request of the old one that is still on its way is refused.
base::Result<void> Worker::rejoin() {
  drop_partitions();
  if (membership_) membership_->stop_polling();
  sinks_.clear();
  domain_.reset();
  membership_.reset();
  if (const auto opened = open(); !opened) return opened;
  join();
  return {};
}

// The slot is this process's alone, so that nobody else has its name in the group: what refuses it is its own request that got lost.
// Unless a state directory was copied.
base::Result<Progress> Worker::join_anew() {
  const std::int64_t now = clock_.monotonic();
  std::erase_if(refusals_, [now](std::int64_t at) { return now - at > kRefusalWindow; });
  refusals_.push_back(now);
  if (refusals_.size() >= kRefusalsTooMany) {
    return base::failure(
        base::ErrorCode::LostOwnership,
        fmt::format("another process works under the same name in the group of unit {}: each has taken the other's "
                    "place {} times within {} s; give one of them a state directory of its own",
                    unit_.name, kRefusalsTooMany, kRefusalWindow / 1'000'000));
  }
  for (auto joined = rejoin(); !joined; joined = rejoin()) {
    if (!is_passing(joined.error())) return std::unexpected(joined.error());
    if (!wait_before_retry(joined.error())) return std::unexpected(joined.error());
  }
  spdlog::info("joined the group anew unit={} worker={}", unit_.name, number_);
  return Progress::Idle;
}

void Worker::mirror_positions(const Attempt& attempt) {
  if (!membership_) return;
  std::vector<connectors::StartAt> positions;
  for (const std::uint32_t index : share_.mine) {
    const bool is_in_batch = attempt.counts.empty() || attempt.counts[index].read > 0;
    if (is_in_batch) positions.push_back({share_.all[index].name, positions_[index]});
  }
  membership_->mirror(positions);
}

// Another process has claimed what this one works on. If the group gives it to us still, it is claimed again.
base::Result<Progress> Worker::retake() {
  drop_partitions();
  if (const auto held = membership_->hold(); !held) return std::unexpected(held.error());
  membership_->retake_in(kRetakeAfter);
  return Progress::Idle;
}

void Worker::drop_partitions() {
  ahead_.drop();
  batch_ = Batch{};
  fetch_.forget();
  share_.mine.clear();
  share_.is_first = false;
}

// All partitions of the unit, whoever reads them; those of this worker in the order of the assignment.
base::Result<void> Worker::find_group_partitions() {
  auto partitions = membership_->partitions();
  if (!partitions) return std::unexpected(partitions.error());
  share_.all.clear();
  share_.mine.clear();
  for (std::uint32_t i = 0; i < partitions->size(); ++i) {
    const connectors::GroupPartition& each = (*partitions)[i];
    share_.all.push_back(make_partition(each.source, i, each.partition));
  }
  for (const commit::PartitionName& name : membership_->assigned()) {
    const std::size_t index = share_.index_of(name);
    if (index == share_.all.size()) {
      return base::failure(
          base::ErrorCode::SystemUnavailable,
          fmt::format("partition {}/{} is assigned and not yet in the topic's metadata", name.topic, name.number));
    }
    share_.mine.push_back(static_cast<std::uint32_t>(index));
  }
  share_.is_first = !share_.mine.empty() && std::ranges::count(share_.mine, 0U) > 0;
  share_.all.push_back({ir::kNone, 0, {kReplayTopic, 0}, 0});
  return {};
}

// The member that has the first partition stores manifest and positions in one commit; the others wait for it.
base::Result<void> Worker::await_manifest() {
  for (std::int64_t waited = 0;; waited += kManifestPoll) {
    const auto stored = domain_->manifests();
    if (!stored) return std::unexpected(stored.error());
    const auto own = std::ranges::find(*stored, unit_.name, &commit::Manifest::unit);
    if (own != stored->end() && own->text == hand_over_.own_manifest() && !own->moved) return {};
    if (waited >= kManifestWait || stop_.stop_requested()) break;
    clock_.sleep(kManifestPoll);
  }
  return base::failure(base::ErrorCode::SystemUnavailable,
                       fmt::format("unit {}: the member that has {}/{} has not stored the manifest of this program yet; if it "
                                   "has run this file all along, start it anew",
                                   unit_.name, share_.all.front().name.topic, share_.all.front().name.number));
}

// Reads what was assigned, from what the domain holds.
base::Result<void> Worker::start_reading_group(std::span<const std::int64_t> from) {
  std::vector<connectors::StartAt> starts;
  std::vector<std::int64_t> stop_times;
  for (std::size_t i = 0; i < share_.mine.size(); ++i) {
    starts.push_back({share_.all[share_.mine[i]].name, from[i]});
    stop_times.push_back(stop_time(share_.all[share_.mine[i]].source));
  }
  if (const auto reading = membership_->read_from(starts, std::move(stop_times)); !reading) return reading;
  const auto& batch = unit_.protocol.batch;
  // The one before may not have come to tell of its last.
  if (index_of(batch, ir::StepKind::MirrorPositions) < batch.size()) membership_->mirror(starts);
  return {};
}

}  // namespace piperun::engine
