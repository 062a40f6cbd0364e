#include "runtime/engine/retry.h"

#include <algorithm>

namespace piperun::engine {

namespace {

constexpr std::int64_t kFirstProbe = 1'000'000;  // microseconds
constexpr std::int64_t kShare = 4;               // a probe waits for this share of the time that the outage has lasted

}  // namespace

// Exponential backoff with full jitter, as in Marc Brooker's "Exponential Backoff And Jitter" (2015). Of a probe's wait only the upper
// half is random: a system that is still down is not to be asked twice in a row.
Retry::Decision Retry::after_failure() {
  ++failures_;
  const bool paused = failures_ > policy_.retry;
  const std::int64_t most = paused ? longest_pause() : longest_backoff();
  const std::int64_t least = paused ? most / 2 : 1;
  const std::int64_t wait = std::uniform_int_distribution<std::int64_t>(least, most)(random_);
  waited_ += wait;
  return {paused && policy_.give_up, paused, wait, failures_};
}

void Retry::succeeded() {
  failures_ = 0;
  waited_ = 0;
}

std::int64_t Retry::longest_backoff() const {
  std::int64_t limit = std::max<std::int64_t>(policy_.backoff_min, 1);
  for (int i = 1; i < failures_ && limit < policy_.backoff_max; ++i) limit *= 2;
  return std::max<std::int64_t>(1, std::min(limit, policy_.backoff_max));
}

std::int64_t Retry::longest_pause() const { return std::min(policy_.pause, std::max(kFirstProbe, waited_ / kShare)); }

}  // namespace piperun::engine
