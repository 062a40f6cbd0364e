// A run with an `--until` that is still to come.
#pragma once
#include <cstdint>
#include <functional>
#include <stop_token>

#include "runtime/base/clock.h"
#include "runtime/engine/engine.h"

namespace piperun::cli {

// A run of the engine; `drain`: it ends when what is there is read.
using RunOnce = std::function<engine::RunResult(bool drain, std::stop_token stop)>;

// Runs until `until` (microseconds) has come, and then once more to the end of what is there: a partition in which nothing came behind
// that time would never end otherwise. Blocks. Each start is a recovery, so nothing is lost or done twice between the two.
engine::RunResult run_until(std::int64_t until, base::Clock& clock, std::stop_token stop, const RunOnce& run);

}  // namespace piperun::cli
