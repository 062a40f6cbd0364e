// The protocol half of a program: in which order positions, keys, state and output of a unit become durable.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "lang/ir/dataflow.h"

namespace piperun::ir {

enum class StepKind : std::uint8_t {
#define STEP(name, text, kind, when, ack_lost, fenced, seen_by, counts) name,
#include "lang/ir/steps.def"
#undef STEP
};

enum class Durable : std::uint8_t { None, Positions, Output, Keys, State, Letters, Everything, Epoch, Manifest };
enum class When : std::uint8_t { Never, AtOnce, InTransaction, Later };
enum class SeenBy : std::uint8_t { Nobody, Domain, World };
enum class Counts : std::uint8_t { Always, State, Queued, Outbox, Never };

// A row of steps.def.
struct StepTraits {
  const char* text;
  Durable kind;
  When when;
  bool ack_lost;
  bool fenced;
  SeenBy seen_by;
  Counts counts;
};
const StepTraits& traits(StepKind kind);

enum class StepMode : std::uint8_t { None, Sync, Async, Hybrid, Plain, Locking };

struct Step {
  StepKind kind;
  std::uint32_t sink = kNone;      // Write, Await: which
  StepMode mode = StepMode::None;
  bool in_transaction = false;     // Write, PutState: the effect waits for the unit's `commit`
  bool later = false;              // Write: only queued, certain when awaited; Await: of such writes
};

// One list per occasion; each runs from its beginning. The engine has no other way to change durable state.
struct Protocol {
  std::vector<Step> on_assign;   // partitions were given to this worker
  std::vector<Step> batch;       // once per batch
  std::vector<Step> on_revoke;   // partitions are taken in good order
  std::vector<Step> on_lost;     // partitions were lost already
  std::vector<Step> on_unclear;  // the outcome of a commit is unknown, or a fence failed
  std::vector<Step> on_poison;   // a record that the domain refuses: find it and set it apart
  std::vector<Step> on_stop;
  int depth = 1;                 // batches in flight
};

// `write order_lines`, `commit_offsets(sync)`: the name by which users, tests and fault injection call a step.
std::string step_name(const Step& step, const std::vector<Sink>& sinks);

}  // namespace piperun::ir
