// Membership in a consumer group, and the records of the partitions that the group gives: what the engine needs of a source whose
// partitions are shared out among processes. One group covers all sources of a unit.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/commit/domain.h"
#include "runtime/connectors/source.h"
#include "runtime/record/slab.h"

namespace piperun::connectors {

// A partition of one of the unit's sources. `source`: index into ir::Unit::sources.
struct GroupPartition {
  std::uint32_t source = 0;
  Partition partition;
  std::int64_t high_watermark = 0;  // behind what open transactions have written, too; 0: the system has none of these
};

struct StartAt {
  commit::PartitionName partition;
  std::int64_t offset = 0;
};

// Used by one thread at a time (the intake), but for what a commit domain asks of the same client. The group goes on being polled all
// the time: processing, however long, never costs the membership.
class Group {
 public:
  enum class Change : std::uint8_t {
    None,
    Assigned,  // answer with read_from
    Revoked,  // answer with let_go, after what was read is committed or dropped
    Lost,  // others may own them already; answer with let_go
  };
  // At most one of both. `partitions`: of Assigned all that this member has now, of Revoked what is taken: all of it, or in a group whose
  // members keep partitions a part. Lost is everything.
  struct Polled {
    Change change = Change::None;
    std::vector<commit::PartitionName> partitions;
    // Slab::partition: index into what this member has: `partitions` of the last Assigned without those taken since.
    std::optional<record::Slab> slab;
  };
  virtual ~Group() = default;

  // The next thing that happened, within `wait` microseconds. Without `take_records` only changes: the records stay in a bounded
  // memory of the client. After a change nothing more comes until it is answered.
  //
  // Records of a partition come in order and without those below its starting offset, each once. P2008 (PositionGone) with the gap when
  // a position is no longer in the topic.
  virtual base::Result<Polled> poll(std::int64_t wait, bool take_records, std::size_t max_records, std::size_t max_bytes) = 0;

  // Reading starts, or starts again, at these offsets. What is assigned and not named is held: nothing comes of it.
  virtual base::Result<void> read_from(std::span<const StartAt> partitions) = 0;
  // Of what is not taken nothing comes either until read_from.
  virtual base::Result<void> let_go() = 0;

  // All partitions of all sources, whoever reads them, in the order of their topics' names and their numbers.
  virtual base::Result<std::vector<GroupPartition>> partitions() = 0;
  // See Source::resolve. `partition`: index into what partitions() returned last.
  virtual base::Result<std::int64_t> resolve(const std::string& start, std::uint32_t partition) = 0;

  // When the record was made that a reader would be given first of those in [from, end), microseconds since 1970 (0: its system does
  // not say); nothing: there is none, for the mark of a transaction takes an offset too. Whoever reads the partition; from one thread, any.
  virtual base::Result<std::optional<std::int64_t>> next_time(const commit::PartitionName& partition, std::int64_t from,
                                                              std::int64_t end) = 0;

  // All that was there when this was asked first has been handed over, of the partitions that are assigned now: that of transactions
  // which were open then, when they are settled.
  virtual base::Result<bool> is_at_end() = 0;

  // Tells the group how far another system's commit has come, for those who watch its lag. Does not wait; never read back. False: not so
  // soon after the last time, but for `is_last`.
  virtual bool mirror(std::span<const StartAt> positions, bool is_last) = 0;

  // True: the group refuses this member for good, for another one has its name; only a new one can go on. From any thread.
  virtual bool is_refused() const { return false; }

  // Leaves, under a deadline. Nothing may be called afterwards.
  virtual void close() = 0;
};

}  // namespace piperun::connectors
