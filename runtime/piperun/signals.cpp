#include "runtime/piperun/signals.h"

#include <unistd.h>

#include <csignal>
#include <ctime>
#include <optional>

namespace piperun::cli {
namespace {

sigset_t stop_set() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

StopSignals::StopSignals(std::function<void()> on_first, std::function<std::chrono::seconds()> deadline,
                         std::function<Exit()> on_deadline) {
  const sigset_t set = stop_set();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  waiter_ = std::jthread([on_first = std::move(on_first), deadline = std::move(deadline),
                          on_deadline = std::move(on_deadline)](const std::stop_token& stop) {
    using Clock = std::chrono::steady_clock;
    const sigset_t waited = stop_set();
    std::optional<Clock::time_point> first;
    while (!stop.stop_requested()) {
      constexpr timespec kLook{0, 100'000'000};  // how long a deadline may go unnoticed
      const int signal = sigtimedwait(&waited, nullptr, &kLook);
      if (stop.stop_requested()) return;
      if (first && signal < 0 && Clock::now() - *first >= deadline()) _exit(static_cast<int>(on_deadline()));
      if (signal < 0) continue;
      if (first) _exit(128 + signal);  // what is not committed is found again by the next start
      first = Clock::now();
      on_first();
    }
  });
}

StopSignals::~StopSignals() {
  waiter_.request_stop();
  pthread_kill(waiter_.native_handle(), SIGTERM);  // wakes it, and nobody else hears it
  waiter_.join();
  const sigset_t set = stop_set();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

}  // namespace piperun::cli
