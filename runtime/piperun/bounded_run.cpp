#include "runtime/piperun/bounded_run.h"

#include <algorithm>
#include <atomic>
#include <thread>

namespace piperun::cli {

engine::RunResult run_until(std::int64_t until, base::Clock& clock, std::stop_token stop, const RunOnce& run) {
  constexpr std::int64_t kLook = 100'000;  // microseconds
  std::stop_source first;
  const std::stop_callback forwarded(stop, [&] { first.request_stop(); });
  std::atomic<bool> has_come = false;
  engine::RunResult result;
  {
    const std::jthread timer([&](const std::stop_token& over) {
      for (; !over.stop_requested() && !has_come; has_come = clock.now() >= until) clock.sleep(kLook);
      if (has_come) first.request_stop();
    });
    result = run(false, first.get_token());
  }
  if (!has_come || result.error || result.crashed || stop.stop_requested()) return result;
  return run(true, std::move(stop));
}

}  // namespace piperun::cli
