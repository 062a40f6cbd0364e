#include "runtime/engine/retry.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "runtime/base/clock.h"

namespace piperun::engine {
namespace {

constexpr std::int64_t kSecond = 1'000'000;

// A system that is down from the beginning to `until` (microseconds); an attempt takes no time.
struct Outage {
  std::int64_t recovered = 0;         // when the first attempt succeeded
  std::vector<std::int64_t> probes;   // waits while paused
  std::vector<std::int64_t> backoffs;
};

Outage sit_out(const ir::ErrorPolicy& policy, std::int64_t until, std::uint64_t seed) {
  base::VirtualClock clock(0);
  Retry retry(policy, seed);
  Outage result;
  while (clock.monotonic() < until) {
    const Retry::Decision decision = retry.after_failure();
    EXPECT_FALSE(decision.give_up);
    EXPECT_EQ(decision.paused, decision.attempt > policy.retry);
    (decision.paused ? result.probes : result.backoffs).push_back(decision.wait);
    clock.sleep(decision.wait);
  }
  result.recovered = clock.monotonic();
  return result;
}

TEST(RetryTest, TheUnitIsBackSoonAfterTheSystemIs) {
  const ir::ErrorPolicy policy;
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    for (const std::int64_t seconds : {1, 2, 5, 10, 20, 60}) {
      const std::int64_t until = seconds * kSecond;
      const std::int64_t late = sit_out(policy, until, seed).recovered - until;
      // The longest backoff before the pause is 3.2 s; behind it, a quarter of the outage.
      EXPECT_LE(late, std::max<std::int64_t>(3'200'000, until / 4)) << seconds << " s, seed " << seed;
    }
  }
}

TEST(RetryTest, ProbesBecomeAsSeldomAsThePause) {
  const ir::ErrorPolicy policy;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const Outage outage = sit_out(policy, 3600 * kSecond, seed);
    EXPECT_EQ(outage.backoffs.size(), 5U);
    for (const std::int64_t wait : outage.probes) {
      EXPECT_GE(wait, kSecond / 2);
      EXPECT_LE(wait, policy.pause);
    }
    const std::vector<std::int64_t> late(outage.probes.end() - 60, outage.probes.end());
    EXPECT_GE(*std::ranges::min_element(late), policy.pause / 2);
    EXPECT_LE(outage.probes.size(), 25U + 3600 / 15);
  }
}

TEST(RetryTest, AShortPauseIsNeverExceeded) {
  ir::ErrorPolicy policy;
  policy.pause = 100'000;
  for (const std::int64_t wait : sit_out(policy, 60 * kSecond, 1).probes) EXPECT_LE(wait, policy.pause);
  policy.pause = 0;
  Retry retry(policy, 1);
  for (int i = 0; i < policy.retry; ++i) retry.after_failure();
  EXPECT_EQ(retry.after_failure().wait, 0);
}

TEST(RetryTest, BackoffDoublesWithFullJitterUpToItsBound) {
  ir::ErrorPolicy policy;
  policy.retry = 12;
  std::vector<std::int64_t> longest(12, 0);
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    Retry retry(policy, seed);
    for (std::int64_t& most : longest) most = std::max(most, retry.after_failure().wait);
  }
  for (std::size_t i = 0; i < longest.size(); ++i) {
    const std::int64_t bound = std::min(policy.backoff_max, policy.backoff_min << i);
    EXPECT_LE(longest[i], bound) << i;
    EXPECT_GT(longest[i], bound * 9 / 10) << i;
  }
}

TEST(RetryTest, ASuccessBeginsAnew) {
  const ir::ErrorPolicy policy;
  Retry retry(policy, 7);
  for (int i = 0; i < 40; ++i) retry.after_failure();
  retry.succeeded();
  const Retry::Decision decision = retry.after_failure();
  EXPECT_EQ(decision.attempt, 1);
  EXPECT_FALSE(decision.paused);
  EXPECT_LE(decision.wait, policy.backoff_min);
  for (int i = 1; i < policy.retry; ++i) retry.after_failure();
  EXPECT_LE(retry.after_failure().wait, std::max(kSecond, (policy.backoff_min << policy.retry) / 4));
}

TEST(RetryTest, WhoGivesUpDoesSoWhenTheAttemptsAreUsedUp) {
  ir::ErrorPolicy policy;
  policy.give_up = true;
  policy.retry = 2;
  Retry retry(policy, 1);
  EXPECT_FALSE(retry.after_failure().give_up);
  EXPECT_FALSE(retry.after_failure().give_up);
  EXPECT_TRUE(retry.after_failure().give_up);
}

}  // namespace
}  // namespace piperun::engine
