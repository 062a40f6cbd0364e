#include "runtime/engine/relays.h"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace piperun::engine {
namespace {

constexpr std::int64_t kBatchesAhead = 4;  // how many batches are numbered at once
constexpr std::int64_t kMostAtOnce = 5'000;

}  // namespace

base::Result<connectors::OutboxRelay*> Relays::claim(std::uint32_t source) {
  if (const auto known = relays_.find(source); known != relays_.end()) return known->second.get();
  auto relay = connectors_.open_relay(program_, unit_, unit_.sources[source]);
  if (!relay) return std::unexpected(relay.error());
  if (*relay) {
    if (const auto claimed = (*relay)->claim(); !claimed) return std::unexpected(claimed.error());
  }
  return (relays_[source] = std::move(*relay)).get();
}

base::Result<void> Relays::number_rows(std::span<const Reading> readings) {
  const std::int64_t limit = std::min(kBatchesAhead * program_.commit_records, kMostAtOnce);
  for (const Reading& reading : readings) {
    const auto relay = claim(reading.source);
    if (!relay) return std::unexpected(relay.error());
    if (!*relay) continue;
    if (const auto numbered = (*relay)->number_rows(limit, reading.sent_to); !numbered) return numbered;
  }
  return {};
}

base::Result<void> Relays::delete_sent(std::uint32_t source, std::int64_t position) {
  const auto relay = relays_.find(source);
  if (relay == relays_.end() || !relay->second) return {};
  const auto deleted = relay->second->delete_sent(position);
  if (deleted) return {};
  if (base::traits(deleted.error().code).error_class == base::ErrorClass::Ownership) return deleted;
  spdlog::warn("sent rows not removed unit={} error={}", unit_.name, deleted.error().message);
  return {};
}

}  // namespace piperun::engine
