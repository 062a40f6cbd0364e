// A worker's place in the consumer group of its unit: what the group has given it, what it still has to be answered, and when an
// assignment that could not be taken over is tried again. The worker runs the lists that an answer needs.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/clock.h"
#include "runtime/engine/group_intake.h"

namespace piperun::engine {

// Used by the executor thread. `clock` outlives it.
class Membership {
 public:
  Membership(std::unique_ptr<connectors::Group> group, base::Clock& clock) : clock_(clock), group_(std::move(group)) {}
  ~Membership();  // leaves the group; nothing that works with it may be there any more

  connectors::Group& group() { return *group_; }

  // The group is polled from now on, in a thread of its own. `limit`: records in a slab.
  void join(std::size_t limit);
  // No more; the group stays open for the domain.
  void stop_polling() { intake_.reset(); }
  // Where the records come from; null: not joined.
  GroupIntake* intake() { return intake_.get(); }

  // What waits for an answer, and how long it has (microseconds; 0: nothing does).
  std::optional<MembershipChange> change() { return intake_->change(); }
  std::int64_t change_age() { return intake_ ? intake_->change_age() : 0; }
  // The group refuses this member for good.
  bool is_refused() const { return group_->is_refused(); }

  const std::vector<commit::PartitionName>& assigned() const { return assigned_; }
  void assign(std::vector<commit::PartitionName> partitions) { assigned_ = std::move(partitions); }
  // The answer to Revoked and Lost. What is left is assigned still, and not read.
  base::Result<void> let_go(const MembershipChange& change);

  // The answer to Assigned: what is read, and from where; see GroupIntake::read_from. Without partitions nothing is.
  base::Result<void> read_from(std::span<const connectors::StartAt> partitions, std::vector<std::int64_t> stop_times);
  base::Result<void> hold() { return intake_->read_from({}, {}); }

  // What is assigned is to be taken over in so many microseconds; until then the worker is at no end.
  void retake_in(std::int64_t wait) { retake_at_ = clock_.monotonic() + wait; }
  void take_now() { retake_at_.reset(); }
  bool waits_to_retake() const { return retake_at_.has_value(); }
  bool is_retake_due() const { return retake_at_ && clock_.monotonic() >= *retake_at_; }

  // Asked in the thread of the group.
  base::Result<std::vector<connectors::GroupPartition>> partitions();
  base::Result<std::int64_t> resolve(const std::string& start, std::uint32_t partition);

  // Not there: it may read for a while, and the group goes on being polled meanwhile.
  base::Result<std::optional<std::int64_t>> next_time(const commit::PartitionName& partition, std::int64_t from,
                                                      std::int64_t end);

  void mirror(std::span<const connectors::StartAt> positions) { intake_->mirror(positions); }

 private:
  base::Clock& clock_;
  std::unique_ptr<connectors::Group> group_;
  std::unique_ptr<GroupIntake> intake_;
  std::vector<commit::PartitionName> assigned_;
  std::optional<std::int64_t> retake_at_;  // monotonic microseconds
};

}  // namespace piperun::engine
