// Where a record may follow several error policies: which one counts.
#pragma once
#include "lang/ir/dataflow.h"

namespace piperun::ir {

// A stop gives up nothing, a letter that is told or kept an output, a skipped record all of it. Of two that keep it the one counts that
// keeps less of what it held.
inline bool gives_up_less(const ErrorPolicy& one, const ErrorPolicy& other) {
  const auto given_up = [](DeadLetter way) {
    switch (way) {
      case DeadLetter::Stop: return 0;
      case DeadLetter::Sink: return 1;
      case DeadLetter::Keep: return 2;
      case DeadLetter::Skip: return 3;
    }
    return 3;
  };
  if (one.dead_letter != other.dead_letter) return given_up(one.dead_letter) < given_up(other.dead_letter);
  return one.original > other.original;
}

}  // namespace piperun::ir
