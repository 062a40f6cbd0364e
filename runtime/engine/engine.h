// Runs a program: its units with their workers, until the input is used up, a stop is asked for, or a person must act.
#pragma once
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "runtime/connectors/connectors.h"
#include "runtime/engine/observer.h"
#include "runtime/engine/options.h"

namespace piperun::engine {

// The stored ledger of a unit, as its domain holds it.
struct UnitLedger {
  std::string unit;
  commit::Counts counts;                                     // of all partitions
  commit::Counts replayed;                                   // of dead letters that were replayed
  std::vector<commit::Position> positions;
  std::vector<std::pair<std::string, std::int64_t>> rows;    // written, per sink
};

struct RunResult {
  std::vector<UnitLedger> ledgers;                           // one per unit; empty for those that could not be read
  std::optional<base::Error> error;                          // why it ended early
  bool crashed = false;                                      // the observer said so
};

// Blocks. Starts a thread per worker, and one more per intake; with Options::inline_intake everything runs in the calling thread.
RunResult run(const ir::Program& program, connectors::Connectors& connectors, base::Clock& clock, Observer& observer,
              const Options& options, std::stop_token stop);

}  // namespace piperun::engine
