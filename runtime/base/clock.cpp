#include "runtime/base/clock.h"

#include <chrono>
#include <thread>

namespace piperun::base {

namespace {

template <typename Source>
std::int64_t micros() {
  return std::chrono::duration_cast<std::chrono::microseconds>(Source::now().time_since_epoch()).count();
}

}  // namespace

std::int64_t SystemClock::now() { return micros<std::chrono::system_clock>(); }
std::int64_t SystemClock::monotonic() { return micros<std::chrono::steady_clock>(); }
void SystemClock::sleep(std::int64_t microseconds) {
  if (microseconds > 0) std::this_thread::sleep_for(std::chrono::microseconds(microseconds));
}

void VirtualClock::advance(std::int64_t microseconds) {
  if (microseconds <= 0) return;
  now_ += microseconds;
  passed_ += microseconds;
}

}  // namespace piperun::base
