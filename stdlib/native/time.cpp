// std.time in UTC: parts, starts of units, arithmetic, epochs.
#include "lang/value/time.h"

#include "lang/value/int.h"
#include "stdlib/native/give.h"
#include "stdlib/native/table.h"

namespace piperun::native {

namespace {

using value::Civil;
using value::TimeUnit;

template <auto kPart>
bool part(NativeCall& call) {
  return give(call, static_cast<std::int64_t>(value::civil_from_micros(integer(call, 0)).*kPart));
}

template <TimeUnit kUnit>
bool start_of(NativeCall& call) {
  return give(call, value::truncate_time(integer(call, 0), kUnit));
}

bool give_in_range(NativeCall& call, Fallible<std::int64_t> micros) {
  if (!micros) return fail(call, Fault::TimeOutOfRange);
  if (*micros < value::kMinTimestamp || *micros > value::kMaxTimestamp) return fail(call, Fault::TimeOutOfRange);
  return give(call, *micros);
}

bool add_days(NativeCall& call) {
  const auto span = value::multiply(integer(call, 1), value::kDay);
  return give_in_range(call, span ? value::add(integer(call, 0), *span) : span);
}

bool add_years(NativeCall& call) {
  const auto months = value::multiply(integer(call, 1), 12);
  return give_in_range(call, months ? value::add_months(integer(call, 0), *months) : months);
}

template <std::int64_t kUnit>
bool from_epoch(NativeCall& call) {
  return give_in_range(call, value::multiply(integer(call, 0), kUnit));
}

template <std::int64_t kUnit>
bool to_epoch(NativeCall& call) {
  return give(call, value::truncate_time(integer(call, 0), kUnit).value() / kUnit);
}

template <std::int64_t kUnit>
bool duration_of(NativeCall& call) {
  return give(call, value::multiply(integer(call, 0), kUnit));
}

std::int64_t day_number(std::int64_t micros) { return value::truncate_time(micros, TimeUnit::Day) / value::kDay; }

bool date(NativeCall& call) {
  std::string out;
  value::append_timestamp(out, value::truncate_time(integer(call, 0), TimeUnit::Day));
  return give_copy(call, std::string_view(out).substr(0, out.find('T')));
}

constexpr Native kFunctions[] = {
    {"time.year", part<&Civil::year>},
    {"time.month", part<&Civil::month>},
    {"time.day", part<&Civil::day>},
    {"time.hour", part<&Civil::hour>},
    {"time.minute", part<&Civil::minute>},
    {"time.second", part<&Civil::second>},
    {"time.microsecond", part<&Civil::microsecond>},
    {"time.weekday", [](NativeCall& c) { return give(c, value::iso_weekday(integer(c, 0))); }},
    {"time.day_of_year", [](NativeCall& c) { return give(c, value::day_of_year(integer(c, 0))); }},
    {"time.week", [](NativeCall& c) { return give(c, value::iso_week(integer(c, 0)).week); }},
    {"time.week_year", [](NativeCall& c) { return give(c, value::iso_week(integer(c, 0)).year); }},
    {"time.quarter", [](NativeCall& c) { return give(c, (value::civil_from_micros(integer(c, 0)).month + 2) / 3); }},
    {"time.date", date},
    {"time.time_of_day",
     [](NativeCall& c) { return give(c, integer(c, 0) - value::truncate_time(integer(c, 0), TimeUnit::Day)); }},
    {"time.truncate", [](NativeCall& c) { return give(c, value::truncate_time(integer(c, 0), integer(c, 1))); }},
    {"time.start_of_minute", start_of<TimeUnit::Minute>},
    {"time.start_of_hour", start_of<TimeUnit::Hour>},
    {"time.start_of_day", start_of<TimeUnit::Day>},
    {"time.start_of_week", start_of<TimeUnit::Week>},
    {"time.start_of_month", start_of<TimeUnit::Month>},
    {"time.start_of_quarter", start_of<TimeUnit::Quarter>},
    {"time.start_of_year", start_of<TimeUnit::Year>},
    {"time.add_days", add_days},
    {"time.add_months", [](NativeCall& c) { return give(c, value::add_months(integer(c, 0), integer(c, 1))); }},
    {"time.add_years", add_years},
    {"time.days_between", [](NativeCall& c) { return give(c, day_number(integer(c, 1)) - day_number(integer(c, 0))); }},
    {"time.from_seconds", from_epoch<value::kSecond>},
    {"time.from_millis", from_epoch<value::kMillisecond>},
    {"time.from_micros", from_epoch<1>},
    {"time.to_seconds", to_epoch<value::kSecond>},
    {"time.to_millis", to_epoch<value::kMillisecond>},
    {"time.to_micros", to_epoch<1>},
    {"time.seconds", [](NativeCall& c) { return give(c, static_cast<double>(integer(c, 0)) / 1e6); }},
    {"time.millis", [](NativeCall& c) { return give(c, integer(c, 0) / value::kMillisecond); }},
    {"time.duration_of_seconds", duration_of<value::kSecond>},
    {"time.duration_of_millis", duration_of<value::kMillisecond>},
};

}  // namespace

std::span<const Native> time_functions() { return kFunctions; }

}  // namespace piperun::native
