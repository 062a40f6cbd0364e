#include "runtime/engine/reader.h"

#include <algorithm>

namespace piperun::engine {

Reader::Reader(const std::vector<std::unique_ptr<connectors::Source>>& sources, std::vector<ReadPartition> partitions,
               std::vector<std::int64_t> positions, std::vector<std::int64_t> stop_times)
    : sources_(sources),
      partitions_(std::move(partitions)),
      positions_(std::move(positions)),
      stop_times_(std::move(stop_times)),
      is_over_(partitions_.size(), false) {}

base::Result<std::optional<TakenSlab>> Reader::next(std::size_t max_records, std::size_t max_bytes) {
  for (std::size_t tried = 0; tried < partitions_.size(); ++tried) {
    const std::size_t index = turn_;
    turn_ = (turn_ + 1) % partitions_.size();
    const ReadPartition& partition = partitions_[index];
    if (is_over_[index]) continue;
    auto slab = sources_[partition.source]->read(partition.number, positions_[index], max_records, max_bytes);
    if (!slab) return std::unexpected(slab.error());
    const auto stop = std::ranges::find_if(
        slab->records, [&](const record::RawRecord& r) { return r.timestamp >= stop_times_[partition.source]; });
    is_over_[index] = stop != slab->records.end();
    slab->records.erase(stop, slab->records.end());
    if (is_over_[index]) slab->mark = {};
    if (slab->records.empty()) continue;
    positions_[index] = slab->records.back().next;
    return TakenSlab{static_cast<std::uint32_t>(index), std::move(*slab)};
  }
  return std::nullopt;
}

base::Result<bool> Reader::is_at_end() {
  std::vector<std::vector<connectors::Partition>> now;
  for (const auto& source : sources_) {
    auto partitions = source->partitions();
    if (!partitions) return std::unexpected(partitions.error());
    now.push_back(std::move(*partitions));
  }
  for (std::size_t i = 0; i < partitions_.size(); ++i) {
    if (is_over_[i]) continue;
    const auto& of_source = now[partitions_[i].source];
    if (partitions_[i].number < of_source.size() && positions_[i] < of_source[partitions_[i].number].end) return false;
  }
  return true;
}

base::Result<bool> Reader::is_exhausted() {
  for (std::size_t i = 0; i < partitions_.size(); ++i) {
    if (!is_over_[i] && !sources_[partitions_[i].source]->is_finite()) return false;
  }
  return is_at_end();
}

base::Result<std::vector<PartitionEnd>> Reader::ends() {
  std::vector<PartitionEnd> result;
  for (const auto& source : sources_) {
    const auto partitions = source->partitions();
    if (!partitions) return std::unexpected(partitions.error());
    for (const connectors::Partition& each : *partitions) {
      result.push_back({{each.topic, each.number}, each.end, source->is_finite()});
    }
  }
  return result;
}

void Reader::wait(std::int64_t microseconds) {
  if (!sources_.empty()) sources_.front()->wait(microseconds);
}

}  // namespace piperun::engine
