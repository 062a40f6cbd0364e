#include "runtime/connectors/kafka/old_positions.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/commit/kafka/admin.h"
#include "runtime/commit/kafka/groups.h"

namespace piperun::kafka {

using base::ErrorCode;
using base::Result;

Result<OldPositions::Offsets> OldPositions::read(rd_kafka_t* handle, const std::string& group) {
  const auto described = describe_group(handle, group);
  if (!described) return std::unexpected(described.error());
  if (!described->members.empty()) {
    const auto& member = described->members.front();
    return base::failure(
        ErrorCode::CannotOpen,
        fmt::format("the positions of the group {} cannot be taken over while {} on {} works in it; stop it first", group,
                    member.client, member.host));
  }
  const auto stored = group_offsets(handle, group);
  if (!stored) return std::unexpected(stored.error());
  Offsets result;
  for (const PartitionOffset& each : *stored) result[each.partition] = each.offset;
  return result;
}

Result<std::optional<std::int64_t>> OldPositions::find(rd_kafka_t* handle, const std::string& group,
                                                       const commit::PartitionName& partition) {
  if (!known_.contains(group)) {
    auto offsets = read(handle, group);
    if (!offsets) return std::unexpected(offsets.error());
    known_[group] = std::move(*offsets);
  }
  const Offsets& offsets = known_[group];
  if (const auto found = offsets.find(partition); found != offsets.end()) return found->second;
  const bool has_topic = std::ranges::any_of(offsets, [&](const auto& each) { return each.first.topic == partition.topic; });
  if (has_topic) return std::nullopt;
  return base::failure(ErrorCode::CannotOpen,
                       fmt::format("the group {} has no position in the topic `{}` that could be taken over: is its name right?",
                                   group, partition.topic));
}

}  // namespace piperun::kafka
