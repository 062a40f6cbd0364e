// The calendar. Days from and to civil dates: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms".
#include "lang/value/time.h"

#include <algorithm>

namespace piperun::value {

namespace {

struct Date {
  std::int64_t year;
  int month;
  int day;
};

// Rounds down, for a positive divisor.
constexpr std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }
constexpr std::int64_t floor_mod(std::int64_t a, std::int64_t b) { return a % b + (a % b < 0 ? b : 0); }

Date date_from_days(std::int64_t days) {
  const std::int64_t shifted = days + 719'468;  // days since 0000-03-01
  const std::int64_t era = floor_div(shifted, 146'097);
  const std::int64_t day_of_era = shifted - era * 146'097;
  const std::int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const std::int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t shifted_month = (5 * day_of_year + 2) / 153;
  const int day = static_cast<int>(day_of_year - (153 * shifted_month + 2) / 5 + 1);
  const int month = static_cast<int>(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
  return {year_of_era + era * 400 + (month <= 2 ? 1 : 0), month, day};
}

std::int64_t start_of_month(std::int64_t year, int month) { return days_from_civil(year, month, 1); }

// Near the smallest int64 the start of a unit may lie outside; it is then the smallest int64.
std::int64_t micros_of_day(std::int64_t day) {
  std::int64_t micros;
  return __builtin_mul_overflow(day, kDay, &micros) ? INT64_MIN : micros;
}

std::int64_t truncate_to_step(std::int64_t micros, std::int64_t step) {
  std::int64_t start;
  return __builtin_sub_overflow(micros, floor_mod(micros, step), &start) ? INT64_MIN : start;
}

Fallible<std::int64_t> in_range(bool overflows, std::int64_t micros) {
  if (overflows || micros < kMinTimestamp || micros > kMaxTimestamp) return std::unexpected(Fault::TimeOutOfRange);
  return micros;
}

}  // namespace

Fallible<std::int64_t> time_after(std::int64_t micros, std::int64_t duration) {
  std::int64_t result;
  const bool overflows = __builtin_add_overflow(micros, duration, &result);
  return in_range(overflows, result);
}

Fallible<std::int64_t> time_before(std::int64_t micros, std::int64_t duration) {
  std::int64_t result;
  const bool overflows = __builtin_sub_overflow(micros, duration, &result);
  return in_range(overflows, result);
}

std::int64_t days_from_civil(std::int64_t year, int month, int day) {
  const std::int64_t y = month <= 2 ? year - 1 : year;
  const std::int64_t era = floor_div(y, 400);
  const std::int64_t year_of_era = y - era * 400;
  const std::int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const std::int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + day_of_era - 719'468;
}

Civil civil_from_micros(std::int64_t micros) {
  const Date date = date_from_days(floor_div(micros, kDay));
  const std::int64_t rest = floor_mod(micros, kDay);
  return {date.year,
          date.month,
          date.day,
          static_cast<int>(rest / kHour),
          static_cast<int>(rest / kMinute % 60),
          static_cast<int>(rest / kSecond % 60),
          static_cast<int>(rest % kSecond)};
}

bool is_leap_year(std::int64_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

int days_in_month(std::int64_t year, int month) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap_year(year) ? 29 : kDays[month - 1];
}

Fallible<std::int64_t> micros_from_civil(const Civil& c) {
  const bool date_is_good = c.month >= 1 && c.month <= 12 && c.day >= 1 && c.day <= days_in_month(c.year, c.month);
  const bool time_is_good = c.hour >= 0 && c.hour <= 23 && c.minute >= 0 && c.minute <= 59 && c.second >= 0 && c.second <= 59 &&
                            c.microsecond >= 0 && c.microsecond < kSecond;
  if (!date_is_good || !time_is_good) return std::unexpected(Fault::BadArgument);
  if (c.year < 1 || c.year > 9999) return std::unexpected(Fault::TimeOutOfRange);
  return days_from_civil(c.year, c.month, c.day) * kDay + c.hour * kHour + c.minute * kMinute + c.second * kSecond +
         c.microsecond;
}

int iso_weekday(std::int64_t micros) { return static_cast<int>(floor_mod(floor_div(micros, kDay) + 3, 7)) + 1; }

int day_of_year(std::int64_t micros) {
  const std::int64_t days = floor_div(micros, kDay);
  return static_cast<int>(days - days_from_civil(date_from_days(days).year, 1, 1)) + 1;
}

IsoWeek iso_week(std::int64_t micros) {
  // The week belongs to the year of its Thursday.
  const std::int64_t thursday = floor_div(micros, kDay) - iso_weekday(micros) + 4;
  const std::int64_t year = date_from_days(thursday).year;
  return {year, static_cast<int>((thursday - days_from_civil(year, 1, 1)) / 7) + 1};
}

std::optional<TimeUnit> time_unit_named(std::string_view name) {
  constexpr std::string_view kNames[] = {"microsecond", "millisecond", "second", "minute",  "hour",
                                         "day",         "week",        "month",  "quarter", "year"};
  const auto found = std::ranges::find(kNames, name);
  if (found == std::end(kNames)) return std::nullopt;
  return static_cast<TimeUnit>(found - std::begin(kNames));
}

std::int64_t truncate_time(std::int64_t micros, TimeUnit unit) {
  const std::int64_t day = floor_div(micros, kDay);
  const Date date = date_from_days(day);
  switch (unit) {
    case TimeUnit::Microsecond: return micros;
    case TimeUnit::Millisecond: return truncate_to_step(micros, kMillisecond);
    case TimeUnit::Second: return truncate_to_step(micros, kSecond);
    case TimeUnit::Minute: return truncate_to_step(micros, kMinute);
    case TimeUnit::Hour: return truncate_to_step(micros, kHour);
    case TimeUnit::Day: return micros_of_day(day);
    case TimeUnit::Week: return micros_of_day(day - iso_weekday(micros) + 1);
    case TimeUnit::Month: return micros_of_day(start_of_month(date.year, date.month));
    case TimeUnit::Quarter: return micros_of_day(start_of_month(date.year, (date.month - 1) / 3 * 3 + 1));
    case TimeUnit::Year: return micros_of_day(start_of_month(date.year, 1));
  }
  return micros;
}

Fallible<std::int64_t> truncate_time(std::int64_t micros, std::int64_t step) {
  if (step <= 0) return std::unexpected(Fault::BadArgument);
  return truncate_to_step(micros, step);
}

Fallible<std::int64_t> add_months(std::int64_t micros, std::int64_t months) {
  constexpr std::int64_t kMost = 12 * 600'000;  // more than int64 microseconds hold
  if (months > kMost || months < -kMost) return std::unexpected(Fault::TimeOutOfRange);
  Civil civil = civil_from_micros(micros);
  const std::int64_t month = civil.year * 12 + civil.month - 1 + months;
  civil.year = floor_div(month, 12);
  civil.month = static_cast<int>(floor_mod(month, 12)) + 1;
  civil.day = std::min(civil.day, days_in_month(civil.year, civil.month));
  return micros_from_civil(civil);
}

}  // namespace piperun::value
