#include "runtime/operators/dedup.h"

#include <gtest/gtest.h>

namespace piperun::operators {
namespace {

using Times = std::vector<std::int64_t>;

TEST(Dedup, FirstAcceptedWinsAndARepeatDoesNotExtend) {
  Dedup dedup(10);
  EXPECT_TRUE(dedup.accept("a", 100));
  EXPECT_FALSE(dedup.accept("a", 109));
  EXPECT_TRUE(dedup.accept("a", 110)) << "10 after the accepted one is not within 10";
  EXPECT_TRUE(dedup.accept("b", 100));
}

TEST(Dedup, TimeRunsBothWays) {
  Dedup dedup(10);
  EXPECT_TRUE(dedup.accept("a", 100));
  EXPECT_FALSE(dedup.accept("a", 91));
  EXPECT_TRUE(dedup.accept("a", 90));
  EXPECT_FALSE(dedup.accept("a", 95)) << "near to both";
}

TEST(Dedup, StoredTimesCount) {
  Dedup dedup(10);
  dedup.load(std::vector<commit::KeyEntry>{{"a", {50, 100}}});
  EXPECT_FALSE(dedup.accept("a", 45));
  EXPECT_TRUE(dedup.accept("a", 70));
  const auto claims = dedup.claims();
  ASSERT_EQ(claims.size(), 1u);
  EXPECT_EQ(claims[0].read, (Times{50, 100}));
  EXPECT_EQ(claims[0].set, (Times{50, 70, 100}));
}

TEST(Dedup, RepeatsAloneClaimNothing) {
  Dedup dedup(10);
  dedup.load(std::vector<commit::KeyEntry>{{"a", {50}}});
  EXPECT_FALSE(dedup.accept("a", 51));
  EXPECT_TRUE(dedup.claims().empty());
}

TEST(Dedup, ClaimsAreInKeyOrder) {
  Dedup dedup(10);
  EXPECT_TRUE(dedup.accept("c", 1));
  EXPECT_TRUE(dedup.accept("a", 1));
  EXPECT_TRUE(dedup.accept("b", 1));
  const auto claims = dedup.claims();
  ASSERT_EQ(claims.size(), 3u);
  EXPECT_EQ(claims[0].key + claims[1].key + claims[2].key, "abc");
}

TEST(Dedup, ARepeatFromAnotherPartitionIsTold) {
  Dedup dedup(10);
  dedup.load(std::vector<commit::KeyEntry>{{"a", {50}, 3}, {"b", {}}});
  EXPECT_FALSE(dedup.accept("a", 52, 3));
  EXPECT_FALSE(dedup.elsewhere()) << "its own partition";
  EXPECT_FALSE(dedup.accept("a", 53, 1));
  ASSERT_TRUE(dedup.elsewhere());
  EXPECT_EQ(dedup.elsewhere()->partition, 3);
  EXPECT_EQ(dedup.elsewhere()->time, 50);
  EXPECT_TRUE(dedup.accept("a", 60, 1)) << "too far apart for a repeat, wherever it is";
  EXPECT_FALSE(dedup.elsewhere());
  EXPECT_TRUE(dedup.accept("b", 100, 0)) << "first of this batch";
  EXPECT_FALSE(dedup.accept("b", 100, 2));
  ASSERT_TRUE(dedup.elsewhere());
  EXPECT_EQ(dedup.elsewhere()->partition, 0);
}

TEST(Dedup, KeysOfAPartitionThatIsNotKnownAreNowhereElse) {
  Dedup dedup(10);
  dedup.load(std::vector<commit::KeyEntry>{{"a", {50}}});
  EXPECT_FALSE(dedup.accept("a", 52, 3));
  EXPECT_FALSE(dedup.elsewhere());
}

TEST(Dedup, WhatLiesInTwoPartitionsIsReadAsOne) {
  Dedup dedup(10);
  dedup.load(std::vector<commit::KeyEntry>{{"a", {50, 90}, 0}, {"a", {20, 50, 70}, 1}});
  EXPECT_TRUE(dedup.accept("a", 110, 1));
  const auto claims = dedup.claims();
  ASSERT_EQ(claims.size(), 1u);
  EXPECT_EQ(claims[0].read, (Times{20, 50, 70, 90}));
  EXPECT_EQ(claims[0].set, (Times{20, 50, 70, 90, 110}));
  EXPECT_EQ(claims[0].partition, 1);
}

TEST(Dedup, ExtremeTimesDoNotOverflow) {
  Dedup dedup(10);
  EXPECT_TRUE(dedup.accept("a", INT64_MIN));
  EXPECT_TRUE(dedup.accept("a", INT64_MAX));
  EXPECT_FALSE(dedup.accept("a", INT64_MAX - 3));
}

}  // namespace
}  // namespace piperun::operators
