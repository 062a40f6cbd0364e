// What a program names of Kafka clusters, opened: groups, domains, sinks.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lang/ir/program.h"
#include "runtime/base/clock.h"
#include "runtime/commit/domain.h"
#include "runtime/commit/kafka/consumer.h"
#include "runtime/commit/slot.h"
#include "runtime/connectors/connectors.h"

namespace piperun::connectors {

// Any thread. Takes a slot of the state directory when the first group is joined, and keeps it.
class KafkaParts {
 public:
  KafkaParts(std::string state_dir, std::string base_dir, base::Clock& clock, ReadSecret secret)
      : state_dir_(std::move(state_dir)), base_dir_(std::move(base_dir)), clock_(clock), secret_(std::move(secret)) {}

  base::Result<std::unique_ptr<Group>> open_group(const ir::Program& program, const ir::Unit& unit, std::uint32_t worker);
  // The same for a unit that commits in Kafka and reads outboxes: `sources` are the unit's, in order.
  base::Result<std::unique_ptr<Group>> open_relay_group(const ir::Program& program, const ir::Unit& unit, std::uint32_t worker,
                                                        std::vector<std::unique_ptr<Source>> sources);
  base::Result<std::unique_ptr<commit::Domain>> open_domain(const ir::Program& program, const ir::Unit& unit,
                                                            std::uint32_t worker, Group* group);
  base::Result<std::unique_ptr<commit::Domain>> open_stored(const ir::Program& program, ir::SystemId system,
                                                            const std::string& unit);
  base::Result<std::unique_ptr<Sink>> open_sink(const ir::Program& program, const ir::Unit& unit, ir::SinkId id,
                                                commit::Domain& domain);
  base::Result<std::unique_ptr<Table>> open_table(const ir::Program& program, const ir::Unit& unit, ir::TableId id) const;

  base::Result<void> trim(const ir::Program& program, ir::SystemId system, std::span<const StartAt> below) const;

  // Of the cluster that the group reads.
  static base::Result<std::string> cluster_of(Group& group);
  // Ids of the topics that the unit reads, by name.
  static base::Result<std::map<std::string, std::string>> topic_ids_of(const ir::Program& program, const ir::Unit& unit,
                                                                       Group& group);

 private:
  base::Result<kafka::ClientSettings> settings(const ir::Program& program, ir::SystemId system) const;
  base::Result<std::string> slot(const std::string& pipeline);
  // Of the unit's group in that cluster.
  base::Result<kafka::ConsumerSettings> member(const ir::Program& program, const ir::Unit& unit, ir::SystemId system,
                                               std::uint32_t worker);
  base::Result<void> make_links(const ir::Program& program, const ir::Unit& unit, ir::SystemId system,
                                const kafka::ClientSettings& client) const;

  std::string state_dir_, base_dir_;
  base::Clock& clock_;
  ReadSecret secret_;
  std::mutex mutex_;
  std::optional<commit::Slot> slot_;
  std::set<std::string> known_clusters_;  // groups whose cluster was compared
};

}  // namespace piperun::connectors
