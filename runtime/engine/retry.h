// When to try a failing system again. The decision is made here and nowhere else.
#pragma once
#include <cstdint>
#include <random>

#include "lang/ir/dataflow.h"
#include "runtime/base/result.h"

namespace piperun::engine {

// A system is away or overloaded: the same may succeed later.
inline bool is_passing(const base::Error& error) { return base::traits(error.code).error_class == base::ErrorClass::Transient; }

// Attempts at one batch. `policy` outlives it. When `retry` attempts are used up the unit is paused and probes: first after a second,
// then ever more seldom, as the outage lasts longer, and at last once in `pause`. So it is back soon after a system that was.
class Retry {
 public:
  Retry(const ir::ErrorPolicy& policy, std::uint64_t seed) : policy_(policy), random_(seed) {}

  struct Decision {
    bool give_up = false;  // stop the pipeline
    bool paused = false;  // attempts are used up; from now on one batch probes the system
    std::int64_t wait = 0;  // microseconds before the next attempt
    int attempt = 0;  // that failed, from 1
  };
  Decision after_failure();
  void succeeded();

 private:
  std::int64_t longest_backoff() const;
  std::int64_t longest_pause() const;

  const ir::ErrorPolicy& policy_;
  std::mt19937_64 random_;  // the jitter that keeps many processes from trying in step
  int failures_ = 0;
  std::int64_t waited_ = 0;  // microseconds, since the last success: how long the outage has lasted at least
};

}  // namespace piperun::engine
