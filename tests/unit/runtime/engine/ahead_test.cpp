// A unit that reads ahead: what is in preparation must not be heard of when the batch before it meets something.
#include "runtime/engine/ahead.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "runtime/engine/engine.h"
#include "runtime/piperun/compile.h"
#include "tests/unit/runtime/engine/topic_to_table.h"

namespace piperun::engine {
namespace {

using base::ErrorCode;
using connectors::Group;
using ::testing::ElementsAreArray;

constexpr const char* kProgram = R"(pipeline numbers {
  delivery        = exactly_once
  commit_records  = 10
  commit_interval = INTERVAL
  on error { dead_letter = keep }
}
connection bus  = kafka { brokers = "nowhere:1" }
connection shop = postgres { url = secret("URL") }
type Number { n: int64 }
source numbers: Number = bus { topic = "numbers" }
sink kept = shop { table = "kept" }
flow f {
  from numbers
  to kept
}
)";

class AheadTest : public ::testing::Test {
 protected:
  // Until the topic is used up, or somebody asks `stop_` for it. Returns how long it took, in seconds.
  double run(const std::string& interval = "20ms", bool drain = true) {
    std::string text = kProgram;
    text.replace(text.find("INTERVAL"), 8, interval);
    cli::CompileOptions how;
    how.files = {{"numbers.pipe", text}};
    const auto compiled = cli::compile_file("numbers.pipe", how);
    if (!compiled || !compiled->ok()) {
      ADD_FAILURE() << "the program does not compile";
      return 0;
    }
    Options options = cli::engine_options(*compiled);
    options.drain = drain;
    options.compare = [](const std::vector<commit::Manifest>& stored, const std::vector<std::string>&) {
      UpgradeDecision decision;
      decision.kind = stored.empty() ? UpgradeDecision::Kind::New : UpgradeDecision::Kind::Equal;
      return UpgradePlan{{decision}, {}};
    };
    FakeConnectors connectors(world_);
    base::SystemClock clock;
    Observer observer;
    const auto begun = std::chrono::steady_clock::now();
    const RunResult result = engine::run(*compiled->program, connectors, clock, observer, options, stop_.get_token());
    EXPECT_FALSE(result.error) << result.error->message;
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  }

  // Assigned from the beginning, each with so many records.
  void give(std::vector<std::int64_t> ends) {
    world_.ends = std::move(ends);
    std::vector<commit::PartitionName> all;
    for (std::size_t i = 0; i < world_.ends.size(); ++i) all.push_back({"numbers", static_cast<std::int32_t>(i)});
    world_.tell(Group::Change::Assigned, all);
  }

  // The intake holds kQueuedSlabs: one more than these and the first batch is handed over only when the next batch has taken one.
  void await_next_batch() {
    EXPECT_TRUE(world_.await([&] { return world_.slabs >= kQueuedSlabs + 2; }));
  }

  static std::vector<std::int64_t> numbers(std::int64_t end) {
    std::vector<std::int64_t> result(static_cast<std::size_t>(end));
    std::iota(result.begin(), result.end(), 0);
    return result;
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
