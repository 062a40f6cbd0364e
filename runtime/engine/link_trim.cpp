#include "runtime/engine/link_trim.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>

namespace piperun::engine {
namespace {
constexpr std::int64_t kTrimEvery = 60'000'000;  // microseconds between two looks at what all readers have read
}  // namespace

void LinkTrim::trim_links() {
  if (clock_.monotonic() < next_at_) return;
  next_at_ = clock_.monotonic() + kTrimEvery;
  for (const ir::Link& link : program_.links) {
    if (std::ranges::count(unit_.sinks, link.sink) == 0) continue;
    if (const auto trimmed = trim_link(link); !trimmed)
      spdlog::warn("internal topic not trimmed topic={} error={}", link.topic, trimmed.error().message);
  }
}

base::Result<void> LinkTrim::trim_link(const ir::Link& link) {
  std::map<commit::PartitionName, std::pair<std::size_t, std::int64_t>> least;  // readers that have a position, and the smallest
  std::size_t readers = 0;
  for (const ir::Unit& reader : program_.units) {
    if (std::ranges::count(reader.sources, link.source) == 0) continue;
    ++readers;
    const auto domain = connectors_.open_stored(program_, reader.domain, reader.name);
    if (!domain) return std::unexpected(domain.error());
    if (!*domain) return {};
    const auto positions = (*domain)->read_positions(ir::StepMode::Plain);
    if (!positions) return std::unexpected(positions.error());
    for (const commit::Position& position : *positions) {
      if (position.partition.topic != link.topic || position.next_offset < 0) continue;
      auto& [count, offset] = least.try_emplace(position.partition, 0, INT64_MAX).first->second;
      ++count;
      offset = std::min(offset, position.next_offset);
    }
  }
  std::vector<connectors::StartAt> below;
  for (const auto& [partition, of_readers] : least) {
    if (of_readers.first == readers) below.push_back({partition, of_readers.second});
  }
  return below.empty() ? base::Result<void>() : connectors_.trim(program_, link.system, below);
}

}  // namespace piperun::engine
