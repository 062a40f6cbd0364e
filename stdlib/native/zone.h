// Time zones by name, from the system's tz database. The one door to the date library.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "lang/value/failure.h"

namespace piperun::native {

struct ZoneOffset {
  std::int64_t micros;       // ahead of UTC
  std::string abbreviation;  // "CET"
};

// The offset at an instant. UnknownTimeZone, TimeOutOfRange outside the years 0001 to 9999.
value::Fallible<ZoneOffset> zone_offset(std::string_view zone, std::int64_t utc);

// What the clocks of the zone show, as microseconds as if it were UTC.
value::Fallible<std::int64_t> to_local(std::string_view zone, std::int64_t utc);

// The instant at which they show it: the first of two, the instant of the change if they never do.
value::Fallible<std::int64_t> from_local(std::string_view zone, std::int64_t local);

}  // namespace piperun::native
