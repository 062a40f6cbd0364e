// A group whose members keep partitions: a change names a part, and the rest goes on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/runtime/engine/numbers_pipeline.h"

namespace piperun::engine {
namespace {

using connectors::Group;
using ::testing::ElementsAreArray;

class KeptPartitionsTest : public ::testing::Test {
 protected:
  double run() {
    Observer observer;
    return run_numbers(world_, observer, stop_.get_token(), "20ms", true);
  }
  // While the first batch is written.
  void meanwhile(std::function<void()> happening) {
    world_.on_write = [this, happening = std::move(happening)](auto) -> base::Result<void> {
      if (std::exchange(is_first_, false)) happening();
      return {};
    };
  }

  World world_;
  std::stop_source stop_;
  bool is_first_ = true;
};

TEST_F(KeptPartitionsTest, WhatIsLeftIsReadWithoutAnotherWordOfTheGroup) {
  give_numbers(world_, {100, 50});
  meanwhile([&] { world_.tell(Group::Change::Revoked, {{"numbers", 0}}); });
  bool is_gone = true;
  world_.on_commit = [&]() -> base::Result<void> {
    const bool has_gone_on = world_.positions[{"numbers", 1}].next_offset >= 20;
    if (has_gone_on && std::exchange(is_gone, false)) world_.tell(Group::Change::Assigned, {{"numbers", 0}, {"numbers", 1}});
    return {};
  };
  run();
  EXPECT_FALSE(is_gone);
  EXPECT_THAT(world_.rows[0], ElementsAreArray(numbers(100)));
  EXPECT_THAT(world_.rows[1], ElementsAreArray(numbers(50)));
}

// What follows at once is answered for what it is, not by the reading that the change before it has brought about.
TEST_F(KeptPartitionsTest, PartitionsThatComeWhileOthersGoAreRead) {
  give_numbers(world_, {100, 50, 70});
  meanwhile([&] {
    world_.tell(Group::Change::Revoked, {{"numbers", 0}});
    world_.tell(Group::Change::Assigned, {{"numbers", 1}, {"numbers", 2}});
    world_.tell(Group::Change::Revoked, {{"numbers", 2}});
    world_.tell(Group::Change::Assigned, {{"numbers", 0}, {"numbers", 1}, {"numbers", 2}});
    EXPECT_TRUE(world_.await([&] { return world_.is_told; }));
  });
  run();
  EXPECT_THAT(world_.rows[0], ElementsAreArray(numbers(100)));
  EXPECT_THAT(world_.rows[1], ElementsAreArray(numbers(50)));
  EXPECT_THAT(world_.rows[2], ElementsAreArray(numbers(70)));
}

TEST_F(KeptPartitionsTest, ALossIsOneOfAll) {
  give_numbers(world_, {100, 50});
  meanwhile([&] {
    world_.tell(Group::Change::Lost, {{"numbers", 0}});
    world_.tell(Group::Change::Assigned, {{"numbers", 0}, {"numbers", 1}});
    EXPECT_TRUE(world_.await([&] { return world_.is_told; }));
  });
  run();
  EXPECT_THAT(world_.rows[0], ElementsAreArray(numbers(100)));
  EXPECT_THAT(world_.rows[1], ElementsAreArray(numbers(50)));
}

}  // namespace
}  // namespace piperun::engine
