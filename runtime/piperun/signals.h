// SIGINT and SIGTERM: the first asks for a stop in good order, which has a deadline; the second ends the process at once.
#pragma once
#include <chrono>
#include <functional>
#include <thread>

#include "runtime/piperun/world.h"

namespace piperun::cli {

// Made before any other thread, which inherit that the signals are blocked.
class StopSignals {
 public:
  // All are called in a thread of its own. If the object is still there at the deadline, counted from the first signal, `on_deadline`
  // says what is given up, and the process ends at once with the code that it returns: whatever hangs, the next start recovers.
  // `deadline` is asked again and again: what has not begun needs less time.
  StopSignals(std::function<void()> on_first, std::function<std::chrono::seconds()> deadline, std::function<Exit()> on_deadline);
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

 private:
  std::jthread waiter_;
};

}  // namespace piperun::cli
