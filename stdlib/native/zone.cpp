#include "stdlib/native/zone.h"

#include <date/tz.h>

#include <functional>
#include <stdexcept>
#include <unordered_map>

#include "lang/value/time.h"

namespace piperun::native {

namespace {

using value::Fallible;
using value::Fault;

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view s) const { return std::hash<std::string_view>{}(s); }
};

// Null for an unknown name. The library's lookup may throw and searches a long list: remembered per thread.
const date::time_zone* find_zone(std::string_view name) {
  thread_local std::unordered_map<std::string, const date::time_zone*, TextHash, std::equal_to<>> known;
  const auto found = known.find(name);
  if (found != known.end()) return found->second;
  const date::time_zone* zone = nullptr;
  try {
    zone = date::locate_zone(name);
  } catch (const std::runtime_error&) { return nullptr; }
  known.emplace(name, zone);
  return zone;
}

bool in_range(std::int64_t micros) { return micros >= value::kMinTimestamp && micros <= value::kMaxTimestamp; }

std::chrono::seconds whole_seconds(std::int64_t micros) {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::microseconds(micros));
}

std::int64_t micros(std::chrono::seconds seconds) { return std::chrono::microseconds(seconds).count(); }

}  // namespace

Fallible<ZoneOffset> zone_offset(std::string_view zone_name, std::int64_t utc) {
  const date::time_zone* zone = find_zone(zone_name);
  if (zone == nullptr) return std::unexpected(Fault::UnknownTimeZone);
  if (!in_range(utc)) return std::unexpected(Fault::TimeOutOfRange);
  date::sys_info info = zone->get_info(date::sys_seconds(whole_seconds(utc)));
  return ZoneOffset{micros(info.offset), std::move(info.abbrev)};
}

Fallible<std::int64_t> to_local(std::string_view zone, std::int64_t utc) {
  const auto offset = zone_offset(zone, utc);
  if (!offset) return std::unexpected(offset.error());
  return value::time_after(utc, offset->micros);
}

Fallible<std::int64_t> from_local(std::string_view zone_name, std::int64_t local) {
  const date::time_zone* zone = find_zone(zone_name);
  if (zone == nullptr) return std::unexpected(Fault::UnknownTimeZone);
  if (!in_range(local)) return std::unexpected(Fault::TimeOutOfRange);
  const date::local_info info = zone->get_info(date::local_seconds(whole_seconds(local)));
  if (info.result == date::local_info::nonexistent) return micros(info.first.end.time_since_epoch());
  return value::time_before(local, micros(info.first.offset));
}

}  // namespace piperun::native
