// A unit that begins where another run ended, killed behind every step of its first start.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "runtime/connectors/embedded/inspector.h"
#include "runtime/engine/engine.h"
#include "runtime/piperun/compile.h"
#include "runtime/piperun/upgrade.h"

namespace piperun::engine {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;

constexpr const char* kProgram = R"(pipeline numbers { delivery = exactly_once }
connection box = embedded { path = "box.db" }
type Number { n: int64 }
source numbers: Number = box { topic = "numbers", start = latest }
sink kept = box { table = "kept" }
flow f {
  from numbers
  to kept
}
)";

// Kills behind the step of that number; -1: never.
class Killer final : public Observer {
 public:
  explicit Killer(int step) : left_(step) {}
  Verdict after(const ir::Unit&, const ir::Step&) override { return left_-- == 0 ? Verdict::Crash : Verdict::GoOn; }

 private:
  int left_;
};

class FollowRunTest : public ::testing::Test {
 protected:
  FollowRunTest() {
    std::string name = (fs::temp_directory_path() / "piperun-follow-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    begin();
  }
  ~FollowRunTest() override { fs::remove_all(folder_); }

  // Ten records in each of three partitions.
  void begin() {
    fs::remove_all(folder_);
    fs::create_directory(folder_);
    auto inspector = embedded::Inspector::open(folder_ / "box.db", embedded::Database::Access::Write);
    ASSERT_TRUE(inspector) << inspector.error().message;
    std::vector<embedded::NewRecord> records;
    for (std::int32_t i = 0; i < 30; ++i) {
      embedded::NewRecord& each = records.emplace_back();
      each.value = texts_.emplace_back("{\"n\":" + std::to_string(i / 3) + "}");
      each.partition = i % 3;
    }
    const auto put = inspector->put("numbers", records, 3);
    ASSERT_TRUE(put) << put.error().message;
  }

  RunResult run(const Beginning& beginning, int step = -1) {
    cli::CompileOptions how;
    how.files = {{"numbers.pipe", kProgram}};
    const auto compiled = cli::compile_file("numbers.pipe", how);
    Options options = cli::engine_options(*compiled);
    options.drain = true;
    options.inline_intake = true;
    options.compare = cli::comparer(plan::Upgrade::None);
    options.beginnings = {{"box.box", beginning}};
    base::SystemClock clock;
    Killer killer(step);
    const auto connectors = connectors::make_connectors(folder_, folder_, clock, options.secret);
    return engine::run(*compiled->program, *connectors, clock, killer, options, {});
  }

  // The run that it follows had two of the three partitions.
  static Beginning past(const std::string& mark = {}) {
    Beginning result{"past", {}};
    for (const auto& [number, next] : {std::pair(0, 4), std::pair(1, 10)}) {
      commit::Position& each = result.positions.emplace_back();
      each.partition = {"numbers", number};
      each.next_offset = next;
      each.counts.read = next;  // of that run, not of this one
      each.mark = mark;
    }
    return result;
  }

  static std::vector<std::int64_t> read(const RunResult& result) {
    std::vector<std::int64_t> counts;
    if (result.ledgers.empty()) return counts;
    for (const commit::Position& each : result.ledgers.front().positions) counts.push_back(each.counts.read);
    return counts;
  }

  fs::path folder_;
  std::deque<std::string> texts_;
};

TEST_F(FollowRunTest, APartitionThatTheRunDidNotHaveBeginsAtItsBeginning) {
  const RunResult result = run(past());
  ASSERT_FALSE(result.error) << result.error->message;
  EXPECT_THAT(read(result), ElementsAre(6, 0, 10)) << "`start = latest` says nothing of a unit that follows";
}

TEST_F(FollowRunTest, AKillBehindAnyStepLeavesTheSeamWhereItIs) {
  int kills = 0;
  for (bool is_done = false; !is_done; ++kills) {
    begin();
    const RunResult killed = run(past(), kills);
    ASSERT_FALSE(killed.error) << killed.error->message;
    is_done = !killed.crashed;
    const RunResult result = run(past());
    ASSERT_FALSE(result.error) << result.error->message;
    EXPECT_THAT(read(result), ElementsAre(6, 0, 10)) << "killed behind step " << kills;
  }
  EXPECT_GT(kills, 6);
}

TEST_F(FollowRunTest, WhoHasPositionsGoesOnFromThem) {
  ASSERT_FALSE(run({"none", {}}).error);
  const RunResult result = run(past());
  ASSERT_FALSE(result.error) << result.error->message;
  EXPECT_THAT(read(result), ElementsAre(10, 10, 10)) << "all three began at their beginning, and nothing was read again";
}

}  // namespace
}  // namespace piperun::engine
