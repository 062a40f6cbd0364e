// Durations as the language writes them.
#pragma once
#include <cstdint>
#include <string>

namespace piperun::plan {

// `24h`, `7d`, `90s`, `1500ms`: in the largest unit that divides it; one day is 24h.
std::string duration_text(std::int64_t microseconds);

}  // namespace piperun::plan
