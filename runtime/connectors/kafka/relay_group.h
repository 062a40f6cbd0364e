// A consumer group that shares out what no topic holds: each source is read by the member that has the progress topic of its name. Its
// positions are the offsets that the group commits for that topic, in which no record ever lies.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/connectors/kafka/group_member.h"
#include "runtime/connectors/relayed_sources.h"

namespace piperun::kafka {

// A source of one partition, and the topic that stands for it in the group. `source`: index into ir::Unit::sources.
struct RelayedSource {
  std::uint32_t source = 0;
  std::unique_ptr<connectors::Source> reader;
  std::string progress_topic;
};

class RelayGroup final : public connectors::Group {
 public:
  // Joins. The progress topics are there, with one partition each.
  static base::Result<std::unique_ptr<RelayGroup>> open(const ClientSettings& client, const ConsumerSettings& settings,
                                                        std::vector<RelayedSource> sources);
  ~RelayGroup() override;

  base::Result<Polled> poll(std::int64_t wait, bool take_records, std::size_t max_records, std::size_t max_bytes) override;
  base::Result<void> read_from(std::span<const connectors::StartAt> partitions) override;
  base::Result<void> let_go() override;
  base::Result<std::vector<connectors::GroupPartition>> partitions() override { return sources_.partitions(); }
  base::Result<std::int64_t> resolve(const std::string& start, std::uint32_t partition) override {
    return sources_.resolve(start, partition);
  }
  base::Result<std::optional<std::int64_t>> next_time(const commit::PartitionName&, std::int64_t from,
                                                      std::int64_t end) override {
    return connectors::RelayedSources::next_time(from, end);
  }
  base::Result<bool> is_at_end() override;
  bool mirror(std::span<const connectors::StartAt> positions, bool is_last) override;
  bool is_refused() const override { return member_.is_refused(); }
  void close() override { member_.close(); }

  // Of the databases of the sources, by name.
  std::map<std::string, std::string> identities() const { return sources_.identities(); }

  // The same client, for the commit domain: usable from its thread until close().
  Consumer& consumer() { return member_.consumer(); }

 private:
  RelayGroup(std::unique_ptr<Consumer> consumer, connectors::RelayedSources sources, std::map<std::string, std::string> progress);
  Polled told(const Rebalance& change);

  GroupMember member_;
  connectors::RelayedSources sources_;
  std::map<std::string, std::string> progress_;  // topics, by the name of the partition
  std::vector<std::string> given_;  // partitions by name, in the order that the engine counts them
  std::vector<std::string> taken_;  // of them, by the change that was told last
};

}  // namespace piperun::kafka
