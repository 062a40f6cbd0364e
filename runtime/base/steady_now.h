// For deadlines of what talks to a real system, where a clock that tests move would say nothing.
#pragma once
#include <chrono>
#include <cstdint>

namespace piperun::base {

// Microseconds of the machine's monotonic clock.
inline std::int64_t steady_now() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace piperun::base
