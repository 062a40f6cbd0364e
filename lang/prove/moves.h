// All that can happen next in a world: the next step of a worker, or a fault.
#pragma once
#include <vector>

#include "lang/prove/world.h"

namespace piperun::prove {

enum class Happening : std::uint8_t {
  Step,         // a step was done
  Refused,      // a fenced step failed: the epoch is over
  Restart,      // somebody takes the partitions
  Lands,        // what was on its way takes effect
  // faults
  Crash,        // killed before `step`
  CrashInside,  // killed while `step` was on its way
  AckLost,      // the outcome of `step` is unknown
  Fails,        // `step` failed for certain
  Poison,       // the domain refuses the record in `step`
  Pause,        // the process stands still before `step`; somebody else takes over
  Revoke,       // partitions are taken in good order
  Stop,         // told to stop
};
bool is_fault(Happening happening);

struct Event {
  Happening what = Happening::Step;
  bool by_ex = false;
  ListId list = ListId::Batch;
  std::uint8_t step = 0;
  std::uint8_t record = 0;
  bool current = true;  // who did it owned the present epoch
  bool effect = false;  // the sink saw something of `record`
  bool unsent = false;  // something queued was not sent, and now never will be
  bool gone = false;    // a `fetch` found that the rows of an outbox are deleted
};

struct Move {
  Event event;
  World next;
};

enum class Faults : std::uint8_t { None, Kills, All };

// Moves without a fault come first.
std::vector<Move> moves(const Subject& subject, const World& world, Faults faults);

}  // namespace piperun::prove
