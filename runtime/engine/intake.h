// Makes batches of what a reader reads: in the calling thread, or in a thread of its own behind a bounded queue, so that the
// next records are there while a batch is committed.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "runtime/engine/reader.h"

namespace piperun::engine {

constexpr std::size_t kSlabBytes = 1 << 20;  // a slab is full from here on
constexpr std::size_t kQueuedSlabs = 8;      // what may be read ahead; small, so that it is still in the cache

class Intake {
 public:
  virtual ~Intake() = default;

  // The next slab, if one is there within `wait` microseconds. At most `limit` records.
  virtual base::Result<std::optional<TakenSlab>> take(std::int64_t wait) = 0;
  // Nothing will come until the worker has answered its group.
  virtual bool is_interrupted() { return false; }

  // Nothing is queued, and the reader is at the end of what its sources have now.
  virtual base::Result<bool> is_at_end() = 0;
  // The same, and nothing can come any more.
  virtual base::Result<bool> is_exhausted() = 0;

  // See Reader::ends.
  virtual base::Result<std::vector<PartitionEnd>> ends() = 0;
};

// Reads when asked: for tests that must be deterministic.
std::unique_ptr<Intake> make_inline_intake(std::unique_ptr<Reader> reader, std::size_t limit);

// Reads ahead in a thread that it owns; ends it when destroyed.
std::unique_ptr<Intake> make_threaded_intake(std::unique_ptr<Reader> reader, std::size_t limit);

}  // namespace piperun::engine
