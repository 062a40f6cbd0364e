// The steps around an outbox that is read: rows get numbers before they are fetched, and go when they were sent.
#include <spdlog/spdlog.h>

#include <algorithm>

#include "runtime/engine/worker.h"

namespace piperun::engine {
namespace {

constexpr std::int64_t kBatchesAhead = 4;  // how many batches are numbered at once
constexpr std::int64_t kMostAtOnce = 5'000;

}  // namespace

// Of the outboxes among this worker's partitions.
base::Result<void> Worker::claim_relays() {
  relays_.clear();
  relays_.resize(unit_.sources.size());
  for (const std::uint32_t index : mine_) {
    const std::uint32_t source = all_[index].source;
    auto relay = connectors_.open_relay(program_, unit_, unit_.sources[source]);
    if (!relay) return std::unexpected(relay.error());
    if (!*relay) continue;
    if (const auto claimed = (*relay)->claim(); !claimed) return claimed;
    relays_[source] = std::move(*relay);
  }
  return {};
}

base::Result<void> Worker::number_rows() {
  const std::int64_t limit = std::min(kBatchesAhead * program_.commit_records, kMostAtOnce);
  for (const std::uint32_t index : mine_) {
    const auto& relay = relays_[all_[index].source];
    if (!relay) continue;
    if (const auto numbered = relay->number_rows(limit); !numbered) return numbered;
  }
  return {};
}

// The commit is known. What fails here is done the next time, unless another owner does it.
base::Result<void> Worker::delete_sent() {
  for (const std::uint32_t index : mine_) {
    const auto& relay = relays_[all_[index].source];
    if (!relay) continue;
    const auto deleted = relay->delete_sent(positions_[index]);
    if (deleted) continue;
    if (base::traits(deleted.error().code).error_class == base::ErrorClass::Ownership) return deleted;
    spdlog::warn("sent rows not removed unit={} error={}", unit_.name, deleted.error().message);
  }
  return {};
}

}  // namespace piperun::engine
