// What every member of a consumer group does, whatever it reads: it joins, keeps its client going, hears of changes and answers them.
#pragma once
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/commit/kafka/admin.h"
#include "runtime/commit/kafka/consumer.h"
#include "runtime/connectors/group.h"

namespace piperun::kafka {

// For the thread that polls, but for is_refused() and consumer(). A change is told once and waits for its answer then.
class GroupMember {
 public:
  explicit GroupMember(std::unique_ptr<Consumer> consumer) : consumer_(std::move(consumer)) {}

  // Joins with the first serve(): who does not poll yet does not answer a group.
  void join(std::span<const std::string> topics);

  // Lets the client call back. An error: the cluster refuses the member, or no broker has answered for a while. It may be so for good, and
  // whoever polls on must not spin: an error comes after a pause of at most `wait` microseconds.
  base::Result<void> serve(std::int64_t wait);

  // A change waits: to be told, or for its answer.
  bool is_changing() const { return consumer_->change().has_value(); }
  // The change that was not told yet, without partitions of topics that were not joined for.
  std::optional<Rebalance> untold_change();
  // False: what waits is no assignment that was told, and is told next; reading cannot start. Kept is answered where it is told.
  bool may_start() const;
  // `partitions`: what is fetched.
  base::Result<void> start(std::span<const PartitionOffset> partitions);
  base::Result<void> let_go();

  void commit_async(std::span<const PartitionOffset> offsets) { consumer_->commit_async(offsets); }
  bool is_refused() const;
  void close();

  Consumer& consumer() { return *consumer_; }
  const Consumer& consumer() const { return *consumer_; }
  rd_kafka_t* handle() const { return consumer_->handle(); }
  const std::string& group() const { return consumer_->settings().group; }

 private:
  base::Result<void> subscribe();
  void leave_unwanted(Rebalance& change) const;
  base::Result<void> look_for_unread();
  base::Result<void> stay_away();
  bool is_all_read(const GroupDescription& group) const;
  base::Result<void> hear();
  base::Result<void> check_protocol();
  base::Result<void> check_cluster();

  std::unique_ptr<Consumer> consumer_;
  std::vector<std::string> topics_;  // each once
  bool is_joined_ = false;
  std::int64_t join_at_ = 0;  // monotonic microseconds
  bool is_told_ = false;
  std::int64_t look_at_ = INT64_MAX;  // for partitions that are nobody's, monotonic microseconds
  int looks_left_ = 4, unread_looks_ = 0;
  bool has_joined_again_ = false;
  std::int64_t down_since_ = 0;
  std::int64_t mixed_since_ = 0;  // the group refuses this member's way to share out
};

connectors::Group::Change change_of(Rebalance::Kind kind);

}  // namespace piperun::kafka
