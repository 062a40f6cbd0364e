// What the engine needs of a system that records come from.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/record/slab.h"

namespace piperun::connectors {

struct Partition {
  std::string topic;         // or the file's path
  std::int32_t number = 0;
  std::int64_t begin = 0;    // first position that can be read
  std::int64_t end = 0;      // position behind the last record that can be read now; moves
};

// Used by one thread at a time (the intake).
class Source {
 public:
  virtual ~Source() = default;

  // All partitions, in a stable order; asked again for the ends of now (`--drain` stops at those of its first question).
  virtual base::Result<std::vector<Partition>> partitions() = 0;

  // Position at which a pipeline without one begins: earliest, latest, or the first record at or after an RFC 3339 time.
  virtual base::Result<std::int64_t> resolve(const std::string& start, std::uint32_t partition) = 0;

  // At most that many records from `position` on. Empty: nothing there now. Does not block for long.
  virtual base::Result<record::Slab> read(std::uint32_t partition, std::int64_t position, std::size_t max_records,
                                          std::size_t max_bytes) = 0;

  // `mark`: of the slab behind which a stored position lies. PositionGone if something else stands there now.
  virtual base::Result<void> check(std::uint32_t partition, const std::string& mark) {
    (void)partition, (void)mark;
    return {};
  }

  // The system that positions of it belong to, where others have records under the same names and positions; "": the mark says it all.
  virtual std::string identity() const { return {}; }

  // No record will ever come after the end of now (a file, `generate` with a count, stdin at its end).
  virtual bool is_finite() const = 0;

  // Waits until something may have arrived, at most that long.
  virtual void wait(std::int64_t microseconds) = 0;
};

}  // namespace piperun::connectors
