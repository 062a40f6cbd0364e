#include "lang/value/time.h"

#include <map>

#include "tests/unit/lang/value/vectors.h"

namespace piperun::value {
namespace {

std::string timestamp(std::int64_t micros) {
  std::string out;
  append_timestamp(out, micros);
  return out;
}

std::string duration(std::int64_t micros) {
  std::string out;
  append_duration(out, micros);
  return out;
}

TEST(Time, AgreesWithTheStoredVectors) {
  std::map<std::string, int> seen;
  for (const auto& f : read_vectors("time.txt")) {
    ++seen[f[0]];
    if (f[0] == "parse") {
      EXPECT_EQ(parse_timestamp(f[1]), std::stoll(f[2])) << f[1];
      continue;
    }
    const std::int64_t micros = std::stoll(f[1]);
    if (f[0] == "truncate") {
      EXPECT_EQ(truncate_time(micros, time_unit_named(f[2]).value()), std::stoll(f[3])) << f[1] << " " << f[2];
    } else if (f[0] == "add_months") {
      EXPECT_EQ(add_months(micros, std::stoll(f[2])), std::stoll(f[3])) << f[1] << " " << f[2];
    } else {
      EXPECT_EQ(timestamp(micros), f[2]);
      EXPECT_EQ(parse_timestamp(f[2]), micros) << f[2];
      EXPECT_EQ(iso_weekday(micros), std::stoi(f[3])) << f[2];
      EXPECT_EQ(day_of_year(micros), std::stoi(f[4])) << f[2];
      EXPECT_EQ(iso_week(micros).year, std::stoi(f[5])) << f[2];
      EXPECT_EQ(iso_week(micros).week, std::stoi(f[6])) << f[2];
      EXPECT_EQ(micros_from_civil(civil_from_micros(micros)), micros);
    }
  }
  EXPECT_EQ(seen.size(), 4u);
}

TEST(Time, WhatIsNoTimestamp) {
  for (const char* text :
       {"", "2026-01-31", "2026-01-31T12:00:00", "2026-01-31 12:00:00Z", "2026-01-31T12:00Z", "2026-1-31T12:00:00Z",
        "2026-02-29T12:00:00Z", "2026-13-01T12:00:00Z", "2026-01-31T24:00:00Z", "2026-01-31T12:00:60Z", "2026-01-31T12:00:00.Z",
        "2026-01-31T12:00:00+0100", "2026-01-31T12:00:00+24:00", "2026-01-31T12:00:00Z ", "+2026-01-31T12:00:00Z",
        "2026-01-31T12:00:00,5Z"}) {
    EXPECT_EQ(parse_timestamp(text), std::unexpected(Fault::ParseTimestamp)) << text;
  }
  EXPECT_EQ(parse_timestamp("0000-01-01T00:00:00Z"), std::unexpected(Fault::TimeOutOfRange));
  EXPECT_EQ(parse_timestamp("0001-01-01T00:00:00+00:01"), std::unexpected(Fault::TimeOutOfRange));
  EXPECT_EQ(parse_timestamp("9999-12-31T23:59:59-00:01"), std::unexpected(Fault::TimeOutOfRange));
}

TEST(Time, StaysInFourDigitYears) {
  EXPECT_EQ(time_after(0, kDay), kDay);
  EXPECT_EQ(time_after(kMaxTimestamp - 1, 1), kMaxTimestamp);
  EXPECT_EQ(time_after(kMaxTimestamp, 1), std::unexpected(Fault::TimeOutOfRange));
  EXPECT_EQ(time_before(kMinTimestamp + 1, 1), kMinTimestamp);
  EXPECT_EQ(time_before(kMinTimestamp, 1), std::unexpected(Fault::TimeOutOfRange));
  EXPECT_EQ(time_before(0, 30'000'000 * kDay), std::unexpected(Fault::TimeOutOfRange));
  EXPECT_EQ(time_after(kMaxTimestamp, INT64_MAX), std::unexpected(Fault::TimeOutOfRange));
  EXPECT_EQ(time_before(kMinTimestamp, INT64_MIN), std::unexpected(Fault::TimeOutOfRange));
}

TEST(Time, FractionsAreCutToMicroseconds) {
  EXPECT_EQ(parse_timestamp("1970-01-01T00:00:00.1234569Z"), 123456);
  EXPECT_EQ(parse_timestamp("1970-01-01T00:00:00.5Z"), 500000);
  EXPECT_EQ(parse_timestamp("1969-12-31T23:59:59.9999999Z"), -1);
  EXPECT_EQ(parse_timestamp("1970-01-01t00:00:00z"), 0);
}

TEST(Time, EveryInt64HasAText) {
  EXPECT_EQ(timestamp(INT64_MAX), "+294247-01-10T04:00:54.775807Z");
  EXPECT_EQ(timestamp(INT64_MIN), "-290308-12-21T19:59:05.224192Z");
  EXPECT_EQ(timestamp(kMinTimestamp), "0001-01-01T00:00:00Z");
  EXPECT_EQ(timestamp(kMaxTimestamp), "9999-12-31T23:59:59.999999Z");
}

TEST(Time, TruncationNeverOverflows) {
  for (const auto unit : {TimeUnit::Second, TimeUnit::Day, TimeUnit::Week, TimeUnit::Year})
    EXPECT_EQ(truncate_time(INT64_MIN, unit), INT64_MIN);
  EXPECT_EQ(truncate_time(-1, std::int64_t{1000}), -1000);
  EXPECT_EQ(truncate_time(0, std::int64_t{0}), std::unexpected(Fault::BadArgument));
  EXPECT_EQ(add_months(0, INT64_MAX), std::unexpected(Fault::TimeOutOfRange));
  EXPECT_EQ(add_months(kMaxTimestamp, 1), std::unexpected(Fault::TimeOutOfRange));
}

TEST(Time, DurationsAsText) {
  EXPECT_EQ(duration(0), "0s");
  EXPECT_EQ(duration(90 * kMinute), "1h30m");
  EXPECT_EQ(duration(-250 * kMillisecond), "-250ms");
  EXPECT_EQ(duration(kDay + 1), "1d1us");
  for (const std::int64_t micros : {std::int64_t{0}, std::int64_t{1}, kDay - 1, -kDay - kHour - 7, INT64_MAX, INT64_MIN}) {
    EXPECT_EQ(parse_duration(duration(micros)), micros);
  }
  EXPECT_EQ(parse_duration("90m"), 90 * kMinute);
  EXPECT_EQ(parse_duration("1500ms"), 1'500'000);
}

TEST(Time, WhatIsNoDuration) {
  for (const char* text : {"", "-", "5", "m", "1h 30m", "30m1h", "1h1h", "1.5h", "1H", "1w", "h1", "1ms1s"}) {
    EXPECT_EQ(parse_duration(text), std::unexpected(Fault::ParseDuration)) << text;
  }
  EXPECT_EQ(parse_duration("9223372036854775808us"), std::unexpected(Fault::Overflow));
  EXPECT_EQ(parse_duration("106751992d"), std::unexpected(Fault::Overflow));
}

}  // namespace
}  // namespace piperun::value
