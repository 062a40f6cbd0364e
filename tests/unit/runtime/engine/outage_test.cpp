// What an outage in the midst of something leaves behind: nothing twice, nothing uncounted.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/runtime/engine/numbers_pipeline.h"

namespace piperun::engine {
namespace {

using ::testing::ElementsAreArray;

class OutageTest : public ::testing::Test {
 protected:
  OutageTest() { give_numbers(world_, {25}); }

  struct Counter final : Observer {
    int retries = 0;
    void retrying(const ir::Unit&, const base::Error&, int, std::int64_t, bool) override { ++retries; }
  };

  void run(const std::string& delivery = "exactly_once") {
    run_numbers(world_, observer_, stop_.get_token(), "5ms", true, delivery);
  }

  // Fails from call `first` on, `times` times.
  static std::function<base::Result<void>()> away(int first, int times) {
    return [call = 0, first, times]() mutable -> base::Result<void> {
      const bool is_away = call >= first && call < first + times;
      ++call;
      if (is_away) return base::failure(base::ErrorCode::SystemUnavailable, "nobody answers");
      return {};
    };
  }

  World world_;
  Counter observer_;
  std::stop_source stop_;
};

TEST_F(OutageTest, AUnitWhoseSystemIsAwayAtTheStartBeginsLater) {
  world_.on_open = away(0, 3);
  run();
  EXPECT_EQ(observer_.retries, 3);
  EXPECT_THAT(world_.rows[0], ElementsAreArray(numbers(25)));
}

TEST_F(OutageTest, WhoIsStoredAsTheProgramHasItNeedsNoWordOfOtherSystems) {
  run();
  give_numbers(world_, {40});
  world_.on_others = away(0, 1'000'000);
  run();
  EXPECT_EQ(observer_.retries, 0);
  EXPECT_THAT(world_.rows[0], ElementsAreArray(numbers(40)));
}

TEST_F(OutageTest, WhoIsNewOrWasTakenOverWaitsForTheWordOfOtherSystems) {
  world_.on_others = away(0, 2);
  run();
  EXPECT_EQ(observer_.retries, 2);
  world_.manifests.front().moved = true;
  give_numbers(world_, {40});
  world_.on_others = away(0, 2);
  run();
  EXPECT_EQ(observer_.retries, 4);
}

// Outside of a transaction what was put stays: letters first, the counts of rows behind them.
TEST_F(OutageTest, WhatWasPutBeforeItIsNotPutAgain) {
  world_.on_write = [](std::span<const std::int64_t> numbers) -> base::Result<void> {
    const auto refused = std::ranges::find(numbers, 3);
    if (refused == numbers.end()) return {};
    base::Error error{base::ErrorCode::ConstraintViolated, "not three", "23514", refused - numbers.begin()};
    return std::unexpected(std::move(error));
  };
  world_.on_count = away(0, 2);
  run("at_least_once");
  EXPECT_EQ(observer_.retries, 2);
  EXPECT_EQ(world_.letters, 1U);
  EXPECT_EQ(world_.counted, 24);
  EXPECT_EQ(world_.rows[0].size(), 24U);
}

// A link so slow that no transaction with more than three records is done in time.
TEST_F(OutageTest, WhatIsTooMuchForATransactionGoesInHalves) {
  std::size_t most = 0, written = 0;
  world_.on_write = [&](std::span<const std::int64_t> numbers) -> base::Result<void> {
    written = numbers.size();
    return {};
  };
  world_.on_commit = [&]() -> base::Result<void> {
    if (written > 3) world_.passed += 10'000'000;
    if (written > 3) return base::failure(base::ErrorCode::SystemUnavailable, "4 message(s) timed out");
    most = std::max(most, std::exchange(written, 0));
    return {};
  };
  run();
  EXPECT_EQ(most, 3U);
  EXPECT_THAT(world_.rows[0], ElementsAreArray(numbers(25)));
}

// The positions of a batch that nothing was done with yet. Whose request may be on its way still is a new member of the group.
TEST_F(OutageTest, UnderAtMostOnceACommitThatTookNoEffectIsMadeAgain) {
  int joined = 0;
  world_.on_open = [&]() -> base::Result<void> {
    if (joined++ > 0) world_.tell(connectors::Group::Change::Assigned, {{"numbers", 0}});
    return {};
  };
  world_.on_commit = away(2, 1);  // behind that of the assignment, and of the first batch
  run("at_most_once");
  EXPECT_EQ(joined, 2);
  EXPECT_THAT(world_.rows[0], ElementsAreArray(numbers(25)));
  EXPECT_EQ((world_.positions[{"numbers", 0}].next_offset), 25);
  EXPECT_EQ(world_.fates.used, 15) << "those of the first batch were in the commit of which nobody knows: they stay unknown";
}

}  // namespace
}  // namespace piperun::engine
