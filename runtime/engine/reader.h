// Reads a worker's partitions in turn, each from its position on. Knows when the input is used up.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "runtime/connectors/source.h"
#include "runtime/engine/batch.h"

namespace piperun::engine {

// A slab with the worker's own number of its partition.
struct TakenSlab {
  std::uint32_t partition = 0;  // index into the worker's partitions
  record::Slab slab;
};

// How far a partition goes now.
struct PartitionEnd {
  commit::PartitionName name;
  std::int64_t end = 0;  // behind its last record
  bool is_final = false;  // no record will come behind it
};

// Used by one thread at a time.
class Reader {
 public:
  // `sources`: one per Unit::sources; they outlive it. `positions`: where each partition begins. `stop_times`: per
  // source; a partition ends before its first record with that time of the log (microseconds) or a later one.
  Reader(const std::vector<std::unique_ptr<connectors::Source>>& sources, std::vector<ReadPartition> partitions,
         std::vector<std::int64_t> positions, std::vector<std::int64_t> stop_times);

  // The next records of the next partition that has some; nullopt: none there now.
  base::Result<std::optional<TakenSlab>> next(std::size_t max_records, std::size_t max_bytes);

  // Whether every partition was read to the end that it has now. Asks the sources.
  base::Result<bool> is_at_end();

  // Whether no record can come any more: all sources are finite and read to the end.
  base::Result<bool> is_exhausted();

  // Of all partitions of the sources, whoever reads them. Asks the sources.
  base::Result<std::vector<PartitionEnd>> ends();

  void wait(std::int64_t microseconds);

 private:
  const std::vector<std::unique_ptr<connectors::Source>>& sources_;
  std::vector<ReadPartition> partitions_;
  std::vector<std::int64_t> positions_;
  std::vector<std::int64_t> stop_times_;
  std::vector<bool> is_over_;  // per partition: it has come to its stop time
  std::size_t turn_ = 0;
};

}  // namespace piperun::engine
