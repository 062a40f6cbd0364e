// Positions that are told to a group for those who watch it.
#include "runtime/engine/group_intake.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <thread>

namespace piperun::engine {
namespace {

using connectors::Group;
using connectors::StartAt;
using ::testing::ElementsAre;
using ::testing::Pair;

// Takes positions only while `is_willing`.
class Watched final : public Group {
 public:
  base::Result<Polled> poll(std::int64_t, bool, std::size_t, std::size_t) override {
    std::this_thread::sleep_for(std::chrono::microseconds(100));
    const std::lock_guard lock(mutex_);
    ++polls_;
    return std::exchange(next_, Polled{});
  }
  bool mirror(std::span<const StartAt> positions, bool is_last) override {
    const std::lock_guard lock(mutex_);
    if (!is_willing && !is_last) return false;
    for (const StartAt& each : positions) told_[each.partition.number] = each.offset;
    return true;
  }
  base::Result<void> read_from(std::span<const StartAt>) override { return {}; }
  base::Result<void> let_go() override { return {}; }
  base::Result<std::vector<connectors::GroupPartition>> partitions() override { return {}; }
  base::Result<std::int64_t> resolve(const std::string&, std::uint32_t) override { return 0; }
  base::Result<std::optional<std::int64_t>> next_time(const commit::PartitionName&, std::int64_t, std::int64_t) override {
    return std::nullopt;
  }
  base::Result<bool> is_at_end() override { return true; }
  void close() override {}

  // Twice, so that all that was asked for before has come about.
  void await_polls() {
    const std::int64_t wanted = polls_ + 2;
    while (polls_ < wanted) std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  void take_away(std::int32_t partition) {
    const std::lock_guard lock(mutex_);
    next_ = {Change::Revoked, {{"orders", partition}}, {}};
  }
  std::map<std::int32_t, std::int64_t> told() {
    const std::lock_guard lock(mutex_);
    return told_;
  }

  std::atomic<bool> is_willing = true;

 private:
  std::mutex mutex_;
  std::atomic<std::int64_t> polls_ = 0;
  Polled next_;
  std::map<std::int32_t, std::int64_t> told_;
};

StartAt at(std::int32_t partition, std::int64_t offset) { return {{"orders", partition}, offset}; }

TEST(GroupIntake, WhatTheGroupDoesNotTakeAtOnceIsToldLater) {
  Watched group;
  GroupIntake intake(group, 10);
  group.is_willing = false;
  intake.mirror(std::vector{at(0, 5), at(1, 7)});
  group.await_polls();
  intake.mirror(std::vector{at(1, 9)});
  group.await_polls();
  EXPECT_TRUE(group.told().empty());
  group.is_willing = true;
  group.await_polls();
  EXPECT_THAT(group.told(), ElementsAre(Pair(0, 5), Pair(1, 9)));
}

TEST(GroupIntake, TheLastPositionsAreToldAtTheEnd) {
  Watched group;
  group.is_willing = false;
  {
    GroupIntake intake(group, 10);
    intake.mirror(std::vector{at(0, 5)});
  }
  EXPECT_THAT(group.told(), ElementsAre(Pair(0, 5)));
}

TEST(GroupIntake, OfAPartitionThatIsGivenAwayNothingIsTold) {
  Watched group;
  group.is_willing = false;
  {
    GroupIntake intake(group, 10);
    intake.mirror(std::vector{at(0, 5), at(1, 7)});
    group.take_away(1);
    while (!intake.change()) std::this_thread::sleep_for(std::chrono::microseconds(100));
    ASSERT_TRUE(intake.let_go());
  }
  EXPECT_THAT(group.told(), ElementsAre(Pair(0, 5)));
}

}  // namespace
}  // namespace piperun::engine
