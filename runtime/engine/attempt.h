// One try at a range of a batch: what the steps of a list hand to each other.
#pragma once
#include <vector>

#include "runtime/engine/worker.h"

namespace piperun::engine {

// The one more source that a unit reads: dead letters that were asked for again.
inline constexpr const char* kReplayTopic = "#replay";

struct Worker::Attempt {
  std::size_t first = 0, last = 0;            // records of the batch; none outside of the list `batch`
  bool in_transaction = false;
  // at_most_once: data of the steps before this one was written by an earlier try and is not written again.
  std::size_t resume = 0;
  std::vector<commit::Counts> counts;         // per partition of the unit, after `process`
  std::vector<commit::Letter> letters;        // of the dead records that are kept, in record order
};

}  // namespace piperun::engine
