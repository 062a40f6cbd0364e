#include "runtime/engine/output_end.h"

#include <spdlog/spdlog.h>

#include <utility>

namespace piperun::engine {
namespace {

constexpr std::int64_t kLookEvery = 20'000, kTellAfter = 2'000'000;  // microseconds
constexpr std::int64_t kWaitAtMost =
    15'000'000;  // a transaction of ours ends after 10 s by itself, and brokers look for such now and then

}  // namespace

base::Result<bool> OutputEnd::is_reached(std::span<const std::unique_ptr<connectors::Sink>> sinks) {
  if (is_over_) return true;
  if (!std::exchange(is_asked_, true)) asked_at_ = clock_.monotonic();
  if (clock_.monotonic() < look_at_) return false;
  look_at_ = clock_.monotonic() + kLookEvery;
  std::string hidden;
  for (const auto& sink : sinks) {
    auto place = sink->hidden_at();
    if (!place) return std::unexpected(place.error());
    if (hidden.empty()) hidden = std::move(*place);
  }
  const std::int64_t waited = clock_.monotonic() - asked_at_;
  is_over_ = hidden.empty() || waited >= kWaitAtMost;
  if (is_over_ && !hidden.empty())
    spdlog::warn("readers of committed records are not given all yet: a transaction of another writer is open unit={} at={}",
                 unit_.name, hidden);
  if (!is_over_ && waited >= kTellAfter && !std::exchange(is_told_, true))
    spdlog::info("waiting for an open transaction, so that readers are given what was written unit={} at={}", unit_.name, hidden);
  return is_over_;
}

}  // namespace piperun::engine
