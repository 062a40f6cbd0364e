// A consumer group that shares out what no topic holds: each source is read by the member that has the progress topic of its name. Its
// positions are the offsets that the group commits for that topic, in which no record ever lies.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/connectors/group.h"
#include "runtime/connectors/kafka/member_service.h"

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
  base::Result<std::vector<connectors::GroupPartition>> partitions() override;
  base::Result<std::int64_t> resolve(const std::string& start, std::uint32_t partition) override;
  base::Result<bool> is_at_end() override;
  void mirror(std::span<const connectors::StartAt> positions) override;
  bool is_refused() const override;
  void close() override;

  // The same client, for the commit domain: usable from its thread until close().
  Consumer& consumer() { return *consumer_; }

 private:
  struct Relayed {
    RelayedSource source;
    std::string name;  // of its one partition, as the engine calls it
    std::int64_t position = -1;  // the next record to hand over; -1: not read here
    std::int64_t end = -1;  // where is_at_end() ends
  };
  RelayGroup(std::unique_ptr<Consumer> consumer, std::vector<Relayed> relayed);
  std::optional<Polled> next_change();
  base::Result<std::optional<record::Slab>> take(std::size_t max_records, std::size_t max_bytes);
  void hold();

  std::unique_ptr<Consumer> consumer_;
  std::vector<Relayed> relayed_;  // by the name of the partition
  std::vector<std::size_t> assigned_;  // of them, in the order that the last assignment told
  MemberService service_;
  std::size_t turn_ = 0;
  std::int64_t gone_since_ = 0;
  bool is_told_ = false;  // poll() returned the change that waits for its answer
};

}  // namespace piperun::kafka
