// Sources of one partition each that a group gives to one member at a time as a whole, whatever the group is: outboxes.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/connectors/group.h"

namespace piperun::connectors {

// What such a group reads, and how far. Used by the thread that polls the group.
class RelayedSources {
 public:
  // `source`: index into ir::Unit::sources. Returns the name of its one partition.
  base::Result<std::string> add(std::uint32_t source, std::unique_ptr<Source> reader);

  // What the group has given, in that order: Slab::partition counts these. Nothing is read of them yet.
  void assign(std::vector<std::string> names);
  // Nothing is read until the next start().
  void hold();
  void start(std::span<const StartAt> partitions);

  // The next records of what was started, in turn; null: there are none now.
  base::Result<std::optional<record::Slab>> take(std::size_t max_records, std::size_t max_bytes);

  // As Group's.
  base::Result<std::vector<GroupPartition>> partitions();
  base::Result<std::int64_t> resolve(const std::string& start, std::uint32_t partition);
  // Their records have no time and no gaps.
  static std::optional<std::int64_t> next_time(std::int64_t from, std::int64_t end) {
    return from < end ? std::optional<std::int64_t>(0) : std::nullopt;
  }
  base::Result<bool> is_at_end();

  std::vector<std::string> names() const;  // sorted
  std::map<std::string, std::string> identities() const;  // of those that have one, by name

 private:
  struct Relayed {
    std::uint32_t source = 0;
    std::unique_ptr<Source> reader;
    std::string name;  // of its one partition, as the engine calls it
    std::int64_t position = -1;  // the next record to hand over; -1: not read here
    std::int64_t end = -1;  // where is_at_end() ends
  };
  std::vector<Relayed> all_;  // by name
  std::vector<std::size_t> assigned_;  // of them, in the order that assign() told
  std::size_t turn_ = 0;
  std::int64_t gone_since_ = 0;
};

}  // namespace piperun::connectors
