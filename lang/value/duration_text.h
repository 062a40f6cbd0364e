// Durations for people, in one unit.
#pragma once
#include <cstdint>
#include <string>

namespace piperun::value {

// `24h`, `7d`, `90s`, `1500ms`: in the largest unit that divides it; one day is `24h`. As the language writes it: `append_duration`.
std::string duration_text(std::int64_t micros);

}  // namespace piperun::value
