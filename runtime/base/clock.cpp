#include "runtime/base/clock.h"

#include <chrono>
#include <thread>

#include "runtime/base/steady_now.h"

namespace piperun::base {

std::int64_t SystemClock::now() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}
std::int64_t SystemClock::monotonic() { return steady_now(); }
void SystemClock::sleep(std::int64_t microseconds) {
  if (microseconds > 0) std::this_thread::sleep_for(std::chrono::microseconds(microseconds));
}

void VirtualClock::advance(std::int64_t microseconds) {
  if (microseconds <= 0) return;
  now_ += microseconds;
  passed_ += microseconds;
}

}  // namespace piperun::base
