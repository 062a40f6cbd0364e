// Where the partitions that a unit reads begin and end now, and which offset a time stands for in them.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/connectors/connectors.h"
#include "runtime/piperun/stores.h"

namespace piperun::cli {

// The topics of one connection, or what is read of one file.
class Bounds {
 public:
  virtual ~Bounds() = default;
  virtual base::Result<std::vector<connectors::Partition>> partitions() = 0;
  // earliest, latest, or the first record at or after an RFC 3339 time. `partition`: index into what partitions() returned last.
  virtual base::Result<std::int64_t> resolve(const std::string& start, std::uint32_t partition) = 0;

  struct Stretch {
    std::int32_t partition = 0;  // its number
    std::int64_t from = 0, end = 0;
  };
  // How many records lie in each of these now: of a topic an offset may stand for none.
  virtual base::Result<std::vector<std::int64_t>> count(std::span<const Stretch> stretches);
};

// All that the sources of one unit read. `set` and `world` outlive it.
class UnitBounds {
 public:
  struct Found {
    Bounds* bounds = nullptr;
    std::uint32_t index = 0;
    connectors::Partition partition;
    base::Result<std::int64_t> resolve(const std::string& start) const { return bounds->resolve(start, index); }
  };

  // Without a FILE the topics of `unit`'s positions are looked for in the file that the unit's name begins with.
  static base::Result<UnitBounds> open(const StoreSet& set, const UnitLedger& unit, World& world);

  base::Result<std::vector<Found>> partitions();
  base::Result<Found> find(const commit::PartitionName& name);  // NoSuchTopic

  // What is left behind each of these positions, `positions[i]` in `found[i]`; 0 at the end. A transaction ends with an offset that is
  // no record, and compaction leaves out some: up to kMostCounted offsets are looked at, more are taken for as many records.
  static constexpr std::int64_t kMostCounted = 100;
  static base::Result<std::vector<std::int64_t>> behind(std::span<const Found> found, std::span<const std::int64_t> positions);

 private:
  explicit UnitBounds(World& world) : world_(world) {}
  base::Result<void> open_declared(const StoreSet& set, const std::string& unit);
  base::Result<void> open_topics(const StoreSet& set, const UnitLedger& unit);

  World& world_;
  std::unique_ptr<connectors::Connectors> connectors_;
  std::vector<std::unique_ptr<Bounds>> sources_;
};

// The members of the consumer group that a unit is, in words, or "": none, or it is none.
base::Result<std::string> members_of(const StoreSet& set, const std::string& unit);

}  // namespace piperun::cli
