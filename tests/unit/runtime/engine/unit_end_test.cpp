#include "runtime/engine/unit_end.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace piperun::engine {
namespace {

using commit::PartitionName;
using commit::Position;
using connectors::Group;
using connectors::GroupPartition;

constexpr std::int64_t kStop = 1'000;

// A topic of two partitions with records at the offsets 0 to 9, one microsecond each, and the mark of their transaction at 10. Of what the
// engine may ask, it knows what an end needs.
class TwoPartitions final : public Group {
 public:
  std::atomic<int> questions = 0;
  std::atomic<std::int64_t> end = 11, high_watermark = 0;
  std::atomic<std::int64_t> stopped_at = INT64_MAX;  // from this offset on records have the time kStop

  base::Result<Polled> poll(std::int64_t wait, bool, std::size_t, std::size_t) override {
    std::this_thread::sleep_for(std::chrono::microseconds(wait));
    return Polled{};
  }
  base::Result<std::vector<GroupPartition>> partitions() override {
    return std::vector<GroupPartition>{{0, {"orders", 0, 0, end}, high_watermark}, {0, {"orders", 1, 0, end}, high_watermark}};
  }
  base::Result<std::optional<std::int64_t>> next_time(const PartitionName&, std::int64_t from, std::int64_t) override {
    ++questions;
    if (from >= 12 && from < end) return from >= stopped_at ? kStop : 12;
    return from < 10 ? std::optional(from) : std::nullopt;
  }
  base::Result<void> read_from(std::span<const connectors::StartAt>) override { return {}; }
  base::Result<void> let_go() override { return {}; }
  base::Result<std::int64_t> resolve(const std::string&, std::uint32_t) override { return 0; }
  base::Result<bool> is_at_end() override { return true; }
  bool mirror(std::span<const connectors::StartAt>, bool) override { return true; }
  void close() override {}
};

// This member has partition 0.
class UnitEndTest : public ::testing::Test {
 protected:
  UnitEndTest() : membership_(make_group(), clock_) {
    membership_.join(1);
    membership_.assign({{"orders", 0}});
  }
  std::unique_ptr<Group> make_group() {
    auto group = std::make_unique<TwoPartitions>();
    group_ = group.get();
    return group;
  }
  void other_is_at(std::int64_t offset) {
    Position other;
    other.partition = {"orders", 1};
    other.next_offset = offset;
    stored_ = {other};
  }
  UnitEnd end_of(UnitEnd::Kind kind) {
    return {kind, unit_, clock_, [this](std::uint32_t) { return stop_time_; }};
  }
  bool is_reached() {
    for (int look = 0; look < 2; ++look) {  // what moved since the last one is looked at again
      clock_.sleep(1'000'000);
      if (is_reached_at_once()) return true;
    }
    return false;
  }
  bool is_reached_at_once() {
    const auto reached = end_.is_reached(membership_, [this] { return base::Result<std::vector<Position>>(stored_); });
    return reached && *reached;
  }

  base::VirtualClock clock_{0};
  std::vector<Position> stored_;
  TwoPartitions* group_ = nullptr;
  Membership membership_;
  std::int64_t stop_time_ = kStop;
  const ir::Unit unit_ = [] {
    ir::Unit unit;
    unit.sources = {0};
    return unit;
  }();
  UnitEnd end_ = end_of(UnitEnd::Kind::OfNow);
};

TEST_F(UnitEndTest, IsNotReachedWhileAnotherMemberHasNotCommittedAllRecords) {
  EXPECT_FALSE(is_reached()) << "without a position";
  other_is_at(0);
  EXPECT_FALSE(is_reached());
  other_is_at(9);
  EXPECT_FALSE(is_reached());
  other_is_at(11);
  EXPECT_TRUE(is_reached());
}

TEST_F(UnitEndTest, TheMarkOfATransactionIsNoRecord) {
  other_is_at(10);
  EXPECT_TRUE(is_reached());
}

TEST_F(UnitEndTest, WhatAnOpenTransactionHasIsWaitedFor) {
  group_->high_watermark = 20;
  other_is_at(11);
  EXPECT_FALSE(is_reached());
  group_->end = 20;  // it was aborted: marks alone
  EXPECT_TRUE(is_reached());
}

TEST_F(UnitEndTest, WhatCameAfterTheFirstQuestionIsNotWaitedFor) {
  other_is_at(9);
  EXPECT_FALSE(is_reached());
  group_->end = 100;
  other_is_at(11);
  EXPECT_TRUE(is_reached());
}

TEST_F(UnitEndTest, ARecordOfTheStopTimeOrLaterIsNotWaitedFor) {
  stop_time_ = 5;
  other_is_at(4);
  EXPECT_FALSE(is_reached());
  other_is_at(5);
  EXPECT_TRUE(is_reached());
}

class UnitEndForGoodTest : public UnitEndTest {
 protected:
  bool is_reached_for_good() {
    for (int look = 0; look < 2; ++look) {
      clock_.sleep(2'000'000);
      const auto reached = for_good_.is_reached(membership_, [this] { return base::Result<std::vector<Position>>(stored_); });
      if (reached && *reached) return true;
    }
    return false;
  }
  UnitEnd for_good_ = end_of(UnitEnd::Kind::ForGood);
};

TEST_F(UnitEndForGoodTest, IsReachedWhenARecordOfTheStopTimeIsThere) {
  other_is_at(11);
  EXPECT_FALSE(is_reached_for_good()) << "more may come";
  group_->end = 12;  // the mark of a transaction
  EXPECT_FALSE(is_reached_for_good());
  group_->stopped_at = 13;
  group_->end = 30;
  EXPECT_FALSE(is_reached_for_good());
  other_is_at(13);
  EXPECT_TRUE(is_reached_for_good());
}

TEST_F(UnitEndForGoodTest, IsNeverReachedWithoutAStopTime) {
  stop_time_ = INT64_MAX;
  group_->stopped_at = 0;
  other_is_at(11);
  EXPECT_FALSE(is_reached_for_good());
}

TEST_F(UnitEndTest, WhatThisMemberHasIsLeftToItself) {
  membership_.assign({{"orders", 0}, {"orders", 1}});
  EXPECT_TRUE(is_reached());
}

TEST_F(UnitEndTest, LooksOnceInAWhileAndReadsNoRecordTwice) {
  other_is_at(3);
  EXPECT_FALSE(is_reached());
  EXPECT_FALSE(is_reached());
  EXPECT_EQ(group_->questions, 1);
  other_is_at(11);
  EXPECT_FALSE(is_reached_at_once());
  EXPECT_TRUE(is_reached());
}

}  // namespace
}  // namespace piperun::engine
