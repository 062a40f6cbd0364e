// A unit that reads ahead: what is in preparation must not be heard of when the batch before it meets something.
#include "runtime/engine/ahead.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/runtime/engine/numbers_pipeline.h"

namespace piperun::engine {
namespace {

using base::ErrorCode;
using connectors::Group;
using ::testing::ElementsAreArray;

class AheadTest : public ::testing::Test {
 protected:
  // Until the topic is used up, or somebody asks `stop_` for it. Returns how long it took, in seconds.
  double run(const std::string& interval = "20ms", bool drain = true) {
    Observer observer;
    return run_numbers(world_, observer, stop_.get_token(), interval, drain);
  }

  void give(std::vector<std::int64_t> ends) { give_numbers(world_, std::move(ends)); }

  // The intake holds kQueuedSlabs: one more than these and the first batch is handed over only when the next batch has taken one.
  void await_next_batch() {
    EXPECT_TRUE(world_.await([&] { return world_.slabs >= kQueuedSlabs + 2; }));
  }

  World world_;
  std::stop_source stop_;
};

TEST_F(AheadTest, TheNextBatchIsTakenWhileOneIsWritten) {
  give({300});
  bool is_first = true;
  world_.on_write = [&](auto) -> base::Result<void> {
    if (!std::exchange(is_first, false)) return {};
    await_next_batch();
    return {};
  };
  run();
  EXPECT_THAT(world_.rows[0], ElementsAreArray(numbers(300)));
}

TEST_F(AheadTest, ABatchThatIsRepeatedIsRepeatedAsItWas) {
  give({100});
  int calls = 0;
  world_.on_commit = [&]() -> base::Result<void> {
    if (++calls == 3 || calls == 4) return base::failure(ErrorCode::SystemUnavailable, "the answer is lost");
    return {};
  };
  run();
  EXPECT_THAT(world_.rows[0], ElementsAreArray(numbers(100)));
}

// By halves, although the batch that is gathered meanwhile may take half a minute.
TEST_F(AheadTest, ARefusedRowIsSetApartAndDoesNotWaitForTheNextBatch) {
  give({25});
  world_.on_write = [&](std::span<const std::int64_t> rows) -> base::Result<void> {
    if (std::ranges::count(rows, 14) > 0) return base::failure(ErrorCode::ConstraintViolated, "a fourteen");
    if (rows.back() == 19) stop_.request_stop();
    return {};
  };
  EXPECT_LT(run("30s", false), 10);
  EXPECT_EQ(world_.letters, 1);
  std::vector<std::int64_t> expected = numbers(20);
  std::erase(expected, 14);
  EXPECT_THAT(world_.rows[0], ElementsAreArray(expected));
}

TEST_F(AheadTest, WhoIsFencedBeginsAtTheLastCommit) {
  give({100});
  int calls = 0;
  world_.on_fence = [&]() -> base::Result<void> {
    if (++calls == 3) return base::failure(ErrorCode::LostOwnership, "another one has claimed it");
    return {};
  };
  run();
  EXPECT_THAT(world_.rows[0], ElementsAreArray(numbers(100)));
}

TEST_F(AheadTest, WhatWasReadOfOtherPartitionsIsDropped) {
  give({100, 50});
  bool is_first = true;
  world_.on_write = [&](auto) -> base::Result<void> {
    if (!std::exchange(is_first, false)) return {};
    await_next_batch();
    world_.tell(Group::Change::Revoked, {{"numbers", 0}, {"numbers", 1}});
    world_.tell(Group::Change::Assigned, {{"numbers", 1}});
    world_.tell(Group::Change::Revoked, {{"numbers", 1}});
    world_.tell(Group::Change::Assigned, {{"numbers", 0}, {"numbers", 1}});
    EXPECT_TRUE(world_.await([&] { return world_.is_told; }));
    return {};
  };
  run();
  EXPECT_THAT(world_.rows[0], ElementsAreArray(numbers(100)));
  EXPECT_THAT(world_.rows[1], ElementsAreArray(numbers(50)));
}

TEST_F(AheadTest, AStopWaitsForNoBatchInPreparation) {
  give({15});
  world_.on_write = [&](auto) -> base::Result<void> {
    stop_.request_stop();
    return {};
  };
  EXPECT_LT(run("30s", false), 10);
  EXPECT_THAT(world_.rows[0], ElementsAreArray(numbers(10)));
}

}  // namespace
}  // namespace piperun::engine
