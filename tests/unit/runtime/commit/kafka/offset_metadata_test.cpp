#include "runtime/commit/kafka/offset_metadata.h"

#include <gtest/gtest.h>

namespace piperun::kafka {
namespace {

TEST(OffsetMetadata, IsReadBackAsItWasWritten) {
  OffsetMetadata written;
  written.counts = {.read = 20, .used = 5, .filtered = 4, .duplicates = 3, .late = 2, .skipped = 1, .dead = 3, .unknown = 2};
  written.in_flight = 7;
  written.at = 9;
  written.time = -1'780'000;
  written.topic_id = "m1Y+/Qtz==";
  written.rows = {{"order_lines", 12}, {"odd name=%", 3}};
  const auto text = written.text();
  ASSERT_TRUE(text);
  EXPECT_EQ(OffsetMetadata::parse(*text), written);
  for (const char c : *text) EXPECT_TRUE(c >= 32 && c < 127) << *text;
}

TEST(OffsetMetadata, LeavesOutWhatIsZero) { EXPECT_EQ(*OffsetMetadata{}.text(), "piperun/1"); }

TEST(OffsetMetadata, ATimeOfZeroIsATime) {
  OffsetMetadata written;
  written.time = 0;
  EXPECT_EQ(OffsetMetadata::parse(*written.text()).time, 0);
  EXPECT_EQ(OffsetMetadata::parse("piperun/1 read=3").time, std::nullopt) << "as an earlier version wrote it";
}

TEST(OffsetMetadata, ReadsNothingFromForeignWords) {
  for (const char* text : {"", "NO_METADATA", "read=5 used=5", "piperun/2read=5"}) {
    EXPECT_EQ(OffsetMetadata::parse(text), OffsetMetadata{}) << text;
  }
}

TEST(OffsetMetadata, ReadsWhatALaterVersionAdds) {
  EXPECT_EQ(OffsetMetadata::parse("piperun/1 new=5 read=3 odd used=3").counts.used, 3);
}

TEST(OffsetMetadata, RefusesMoreThanABrokerTakes) {
  OffsetMetadata many;
  for (int i = 0; i < 100; ++i) many.rows[std::string(40, 'x') + std::to_string(i)] = 1'000'000'000'000'000'000;
  const auto text = many.text();
  ASSERT_FALSE(text);
  EXPECT_EQ(base::traits(text.error().code).error_class, base::ErrorClass::Configuration);
}

TEST(OffsetMetadata, KeepsLargeCounts) {
  OffsetMetadata written;
  written.counts.read = INT64_MAX;
  EXPECT_EQ(OffsetMetadata::parse(*written.text()).counts.read, INT64_MAX);
}

}  // namespace
}  // namespace piperun::kafka
