// Where a record may follow several error policies: which one counts.
#pragma once
#include <array>

#include "lang/ir/dataflow.h"

namespace piperun::ir {

// A stop gives up nothing, a kept record its output, a skipped one all of it.
inline bool gives_up_less(const ErrorPolicy& one, const ErrorPolicy& other) {
  constexpr std::array<int, 4> kGivenUp{1, 2, 0, 1};  // by DeadLetter: Keep, Skip, Stop, Sink
  return kGivenUp[static_cast<std::size_t>(one.dead_letter)] < kGivenUp[static_cast<std::size_t>(other.dead_letter)];
}

}  // namespace piperun::ir
