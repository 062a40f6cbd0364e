#include "runtime/engine/output_end.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace piperun::engine {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::int64_t kSecond = 1'000'000;

// A log in which a transaction may be open.
class Log final : public connectors::Sink {
 public:
  explicit Log(std::string& hidden, int& looks) : hidden_(hidden), looks_(looks) {}
  base::Result<void> write(std::span<const connectors::OutputRow>) override { return {}; }
  base::Result<void> await() override { return {}; }
  base::Result<std::string> hidden_at() override {
    ++looks_;
    if (hidden_ == "outage") return base::failure(base::ErrorCode::SystemUnavailable, "nobody answers");
    return hidden_;
  }

 private:
  std::string& hidden_;
  int& looks_;
};

class OutputEndTest : public ::testing::Test {
 protected:
  OutputEndTest() {
    for (std::string& each : hidden_) sinks_.push_back(std::make_unique<Log>(each, looks_));
  }
  // Once in so many microseconds, `times` times. What was told is in `told_`.
  bool is_reached(int times = 1, std::int64_t every = kSecond) {
    bool reached = false;
    testing::internal::CaptureStdout();
    for (int i = 0; i < times && !reached; ++i) {
      clock_.sleep(every);
      const auto answer = end_.is_reached(sinks_);
      reached = answer && *answer;
    }
    told_ = testing::internal::GetCapturedStdout();
    return reached;
  }

  base::VirtualClock clock_{0};
  std::string hidden_[2];
  int looks_ = 0;
  std::vector<std::unique_ptr<connectors::Sink>> sinks_;
  std::string told_;
  const ir::Unit unit_{};
  OutputEnd end_{unit_, clock_};
};

TEST_F(OutputEndTest, IsThereAtOnceWhereNothingIsHidden) {
  EXPECT_TRUE(is_reached());
  EXPECT_EQ(told_, "");
  EXPECT_TRUE(is_reached());
  EXPECT_EQ(looks_, 2) << "each sink once";
}

TEST_F(OutputEndTest, WaitsForEachSinkAndTellsOnceForWhat) {
  hidden_[1] = "lines[3]";
  EXPECT_FALSE(is_reached(1));
  EXPECT_EQ(told_, "");
  EXPECT_FALSE(is_reached(3));
  EXPECT_THAT(told_, HasSubstr("waiting for an open transaction"));
  EXPECT_THAT(told_, HasSubstr("lines[3]"));
  EXPECT_FALSE(is_reached(3));
  EXPECT_EQ(told_, "");
  hidden_[1] = "";
  EXPECT_TRUE(is_reached());
}

TEST_F(OutputEndTest, ATransactionThatStaysOpenIsToldAndNotWaitedForAnyLonger) {
  hidden_[0] = "lines[0]";
  EXPECT_TRUE(is_reached(20));
  EXPECT_THAT(told_, HasSubstr("not given all yet"));
  EXPECT_LT(clock_.monotonic(), 20 * kSecond);
}

TEST_F(OutputEndTest, AnOutageIsTheCallersAndTheEndIsFoundBehindIt) {
  hidden_[0] = "outage";
  clock_.sleep(kSecond);
  EXPECT_FALSE(end_.is_reached(sinks_));
  hidden_[0] = "";
  EXPECT_TRUE(is_reached());
}

TEST_F(OutputEndTest, LooksOnceInAWhile) {
  hidden_[0] = "lines[0]";
  EXPECT_FALSE(is_reached(100, 1'000));
  EXPECT_LE(looks_, 2 * 6);
}

}  // namespace
}  // namespace piperun::engine
