#include "runtime/piperun/stored_system.h"

#include <fmt/format.h>

#include <algorithm>

namespace piperun::cli {

base::Result<void> has_partition(const std::string& topic, const std::vector<connectors::Partition>& partitions,
                                 std::int32_t number) {
  if (number < 0 || std::ranges::count(partitions, number, &connectors::Partition::number) > 0) return {};
  const bool is_one = partitions.size() == 1;
  return base::failure(
      base::ErrorCode::NoSuchTopic,
      fmt::format("topic `{}` has {} {}", topic, is_one ? "one partition," : "the partitions 0 to", partitions.size() - 1));
}

base::Result<std::vector<UnitLedger>> StoredSystem::others(const std::string& pipeline, const std::set<std::string>& topics) {
  auto found = ledgers("");
  if (!found) return found;
  std::erase_if(*found, [&](const UnitLedger& ledger) {
    const bool reads_one = std::ranges::any_of(
        ledger.positions, [&](const commit::Position& position) { return topics.contains(position.partition.topic); });
    return ledger.pipeline == pipeline || !reads_one;
  });
  return found;
}

}  // namespace piperun::cli
