// A commit domain: the one system whose transaction holds a unit's positions, keys, state, dead letters and output.
// Only the protocol executor calls it, one method per step of lang/ir/steps.def.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lang/ir/protocol.h"
#include "runtime/base/result.h"

namespace piperun::commit {

// One fate per record: read = used + filtered + duplicates + late + skipped + dead + unknown. `unknown` only under at_most_once.
struct Counts {
  std::int64_t read = 0, used = 0, filtered = 0, duplicates = 0, late = 0, skipped = 0, dead = 0, unknown = 0;
  Counts& operator+=(const Counts& other);
  Counts& operator-=(const Counts& other);
  bool balances() const;
};

struct PartitionName {
  std::string topic;
  std::int32_t number = 0;
  friend auto operator<=>(const PartitionName&, const PartitionName&) = default;
};

// Where a time is none.
inline constexpr std::int64_t kNoTime = INT64_MIN;

// What is stored for one partition of a unit.
struct Position {
  PartitionName partition;
  std::int64_t epoch = 0;
  std::int64_t next_offset = 0;
  std::int64_t in_flight = 0;      // at_most_once: records before next_offset whose fates were not stored when this was read
  Counts counts;
  std::string mark{};              // of the source, or "": what stood at or before next_offset (record::Slab::mark)
  std::int64_t newest_time = kNoTime;  // the latest that a committed record had where a stage keeps keys, microseconds
};

struct Advance {
  PartitionName partition;
  std::int64_t from = 0, to = 0;   // next_offset before and after
  Counts counts;                   // to be added: of this batch; at_most_once: of the batches whose fates are known by now
  // at_most_once: records of this batch, whose fates come with the next commit_offsets, or with the one at stop (from = to). It
  // replaces the stored number; what claim() finds there died with its process and is added to `read` and `unknown`.
  std::int64_t in_flight = 0;
  std::string mark{};  // Position::mark, stored instead of the one that is there
  std::int64_t newest_time = kNoTime;  // Position::newest_time, stored if it is later than the one that is there
};

// A dedup key with the times (microseconds) at which it was accepted.
struct KeyEntry {
  std::string key;  // value::encode_key
  std::vector<std::int64_t> times;  // ascending; empty: absent
  // Where it lies, in a domain whose keys lie by partition: lookup_keys has an entry for each partition that holds the key.
  std::int32_t partition = -1;
};
struct KeyClaim {
  std::string key;
  std::vector<std::int64_t> read;  // what lookup_keys returned: compared
  std::vector<std::int64_t> set;  // what is stored instead
  // Of the record that brought it: number of its partition. A domain whose keys lie by partition needs it unless the worker has one
  // partition alone; others leave it aside.
  std::int32_t partition = -1;
};

// What a letter's value is. Stores have the name: one that is there never means anything else.
enum class Kept : std::uint8_t {
  Unknown,  // stored by a version that did not say so
  Original,  // the record's own, or the record had none
  Hash,  // `original = hash`
  Omitted,  // `original = omit`
  TooLarge,  // none: the store did not take it
};
inline constexpr std::string_view kKeptNames[] = {"", "original", "hash", "omitted", "too-large"};
constexpr std::string_view name_of(Kept kept) { return kKeptNames[static_cast<std::size_t>(kept)]; }
Kept kept_of(std::string_view name);  // Unknown: of a later version, too

// A record that failed, with all that is needed to understand and to replay it. Keyed by (unit, topic, partition, offset, element).
struct Letter {
  std::string unit, flow;
  PartitionName origin;
  std::int64_t offset = 0, next_offset = 0, element = 0, timestamp = 0;
  std::optional<std::string> key, value;  // original bytes, as the policy says
  Kept kept = Kept::Unknown;  // of the value
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;
  std::string code, message, sqlstate, site;  // site: `orders.pipe:12:3`
  std::int64_t attempts = 1, first_failure = 0, last_failure = 0, replays = 0;
  bool replay_asked = false;
};

struct Manifest {
  std::string unit;
  std::string text;  // JSON, written by plan
  bool moved = false;
};

// Fencing: a method marked (fenced) fails with LostOwnership when another process has claimed a partition since.
// Methods between begin() and commit() take effect together; outside of them each is a transaction of its own.
class Domain {
 public:
  virtual ~Domain() = default;

  // epoch + 1 for each partition, in one statement; returns what is stored. A partition without a position has epoch 1 and is
  // marked by next_offset -1 until seed_positions. Where a consumer group says who owns a partition, there is no epoch to raise: it
  // returns the positions of commits that are settled.
  virtual base::Result<std::vector<Position>> claim(std::span<const PartitionName> partitions) = 0;
  // Of all that was claimed only these are compared from now on; the others are left to whoever claims them next.
  virtual void keep(std::span<const PartitionName> partitions) = 0;
  virtual base::Result<std::vector<Position>> read_positions(ir::StepMode mode) = 0;  // (fenced) of all partitions of this unit
  virtual base::Result<std::vector<Manifest>> manifests() = 0;  // of all units of this pipeline id
  virtual base::Result<void> put_manifest(const Manifest& manifest) = 0;
  virtual base::Result<void> seed_positions(std::span<const Position> positions) = 0;  // (fenced)

