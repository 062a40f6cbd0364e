#include "runtime/engine/membership.h"

#include <algorithm>

namespace piperun::engine {

Membership::~Membership() {
  intake_.reset();
  group_->close();
}

void Membership::join(std::size_t limit) { intake_ = std::make_unique<GroupIntake>(*group_, limit); }

base::Result<void> Membership::let_go(const MembershipChange& change) {
  const bool is_all = change.kind == connectors::Group::Change::Lost;
  std::erase_if(assigned_,
                [&](const commit::PartitionName& each) { return is_all || std::ranges::count(change.partitions, each) > 0; });
  return intake_->let_go();
}

base::Result<void> Membership::read_from(std::span<const connectors::StartAt> partitions, std::vector<std::int64_t> stop_times) {
  return intake_->read_from(partitions, std::move(stop_times));
}

base::Result<std::vector<connectors::GroupPartition>> Membership::partitions() {
  return intake_->ask<std::vector<connectors::GroupPartition>>([](connectors::Group& group) { return group.partitions(); });
}

base::Result<std::int64_t> Membership::resolve(const std::string& start, std::uint32_t partition) {
  return intake_->ask<std::int64_t>([&](connectors::Group& group) { return group.resolve(start, partition); });
}

base::Result<std::optional<std::int64_t>> Membership::next_time(const commit::PartitionName& partition, std::int64_t from,
                                                                std::int64_t end) {
  return group_->next_time(partition, from, end);
}

}  // namespace piperun::engine
