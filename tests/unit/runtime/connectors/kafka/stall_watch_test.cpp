// When a client is taken for stuck, without a broker.
#include "runtime/connectors/kafka/stall_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace piperun::kafka {
namespace {

using Reading = Progress;
using testing::HasSubstr;

constexpr std::int64_t kPatience = 60'000'000;

Reading reading(std::int64_t next, std::int64_t seen_end = -1) { return {{"orders", 3}, next, seen_end}; }

StallWatch::Ends ends(std::int64_t end) {
  return [end](std::span<const commit::PartitionName> names) -> base::Result<std::vector<std::int64_t>> {
    return std::vector(names.size(), end);
  };
}

// Two looks, `patience` apart.
base::Result<void> looked(const Reading& first, std::int64_t end, const Reading& second) {
  StallWatch watch(kPatience);
  const auto done = watch.look(kPatience, std::span(&first, 1), ends(end));
  EXPECT_TRUE(done);
  EXPECT_FALSE(watch.is_due(2 * kPatience - 1));
  EXPECT_TRUE(watch.is_due(2 * kPatience));
  return watch.look(2 * kPatience, std::span(&second, 1), ends(end));
}

TEST(StallWatch, RecordsThatLieThereAndDoNotComeAreAStall) {
  const auto found = looked(reading(10), 20, reading(10));
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, base::ErrorCode::LostOwnership);
  EXPECT_THAT(found.error().message, HasSubstr("orders[3] has records from 10 to 20, and none was fetched for 60 s"));
}

TEST(StallWatch, WhatMovesOrIsAtItsEndHasNotStalled) {
  EXPECT_TRUE(looked(reading(10), 20, reading(11)));
  EXPECT_TRUE(looked(reading(20), 20, reading(20)));
  EXPECT_TRUE(looked(reading(10), 20, reading(10, 20)));  // marks of transactions alone
  EXPECT_TRUE(looked(reading(10, 20), 20, reading(10, 20)));
}

TEST(StallWatch, WhatCameBetweenTwoLooksIsNotCountedYet) {
  StallWatch watch(kPatience);
  const Reading here = reading(10, 10);
  EXPECT_TRUE(watch.look(kPatience, std::span(&here, 1), ends(10)));
  EXPECT_TRUE(watch.look(2 * kPatience, std::span(&here, 1), ends(11)));
  EXPECT_FALSE(watch.look(3 * kPatience, std::span(&here, 1), ends(11)));
}

TEST(StallWatch, NobodyIsBlamedWhereNoEndIsKnownOrOtherPlacesAreRead) {
  StallWatch watch(kPatience);
  const Reading here = reading(10);
  const auto unknown = [](std::span<const commit::PartitionName>) -> base::Result<std::vector<std::int64_t>> {
    return base::failure(base::ErrorCode::SystemUnavailable, "no broker answers");
  };
  EXPECT_TRUE(watch.look(kPatience, std::span(&here, 1), unknown));
  EXPECT_TRUE(watch.look(2 * kPatience, std::span(&here, 1), ends(20)));
  watch.forget(2 * kPatience);
  EXPECT_TRUE(watch.look(3 * kPatience, std::span(&here, 1), ends(20)));
  EXPECT_TRUE(watch.look(4 * kPatience, std::span(&here, 1), unknown));  // now, either: its leader may be gone
  EXPECT_TRUE(watch.look(5 * kPatience, std::span(&here, 1), ends(20)));
  EXPECT_TRUE(watch.look(6 * kPatience, {}, ends(20)));
}

}  // namespace
}  // namespace piperun::kafka
