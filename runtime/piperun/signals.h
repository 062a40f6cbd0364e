// SIGINT and SIGTERM: the first asks for a stop in good order, the second ends the process at once.
#pragma once
#include <functional>
#include <thread>

namespace piperun::cli {

// Made before any other thread, which inherit that the signals are blocked. `on_first` is called in a thread of its own.
class StopSignals {
 public:
  explicit StopSignals(std::function<void()> on_first);
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

 private:
  std::jthread waiter_;
};

}  // namespace piperun::cli
