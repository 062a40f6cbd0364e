// Reads ahead what a consumer group gives, in a thread that polls the group all the time: nothing that the executor does, however long,
// costs the membership.
#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "runtime/connectors/group.h"
#include "runtime/engine/intake.h"

namespace piperun::engine {

struct MembershipChange {
  connectors::Group::Change kind = connectors::Group::Change::None;
  std::vector<commit::PartitionName> partitions;
};

// Its thread is the only one that polls the group and asks it in between. All methods are for the executor; `take`, `is_at_end` and
// `is_interrupted` also for what it has begun ahead, at the same time.
class GroupIntake : public Intake {
 public:
  GroupIntake(connectors::Group& group, std::size_t limit);
  ~GroupIntake() override;  // ends the thread; the group stays open

  // Nothing while a change waits. TakenSlab::partition: index into the partitions of the last assignment.
  base::Result<std::optional<TakenSlab>> take(std::int64_t wait) override;
  bool is_interrupted() override { return change_age() > 0; }
  // False before the first assignment is read.
  base::Result<bool> is_at_end() override;
  base::Result<bool> is_exhausted() override;
  base::Result<std::vector<PartitionEnd>> ends() override;

  // What waits for an answer, if anything does; what was read before it is dropped when it is answered. Whoever asks is to answer.
  std::optional<MembershipChange> change();
  // How long it has been waiting, microseconds; 0: nothing waits.
  std::int64_t change_age();

  // Answers an assignment, or reads it again from other places; while a change waits that change() has not told yet, nothing is read.
  // `stop_times`: per partition of the assignment, microseconds; from the first record at or after it on nothing more is taken.
  base::Result<void> read_from(std::span<const connectors::StartAt> partitions, std::vector<std::int64_t> stop_times);
  base::Result<void> let_go();

  // See Group::mirror. Does not wait; of a partition's positions that were not sent yet only the last is.
  void mirror(std::span<const connectors::StartAt> positions);

  // Runs `question` in the thread of the group, and waits for it.
  template <typename T>
  base::Result<T> ask(std::function<base::Result<T>(connectors::Group&)> question) {
    std::optional<base::Result<T>> answer;
    run([&] { answer = question(group_); });
    return std::move(*answer);
  }

 private:
  void run(std::function<void()> job);
  void poll();
  void send_mirrored(std::unique_lock<std::mutex>& lock, bool is_last);
  void take_slab(record::Slab slab);
  bool is_over() const;
  bool has_untold_change();

  connectors::Group& group_;
  const std::size_t limit_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<TakenSlab> queue_;
  std::optional<base::Error> error_;
  std::optional<MembershipChange> change_;
  bool is_told_ = false;  // the executor knows of the change, and answers it
  std::chrono::steady_clock::time_point changed_at_;
  std::function<void()> job_;
  std::map<commit::PartitionName, std::int64_t> to_mirror_;
  bool is_reading_ = false;
  std::vector<std::int64_t> stop_times_;
  std::vector<bool> is_stopped_;  // per partition of the assignment: its stop time was reached
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace piperun::engine
