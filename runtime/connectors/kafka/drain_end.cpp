#include "runtime/connectors/kafka/drain_end.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "runtime/commit/kafka/admin.h"

namespace piperun::kafka {
namespace {

constexpr std::int64_t kTellAfter = 2'000'000;  // microseconds

}  // namespace

base::Result<bool> DrainEnd::is_reached(std::int64_t now, std::span<const Progress> reading) {
  if (const auto found = find_ends(reading); !found) return std::unexpected(found.error());
  for (const Progress& each : reading) {
    if (each.reached() >= ends_[each.partition]) continue;
    tell(now, each);
    return false;
  }
  return true;
}

base::Result<void> DrainEnd::find_ends(std::span<const Progress> reading) {
  std::vector<commit::PartitionName> unknown;
  for (const Progress& each : reading) {
    if (!ends_.contains(each.partition)) unknown.push_back(each.partition);
  }
  if (unknown.empty()) return {};
  if (asking_.get() == nullptr) {
    auto opened = open_admin(client_);
    if (!opened) return std::unexpected(opened.error());
    asking_ = std::move(*opened);
  }
  const auto ends = list_offsets(asking_.get(), unknown, kLatest, false);
  if (!ends) return std::unexpected(ends.error());
  for (std::size_t i = 0; i < unknown.size(); ++i) ends_[unknown[i]] = (*ends)[i];
  return {};
}

// Where nothing has come for a while, and a reader of committed records is given no more.
void DrainEnd::tell(std::int64_t now, const Progress& reading) {
  if (waiting_.reading.partition != reading.partition || waiting_.reading.reached() != reading.reached())
    waiting_ = {reading, now};
  if (is_told_ || now - waiting_.since < kTellAfter) return;
  waiting_.since = now;
  const auto stable = list_offsets(asking_.get(), std::span(&reading.partition, 1), kLatest);
  if (!stable || stable->front() > reading.reached()) return;
  is_told_ = true;
  spdlog::info("waiting for an open transaction in what is read topic={} partition={} at={} end={}", reading.partition.topic,
               reading.partition.number, reading.reached(), ends_[reading.partition]);
}

}  // namespace piperun::kafka
