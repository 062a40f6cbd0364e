// std.time in zones, and by patterns.
#include "lang/value/int.h"
#include "lang/value/time.h"
#include "stdlib/native/give.h"
#include "stdlib/native/table.h"
#include "stdlib/native/time_format.h"
#include "stdlib/native/zone.h"

namespace piperun::native {

namespace {

using value::TimeUnit;

template <TimeUnit kUnit>
bool start_in_zone(NativeCall& call) {
  const std::string_view zone = text(call, 1);
  const auto local = to_local(zone, integer(call, 0));
  if (!local) return fail(call, local.error());
  return give(call, from_local(zone, value::truncate_time(*local, kUnit)));
}

bool add_days_in(NativeCall& call) {
  const std::string_view zone = text(call, 2);
  const auto local = to_local(zone, integer(call, 0));
  if (!local) return fail(call, local.error());
  const auto span = value::multiply(integer(call, 1), value::kDay);
  const auto moved = span ? value::time_after(*local, *span) : span;
  return moved ? give(call, from_local(zone, *moved)) : fail(call, Fault::TimeOutOfRange);
}

bool offset(NativeCall& call) {
  const auto found = zone_offset(text(call, 1), integer(call, 0));
  return found ? give(call, found->micros) : fail(call, found.error());
}

bool give_text(NativeCall& call, const Fallible<std::string>& result) {
  return result ? give_copy(call, *result) : fail(call, result.error());
}

bool format(NativeCall& call) { return give_text(call, format_time(integer(call, 0), 0, "UTC", text(call, 1))); }

bool format_in(NativeCall& call) {
  const auto zone = zone_offset(text(call, 2), integer(call, 0));
  if (!zone) return fail(call, zone.error());
  const auto local = value::time_after(integer(call, 0), zone->micros);
  if (!local) return fail(call, local.error());
  return give_text(call, format_time(*local, zone->micros, zone->abbreviation, text(call, 1)));
}

bool parse(NativeCall& call) {
  const auto parsed = parse_time(text(call, 0), text(call, 1));
  if (!parsed) return fail(call, parsed.error());
  return give(call, value::time_before(parsed->local, parsed->offset.value_or(0)));
}

bool parse_in(NativeCall& call) {
  const auto parsed = parse_time(text(call, 0), text(call, 1));
  if (!parsed) return fail(call, parsed.error());
  if (parsed->offset) return give(call, value::time_before(parsed->local, *parsed->offset));
  return give(call, from_local(text(call, 2), parsed->local));
}

constexpr Native kFunctions[] = {
    {"time.local", [](NativeCall& c) { return give(c, to_local(text(c, 1), integer(c, 0))); }},
    {"time.from_local", [](NativeCall& c) { return give(c, from_local(text(c, 1), integer(c, 0))); }},
    {"time.offset", offset},
    {"time.start_of_day_in", start_in_zone<TimeUnit::Day>},
    {"time.start_of_week_in", start_in_zone<TimeUnit::Week>},
    {"time.start_of_month_in", start_in_zone<TimeUnit::Month>},
    {"time.add_days_in", add_days_in},
    {"time.format", format},
    {"time.format_in", format_in},
    {"time.parse", parse},
    {"time.parse_in", parse_in},
};

}  // namespace

std::span<const Native> zone_functions() { return kFunctions; }

}  // namespace piperun::native
