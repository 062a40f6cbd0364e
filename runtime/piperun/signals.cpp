#include "runtime/piperun/signals.h"

#include <unistd.h>

#include <csignal>
#include <ctime>

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

StopSignals::StopSignals(std::function<void()> on_first) {
  const sigset_t set = stop_set();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  waiter_ = std::jthread([on_first = std::move(on_first)](std::stop_token stop) {
    const sigset_t waited = stop_set();
    for (bool is_first = true; !stop.stop_requested();) {
      constexpr timespec kLook{0, 100'000'000};  // how long the end of the run may go unnoticed
      const int signal = sigtimedwait(&waited, nullptr, &kLook);
      if (signal < 0) continue;
      if (!is_first) _exit(128 + signal);  // what is not committed is found again by the next start
      is_first = false;
      on_first();
    }
  });
}

StopSignals::~StopSignals() {
  waiter_.request_stop();
  waiter_.join();
  const sigset_t set = stop_set();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

}  // namespace piperun::cli
