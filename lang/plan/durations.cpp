#include "lang/plan/durations.h"

#include <array>

#include <fmt/format.h>

namespace piperun::plan {

std::string duration_text(std::int64_t microseconds) {
  struct Unit {
    std::int64_t size;
    const char* name;
  };
  static constexpr std::array kUnits{Unit{86'400'000'000, "d"}, Unit{3'600'000'000, "h"}, Unit{60'000'000, "m"},
                                     Unit{1'000'000, "s"}, Unit{1'000, "ms"}};
  for (const Unit& unit : kUnits) {
    const bool is_one_day = unit.size == kUnits[0].size && microseconds == unit.size;  // 24h reads better than 1d
    if (microseconds >= unit.size && microseconds % unit.size == 0 && !is_one_day)
      return fmt::format("{}{}", microseconds / unit.size, unit.name);
  }
  return fmt::format("{}us", microseconds);
}

}  // namespace piperun::plan
