// Ends a wait for a server that has stopped answering: its sessions are cut, so that the call fails and can be tried again.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

namespace piperun::postgres {

// One per connection. `arm` and `disarm` from the thread that uses it.
class Watchdog {
 public:
  Watchdog() : thread_([this](const std::stop_token& stop) { watch(stop); }) {}
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  void arm(int socket, std::int64_t micros);  // shuts the socket down unless disarmed in time
  void disarm();

 private:
  void watch(const std::stop_token& stop);

  std::mutex mutex_;
  std::condition_variable_any changed_;
  int socket_ = -1;  // -1: nothing is waited for
  std::chrono::steady_clock::time_point until_;
  std::jthread thread_;  // last: it uses the rest
};

}  // namespace piperun::postgres
