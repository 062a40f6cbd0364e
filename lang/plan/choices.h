// An error policy of a file, as the IR has it.
#pragma once
#include "lang/ir/program.h"
#include "lang/sema/facts.h"

namespace piperun::plan {

inline ir::ErrorPolicy chosen(const sema::ErrorPolicy& policy) {
  return {.retry = static_cast<int>(policy.retry),
          .backoff_min = policy.backoff_min,
          .backoff_max = policy.backoff_max,
          .pause = policy.pause,
          .give_up = policy.give_up,
          .dead_letter = policy.dead_letter,
          .dead_letter_sink = policy.dead_letter_sink,
          .original = policy.original};
}

}  // namespace piperun::plan
