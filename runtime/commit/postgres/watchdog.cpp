#include "runtime/commit/postgres/watchdog.h"

#include <sys/socket.h>

namespace piperun::postgres {

Watchdog::~Watchdog() { thread_.request_stop(); }

// The watcher looks at the time again whenever it wakes, so arming need not wake it: it sleeps at most as long as the limit.
void Watchdog::arm(int socket, std::int64_t micros) {
  bool was_idle = false;
  {
    const std::scoped_lock lock(mutex_);
    was_idle = until_ == std::chrono::steady_clock::time_point{};
    socket_ = socket;
    until_ = std::chrono::steady_clock::now() + std::chrono::microseconds(micros);
  }
  if (was_idle) changed_.notify_one();
}

void Watchdog::disarm() {
  const std::scoped_lock lock(mutex_);
  socket_ = -1;
}

void Watchdog::watch(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    if (socket_ < 0) {
      until_ = {};
      changed_.wait(lock, stop, [this] { return socket_ >= 0; });
      continue;
    }
    const auto until = until_;
    changed_.wait_until(lock, stop, until, [] { return false; });
    if (stop.stop_requested() || socket_ < 0 || std::chrono::steady_clock::now() < until_) continue;
    ::shutdown(socket_, SHUT_RDWR);
    socket_ = -1;
  }
}

}  // namespace piperun::postgres
