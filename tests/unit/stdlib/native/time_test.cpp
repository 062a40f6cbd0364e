#include <gtest/gtest.h>

#include "tests/unit/stdlib/native/call.h"

namespace piperun::native {
namespace {

constexpr const char* kNoon = "2026-01-31T12:34:56.25Z";

TEST(TimeNatives, Parts) {
  const std::pair<const char*, const char*> parts[] = {{"year", "2026"},
                                                       {"month", "1"},
                                                       {"day", "31"},
                                                       {"hour", "12"},
                                                       {"minute", "34"},
                                                       {"second", "56"},
                                                       {"microsecond", "250000"},
                                                       {"weekday", "6"},
                                                       {"day_of_year", "31"},
                                                       {"week", "5"},
                                                       {"week_year", "2026"},
                                                       {"quarter", "1"},
                                                       {"date", "2026-01-31"},
                                                       {"time_of_day", "12h34m56s250ms"}};
  for (const auto& [name, expected] : parts) EXPECT_EQ(call("time." + std::string(name), {kNoon}), expected) << name;
  EXPECT_EQ(call("time.week", {"2027-01-01T00:00:00Z"}), "53");
  EXPECT_EQ(call("time.hour", {"1969-12-31T23:59:59Z"}), "23");
}

TEST(TimeNatives, StartsOfUnits) {
  EXPECT_EQ(call("time.start_of_minute", {kNoon}), "2026-01-31T12:34:00Z");
  EXPECT_EQ(call("time.start_of_hour", {kNoon}), "2026-01-31T12:00:00Z");
  EXPECT_EQ(call("time.start_of_day", {kNoon}), "2026-01-31T00:00:00Z");
  EXPECT_EQ(call("time.start_of_week", {kNoon}), "2026-01-26T00:00:00Z");
  EXPECT_EQ(call("time.start_of_month", {kNoon}), "2026-01-01T00:00:00Z");
  EXPECT_EQ(call("time.start_of_quarter", {"2026-05-31T12:34:56Z"}), "2026-04-01T00:00:00Z");
  EXPECT_EQ(call("time.start_of_year", {"2026-05-31T12:34:56Z"}), "2026-01-01T00:00:00Z");
  EXPECT_EQ(call("time.truncate", {kNoon, "15m"}), "2026-01-31T12:30:00Z");
  EXPECT_EQ(call("time.truncate", {kNoon, "0s"}), "BadArgument");
}

TEST(TimeNatives, NothingLeavesTheFourDigitYears) {
  EXPECT_EQ(call("time.local", {"9999-12-31T23:30:00Z", "Asia/Tokyo"}), "TimeOutOfRange");
  EXPECT_EQ(call("time.from_local", {"0001-01-01T00:00:00Z", "Asia/Tokyo"}), "TimeOutOfRange");
  EXPECT_EQ(call("time.format_in", {"9999-12-31T23:30:00Z", "%Y", "Asia/Tokyo"}), "TimeOutOfRange");
  EXPECT_EQ(call("time.parse", {"0001-01-01 00:00 +0900", "%F %H:%M %z"}), "TimeOutOfRange");
  EXPECT_EQ(call("time.parse_in", {"0001-01-01 00:00 +0900", "%F %H:%M %z", "UTC"}), "TimeOutOfRange");
}

TEST(TimeNatives, Moves) {
  EXPECT_EQ(call("time.add_days", {"2026-02-27T12:00:00Z", "2"}), "2026-03-01T12:00:00Z");
  EXPECT_EQ(call("time.add_days", {"2026-02-27T12:00:00Z", "9000000000000000000"}), "TimeOutOfRange");
  EXPECT_EQ(call("time.add_days", {"9999-12-31T00:00:00Z", "1"}), "TimeOutOfRange");
  EXPECT_EQ(call("time.add_months", {"2026-01-31T12:00:00Z", "1"}), "2026-02-28T12:00:00Z");
  EXPECT_EQ(call("time.add_years", {"2024-02-29T00:00:00Z", "1"}), "2025-02-28T00:00:00Z");
  EXPECT_EQ(call("time.days_between", {"2026-01-31T23:00:00Z", "2026-02-01T01:00:00Z"}), "1");
  EXPECT_EQ(call("time.days_between", {"1970-01-01T00:00:00Z", "1969-12-31T23:00:00Z"}), "-1");
}

TEST(TimeNatives, Zones) {
  EXPECT_EQ(call("time.local", {"2026-07-01T12:00:00Z", "Europe/Berlin"}), "2026-07-01T14:00:00Z");
  EXPECT_EQ(call("time.local", {"2026-07-01T12:00:00Z", "Nowhere/City"}), "UnknownTimeZone");
  EXPECT_EQ(call("time.offset", {kNoon, "Asia/Kolkata"}), "5h30m");
  EXPECT_EQ(call("time.offset", {kNoon, "America/New_York"}), "-5h");
  EXPECT_EQ(call("time.start_of_day_in", {"2026-01-31T23:30:00Z", "Europe/Berlin"}), "2026-01-31T23:00:00Z");
  EXPECT_EQ(call("time.start_of_week_in", {"2026-01-31T23:30:00Z", "Europe/Berlin"}), "2026-01-25T23:00:00Z");
  EXPECT_EQ(call("time.start_of_month_in", {"2026-01-31T23:30:00Z", "Europe/Berlin"}), "2026-01-31T23:00:00Z");
  EXPECT_EQ(call("time.add_days_in", {"2026-03-28T12:00:00Z", "1", "Europe/Berlin"}), "2026-03-29T11:00:00Z");
}

// Clocks in Berlin: 29 March 2026 from 02:00 to 03:00, 25 October 2026 from 03:00 back to 02:00.
TEST(TimeNatives, ClocksThatAreSet) {
  EXPECT_EQ(call("time.from_local", {"2026-03-29T02:30:00Z", "Europe/Berlin"}), "2026-03-29T01:00:00Z");
  EXPECT_EQ(call("time.from_local", {"2026-03-29T03:00:00Z", "Europe/Berlin"}), "2026-03-29T01:00:00Z");
  EXPECT_EQ(call("time.from_local", {"2026-10-25T02:30:00Z", "Europe/Berlin"}), "2026-10-25T00:30:00Z");
  EXPECT_EQ(call("time.from_local", {"2026-10-25T03:30:00.5Z", "Europe/Berlin"}), "2026-10-25T02:30:00.500Z");
}

TEST(TimeNatives, Formats) {
  EXPECT_EQ(call("time.format", {"2026-01-31T09:05:00Z", "%d.%m.%Y %H:%M"}), "31.01.2026 09:05");
  EXPECT_EQ(call("time.format", {"2026-01-01T00:05:09.012345Z", "%a %A %b %B %e %I %p %y %j %u %G-W%V %f %L %F %T %s %z %Z %%"}),
            "Thu Thursday Jan January 1 12 AM 26 001 4 2026-W01 012345 012 2026-01-01 00:05:09 1767225909 +0000 UTC %");
  EXPECT_EQ(call("time.format", {"1969-12-31T23:59:59.5Z", "%s"}), "-1");
  EXPECT_EQ(call("time.format", {kNoon, "%q"}), "BadTimeFormat");
  EXPECT_EQ(call("time.format", {kNoon, "50%"}), "BadTimeFormat");
  EXPECT_EQ(call("time.format_in", {"2026-07-01T12:00:00Z", "%H:%M %z %Z", "Europe/Berlin"}), "14:00 +0200 CEST");
  EXPECT_EQ(call("time.format_in", {"2026-07-01T12:00:00Z", "%z %s", "America/St_Johns"}), "-0230 1782907200");
}

TEST(TimeNatives, Parses) {
  EXPECT_EQ(call("time.parse", {"31/Jan/2026:12:00:00 +0100", "%d/%b/%Y:%H:%M:%S %z"}), "2026-01-31T11:00:00Z");
  EXPECT_EQ(call("time.parse", {"2026-01-31 12:00:00.123", "%F %T.%L"}), "2026-01-31T12:00:00.123Z");
  EXPECT_EQ(call("time.parse", {"2026-01-31 12:00:00.5", "%F %T.%f"}), "2026-01-31T12:00:00.500Z");
  EXPECT_EQ(call("time.parse", {"1769860800", "%s"}), "2026-01-31T12:00:00Z");
  EXPECT_EQ(call("time.parse", {"12:30 AM", "%I:%M %p"}), "1970-01-01T00:30:00Z");
  EXPECT_EQ(call("time.parse", {"12:30 pm", "%I:%M %p"}), "1970-01-01T12:30:00Z");
  EXPECT_EQ(call("time.parse", {"2024-366", "%Y-%j"}), "2024-12-31T00:00:00Z");
  EXPECT_EQ(call("time.parse", {"2026-366", "%Y-%j"}), "BadTimeFormat");
  EXPECT_EQ(call("time.parse", {"2026-02-30", "%F"}), "BadTimeFormat");
  EXPECT_EQ(call("time.parse", {"2026-02-03 ", "%F"}), "BadTimeFormat");
  EXPECT_EQ(call("time.parse", {"Sat, 31 Jan 2026 12:00:00 Z", "%a, %d %b %Y %T %z"}), "2026-01-31T12:00:00Z");
  EXPECT_EQ(call("time.parse_in", {"01.07.2026 14:00", "%d.%m.%Y %H:%M", "Europe/Berlin"}), "2026-07-01T12:00:00Z");
  EXPECT_EQ(call("time.parse_in", {"1769860800", "%s", "Europe/Berlin"}), "2026-01-31T12:00:00Z");
}

TEST(TimeNatives, Epochs) {
  EXPECT_EQ(call("time.from_seconds", {"1769860800"}), "2026-01-31T12:00:00Z");
  EXPECT_EQ(call("time.from_millis", {"1769860800500"}), "2026-01-31T12:00:00.500Z");
  EXPECT_EQ(call("time.from_seconds", {"9223372036854775807"}), "TimeOutOfRange");
  EXPECT_EQ(call("time.to_seconds", {"1969-12-31T23:59:59.5Z"}), "-1");
  EXPECT_EQ(call("time.to_millis", {"1970-01-01T00:00:01Z"}), "1000");
  EXPECT_EQ(call("time.seconds", {"1s500ms"}), "1.5");
  EXPECT_EQ(call("time.millis", {"2s"}), "2000");
  EXPECT_EQ(call("time.duration_of_seconds", {"90"}), "1m30s");
  EXPECT_EQ(call("time.duration_of_millis", {"9223372036854775807"}), "Overflow");
}

}  // namespace
}  // namespace piperun::native
