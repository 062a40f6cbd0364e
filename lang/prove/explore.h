// Proves how often a record of a unit can take effect in each of its sinks: breadth first through every world that the step lists, the
// traits of steps.def and a bounded number of faults can lead to.
#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "lang/ir/program.h"
#include "lang/prove/moves.h"

namespace piperun::prove {

// Complete for: two batches of one record, a worker and one paused ex-owner, any `faults` faults at any steps.
struct Bounds {
  int faults = 2;
};

struct Verdict {
  ir::SinkId sink = ir::kNone;
  int at_least = 1;  // effects per record when all is done; 0: a record can be lost
  int at_most = 1;  // 2 stands for "more than once"
  bool ignores_repeats = false;  // counted with the receiver's help; without it a request can be repeated
  bool terminates = true;  // without any fault both batches are processed
  bool state_once = true;  // state, dead letters and ledger change exactly once per record
  std::vector<std::string> loss;  // shortest way to lose a record, in words; empty if there is none
  std::vector<std::string> repeat;  // shortest way to repeat one
  std::vector<std::string> state;  // shortest way to state that does not fit
  std::vector<std::string> alarm;  // shortest way to an owner that is refused although nobody took over
  std::size_t states = 0;  // worlds seen

  bool holds(ir::Delivery delivery) const;
};

// Counterexamples that need nothing but kills are preferred: everybody understands them.
Verdict explore(const Subject& subject, const ir::Program& program, ir::SinkId sink, const Bounds& bounds = {});

// The unit's protocol as this sink meets it.
Subject subject_of(const ir::Program& program, const ir::Unit& unit, ir::SinkId sink);

// Two subjects with one shape have one verdict, and one crash table.
std::string shape(const Subject& subject);

std::vector<Verdict> explore(const ir::Program& program, const ir::Unit& unit, const Bounds& bounds = {});

// "exactly once", "at least once", "at most once", "exactly once if the receiver ignores repeats", "no promise"
std::string words(const Verdict& verdict);

}  // namespace piperun::prove
