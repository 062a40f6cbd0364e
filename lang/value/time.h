// Timestamps and durations: microseconds in int64, UTC, proleptic Gregorian calendar, no leap seconds. As text: RFC 3339 and `1h30m`.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lang/value/failure.h"

namespace piperun::value {

inline constexpr std::int64_t kMillisecond = 1'000;
inline constexpr std::int64_t kSecond = 1'000'000;
inline constexpr std::int64_t kMinute = 60 * kSecond;
inline constexpr std::int64_t kHour = 60 * kMinute;
inline constexpr std::int64_t kDay = 24 * kHour;

// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59.999999Z: what parsing accepts and calendar functions make.
inline constexpr std::int64_t kMinTimestamp = -62'135'596'800 * kSecond;
inline constexpr std::int64_t kMaxTimestamp = 253'402'300'800 * kSecond - 1;

// The point in time that lies `duration` after, or before, another one. TimeOutOfRange outside the years 0001 to 9999.
Fallible<std::int64_t> time_after(std::int64_t micros, std::int64_t duration);
Fallible<std::int64_t> time_before(std::int64_t micros, std::int64_t duration);

// ---- Text

// RFC 3339: date, `T`, time with seconds, offset (`Z` or `+hh:mm`); any number of fraction digits, those behind the sixth are cut off.
// ParseTimestamp, also for second 60; TimeOutOfRange outside the years 0001 to 9999.
Fallible<std::int64_t> parse_timestamp(std::string_view text);

// `2026-01-31T12:00:00Z`; a fraction of 3 or 6 digits if it is not zero. Years outside 0000 … 9999 have a sign.
void append_timestamp(std::string& out, std::int64_t micros);

// `1h30m`, `-250ms`: whole numbers with units d h m s ms us, largest first, each at most once. ParseDuration, Overflow.
Fallible<std::int64_t> parse_duration(std::string_view text);
void append_duration(std::string& out, std::int64_t micros);  // `0s` for zero

// Microseconds of one unit as users write it (`us ms s m h d`), or nullopt.
std::optional<std::int64_t> duration_unit(std::string_view unit);

// ---- Calendar

struct Civil {
  std::int64_t year;
  int month;  // 1 … 12
  int day;  // 1 … 31
  int hour;
  int minute;
  int second;
  int microsecond;
  friend bool operator==(const Civil&, const Civil&) = default;
};

std::int64_t days_from_civil(std::int64_t year, int month, int day);  // since 1970-01-01
Civil civil_from_micros(std::int64_t micros);
bool is_leap_year(std::int64_t year);
int days_in_month(std::int64_t year, int month);

// BadArgument unless each part is in its range; TimeOutOfRange outside the years 0001 to 9999.
Fallible<std::int64_t> micros_from_civil(const Civil& civil);

int iso_weekday(std::int64_t micros);  // 1 Monday … 7 Sunday
int day_of_year(std::int64_t micros);  // 1 … 366
struct IsoWeek {
  std::int64_t year;
  int week;  // 1 … 53
};
IsoWeek iso_week(std::int64_t micros);

enum class TimeUnit : std::uint8_t { Microsecond, Millisecond, Second, Minute, Hour, Day, Week, Month, Quarter, Year };

// `second`, `minute`, … `year`.
std::optional<TimeUnit> time_unit_named(std::string_view name);

// The start of the unit that `micros` lies in; weeks begin on Monday.
std::int64_t truncate_time(std::int64_t micros, TimeUnit unit);

// The last multiple of `step` since 1970 that is not after `micros`. BadArgument unless step > 0.
Fallible<std::int64_t> truncate_time(std::int64_t micros, std::int64_t step);

// The same day of the month, or its last day if it has none. TimeOutOfRange.
Fallible<std::int64_t> add_months(std::int64_t micros, std::int64_t months);

}  // namespace piperun::value
