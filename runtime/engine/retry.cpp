#include "runtime/engine/retry.h"

#include <algorithm>

namespace piperun::engine {

// Exponential backoff with full jitter, as in Marc Brooker's "Exponential Backoff And Jitter" (2015).
Retry::Decision Retry::after_failure() {
  ++failures_;
  if (failures_ > policy_.retry) return {policy_.give_up, true, policy_.pause, failures_};
  std::int64_t limit = std::max<std::int64_t>(policy_.backoff_min, 1);
  for (int i = 1; i < failures_ && limit < policy_.backoff_max; ++i) limit *= 2;
  limit = std::max<std::int64_t>(1, std::min(limit, policy_.backoff_max));
  return {false, false, std::uniform_int_distribution<std::int64_t>(1, limit)(random_), failures_};
}

}  // namespace piperun::engine
