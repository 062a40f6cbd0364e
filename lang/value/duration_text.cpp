#include "lang/value/duration_text.h"

#include <fmt/core.h>

#include <utility>

#include "lang/value/time.h"

namespace piperun::value {

std::string duration_text(std::int64_t micros) {
  constexpr std::pair<std::int64_t, const char*> kUnits[] = {
      {kDay, "d"}, {kHour, "h"}, {kMinute, "m"}, {kSecond, "s"}, {kMillisecond, "ms"}};
  for (const auto& [size, name] : kUnits) {
    const bool is_one_day = size == kDay && micros == kDay;
    if (micros >= size && micros % size == 0 && !is_one_day) return fmt::format("{}{}", micros / size, name);
  }
  return fmt::format("{}us", micros);
}

}  // namespace piperun::value
