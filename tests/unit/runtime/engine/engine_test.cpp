// The end of a drain: an outage while it is looked for is one like any other.
#include "runtime/engine/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/runtime/engine/numbers_pipeline.h"

namespace piperun::engine {
namespace {

// Remembers what it is told of outages.
class Listener final : public Observer {
 public:
  std::vector<int> attempts;
  int recoveries = 0;
  bool paused = false;
  void retrying(const ir::Unit&, const base::Error&, int attempt, std::int64_t, bool is_paused) override {
    attempts.push_back(attempt);
    paused = paused || is_paused;
  }
  void recovered(const ir::Unit&) override { ++recoveries; }
};

TEST(DrainTest, AnOutageWhileItsEndIsLookedForIsToldAndPasses) {
  World world;
  give_numbers(world, {25});
  Listener listener;
  world.on_end = [&]() -> base::Result<void> {
    if (listener.attempts.size() < 3) return base::failure(base::ErrorCode::SystemUnavailable, "nobody answers");
    return {};
  };
  run_numbers(world, listener, {}, "5ms", true);
  EXPECT_THAT(listener.attempts, testing::ElementsAre(1, 2, 3));
  EXPECT_EQ(listener.recoveries, 1);
  EXPECT_EQ(world.rows[0].size(), 25u);
}

TEST(DrainTest, AStopEndsItWhileItsEndCannotBeFound) {
  World world;
  give_numbers(world, {5});
  std::stop_source stop;
  Listener listener;
  world.on_end = [&]() -> base::Result<void> {
    if (listener.paused) stop.request_stop();
    return base::failure(base::ErrorCode::SystemUnavailable, "nobody answers");
  };
  EXPECT_LT(run_numbers(world, listener, stop.get_token(), "5ms", true), 30);
  EXPECT_EQ(listener.recoveries, 0);
  EXPECT_EQ(world.rows[0].size(), 5u);
}

TEST(DrainTest, WithoutAnOutageNothingIsTold) {
  World world;
  give_numbers(world, {25});
  Listener listener;
  run_numbers(world, listener, {}, "5ms", true);
  EXPECT_TRUE(listener.attempts.empty());
  EXPECT_EQ(listener.recoveries, 0);
}

// The one before may have ended before it told of its last batch.
TEST(MirrorTest, WhoTakesOverTellsTheGroupWhereItBegins) {
  World world;
  Listener listener;
  give_numbers(world, {25});
  run_numbers(world, listener, {}, "5ms", true);
  EXPECT_EQ(world.mirrored[0], 25);
  world.mirrored.clear();
  give_numbers(world, {25});
  run_numbers(world, listener, {}, "5ms", true);
  EXPECT_EQ(world.mirrored[0], 25);
}

}  // namespace
}  // namespace piperun::engine
