// One try at a range of a batch: what the steps of a list hand to each other.
#pragma once
#include <algorithm>
#include <vector>

#include "runtime/engine/worker.h"

namespace piperun::engine {

struct Worker::Attempt {
  std::size_t first = 0, last = 0;            // records of the batch; none outside of the list `batch`
  bool in_transaction = false;
  std::int64_t begun = 0;                     // when it was processed, monotonic microseconds
  // at_most_once: data of the steps before this one was written by an earlier try and is not written again.
  std::size_t resume = 0;
  std::vector<commit::Counts> counts;         // per partition of the unit, after `process`
  std::vector<commit::Letter> letters;        // of the dead records that are kept, in record order
  std::size_t parts_put = 0;  // of `put_state`: outside of a transaction each is one of its own, and is not done again
};

inline std::size_t index_of(const std::vector<ir::Step>& list, ir::StepKind kind) {
  return static_cast<std::size_t>(std::ranges::find(list, kind, &ir::Step::kind) - list.begin());
}

}  // namespace piperun::engine
