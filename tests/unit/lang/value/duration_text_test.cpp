#include "lang/value/duration_text.h"

#include <gtest/gtest.h>

#include "lang/value/time.h"

namespace piperun::value {
namespace {

TEST(DurationText, IsInTheLargestExactUnit) {
  EXPECT_EQ(duration_text(0), "0us");
  EXPECT_EQ(duration_text(1'500), "1500us");
  EXPECT_EQ(duration_text(kSecond + 500 * kMillisecond), "1500ms");
  EXPECT_EQ(duration_text(90 * kSecond), "90s");
  EXPECT_EQ(duration_text(7 * kDay), "7d");
}

TEST(DurationText, OneDayIsHours) { EXPECT_EQ(duration_text(kDay), "24h"); }

}  // namespace
}  // namespace piperun::value