  virtual base::Result<void> begin() = 0;
  // (fenced) compare and set (epoch, from → to), add counts
  virtual base::Result<void> fence(std::span<const Advance> advances) = 0;
  virtual base::Result<void> commit() = 0;
  virtual void abort() = 0;
  virtual base::Result<void> commit_offsets(std::span<const Advance> advances, ir::StepMode mode) = 0;  // (fenced)

  // An entry for each key, in their order; for one that is absent an entry without times.
  virtual base::Result<std::vector<KeyEntry>> lookup_keys(const std::string& stage, std::span<const std::string> keys) = 0;
  // False: an entry is not what was read; abort, look up, process again.
  virtual base::Result<bool> claim_keys(const std::string& stage, std::span<const KeyClaim> claims) = 0;
  // Removes what was accepted last before that time. `partition`: number of the one whose keys are meant, or -1 for all; told apart
  // only by a domain whose keys lie by partition. INT64_MAX: all keys are forgotten.
  virtual base::Result<void> expire_keys(const std::string& stage, std::int64_t before, std::int32_t partition = -1) = 0;
  // A key is compared with those of its partition alone: the records of other partitions have no part in its fate.
  virtual bool keeps_keys_by_partition() const { return false; }

  virtual base::Result<void> put_letters(std::span<const Letter> letters) = 0;
  virtual base::Result<std::vector<Letter>> letters(bool only_asked) = 0;  // of this unit, by origin
  virtual base::Result<void> remove_letter(const Letter& letter) = 0;
  virtual base::Result<void> ask_replay(const Letter& letter) = 0;

  virtual base::Result<void> add_rows(const std::string& sink,
                                      std::int64_t rows) = 0;  // stored row count per sink, part of the ledger
  virtual base::Result<std::vector<std::pair<std::string, std::int64_t>>> rows() = 0;  // of this unit
  virtual void release() = 0;

  // ---- Steps of a domain whose owners are the members of a consumer group. Another domain has nothing to do in them.

  // A new epoch of the producer: settles what a predecessor left open, so that no request of it can take effect any more. Before any
  // position is read. LostOwnership when another process has done so twice within 30 s: it uses the same slot.
  virtual base::Result<void> init_producer() { return {}; }
  // (fenced) The group still gives this member all partitions of the last claim.
  virtual base::Result<void> check_membership() { return {}; }
  // (fenced by check_membership before it) In the open transaction: positions, counts and rows.
  virtual base::Result<void> store_offsets(std::span<const Advance> advances) {
    (void)advances;
    return {};
  }
  // After a commit that is known: if a request of it may still be on its way, a new epoch refuses it.
  virtual base::Result<void> retire_producer_if_unclear() { return {}; }
  // The local store of keys is brought to what the domain holds for the partitions of the last claim.
  virtual base::Result<void> restore_state() { return {}; }
  // After the commit is known: the local store follows.
  virtual base::Result<void> apply_state() { return {}; }

  // ---- When this unit gives all it has to a unit elsewhere. Each may be repeated.

  // Stores the manifest, which says where it went, and raises all epochs, so that its owner can commit nothing more. LostOwnership
  // while a process is seen at work on it.
  virtual base::Result<void> freeze(const Manifest& manifest) = 0;
  // The next entries behind `after` ("": from the first), in the order of their keys; empty: there are no more.
  virtual base::Result<std::vector<KeyEntry>> all_keys(const std::string& stage, const std::string& after,
                                                       std::int64_t limit) = 0;
  // Removes what is stored of this unit, all but its manifest.
  virtual base::Result<void> retire() = 0;

  // ---- For a person who moves or removes what is stored.

  // LostOwnership, with who it is, while another process is seen at work on this unit.
  virtual base::Result<void> check_idle() = 0;
  // As many calls of remove_letter and ask_replay.
  virtual base::Result<void> remove_letters(std::span<const Letter> letters);
  virtual base::Result<void> ask_replays(std::span<const Letter> letters);
  // Of this unit. With retire() before it nothing of the unit is left; positions without a manifest are an error at the next start.
  virtual base::Result<void> remove_manifest() = 0;

  // The keys of a stage belong to another one from now on, which has none yet.
  virtual base::Result<void> rename_stage(const std::string& from, const std::string& to) = 0;
};

}  // namespace piperun::commit
