// Positions of a unit with their ledgers, as the group holds them, and what the open commit makes of them.
#pragma once
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "runtime/commit/domain.h"
#include "runtime/commit/kafka/client.h"
#include "runtime/commit/kafka/offset_metadata.h"

namespace piperun::kafka {

using SinkRows = std::vector<std::pair<std::string, std::int64_t>>;

// Every commit writes cumulative counts, so the newest that was stored has them all. Not thread-safe.
class Ledger {
 public:
  // The engine counts replayed dead letters in a partition of no topic; the group holds an offset of `replay_topic`, and the count beside it.
  // `progress_topics`: by outbox, the topic of which the group holds its position.
  explicit Ledger(std::string replay_topic, std::map<std::string, std::string> progress_topics = {})
      : replay_topic_(std::move(replay_topic)), progress_topics_(std::move(progress_topics)) {}
  static constexpr const char* kReplay = "#replay";
  commit::PartitionName stored_name(const commit::PartitionName& partition) const;  // in the group
  commit::PartitionName counted_name(const commit::PartitionName& partition) const;  // in the engine

  // What the group holds replaces what was known. What an owner that died has left in flight is `unknown` from now on.
  commit::Position load(const PartitionOffset& stored);
  // The same without remembering it.
  commit::Position position_of(const PartitionOffset& stored) const;
  void forget();
  // The id of a topic now. PositionGone when what the group holds of it belongs to an earlier topic of that name.
  base::Result<void> name_topic(const std::string& topic, const std::string& id);
  // The database of an outbox now. PositionGone when what the group holds of it belongs to another one.
  base::Result<void> name_database(const std::string& outbox, const std::string& identity);

  // What a commit of these would store: remembered until settle() or drop(). Rows are counted with the first partition.
  // `replay_offset`: where the replay topic is, for an advance of kReplay. LostOwnership when `from` is not what the group holds.
  base::Result<std::vector<PartitionOffset>> plan(std::span<const commit::Advance> advances, const SinkRows& rows,
                                                  std::int64_t replay_offset);
  base::Result<std::vector<PartitionOffset>> plan_seeds(std::span<const commit::Position> positions);
  // After a commit whose outcome is not known: the group holds all that was planned.
  bool is_what_was_planned(std::span<const PartitionOffset> stored) const;
  void settle();
  void drop() { planned_.clear(); }

  // The offsets of these as they are stored: to send them again changes nothing, but fences what is sent with them.
  base::Result<std::vector<PartitionOffset>> unchanged(std::span<const commit::PartitionName> partitions) const;
  std::int64_t stored_offset(const commit::PartitionName& partition) const;  // -1: none

 private:
  struct Entry {
    std::int64_t offset = -1;
    OffsetMetadata metadata;
  };
  using Entries = std::map<commit::PartitionName, Entry>;  // by the name in the group
  base::Result<PartitionOffset> offset_of(const commit::PartitionName& partition, Entry& entry) const;
  base::Result<Entry> advanced(const commit::Advance& advance, std::int64_t replay_offset) const;

  std::string replay_topic_;
  std::map<std::string, std::string> progress_topics_;
  std::map<std::string, std::string> topic_ids_;  // by the name in the group
  std::map<std::string, std::string> databases_;  // the same
  Entries entries_;
  Entries planned_;
};

}  // namespace piperun::kafka
