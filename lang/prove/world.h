// The abstract world that a protocol is explored in: two records, one per batch, one sink, a worker, perhaps a paused ex-owner, and a
// request on its way whose outcome nobody knows. What a step does to it follows from steps.def.
#pragma once
#include <array>
#include <compare>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "lang/ir/protocol.h"

namespace piperun::prove {

inline constexpr std::uint8_t kRecords = 2;
inline constexpr std::uint8_t kNoPosition = 255;

enum class ListId : std::uint8_t { OnAssign, Batch, OnRevoke, OnLost, OnUnclear, OnPoison, OnStop };

// What becomes visible at a commit. `locked`: it holds the lock of the positions, for which others wait.
struct Transaction {
  std::uint8_t open = 0;
  std::uint8_t ended = 0;  // by the system, for someone who waited
  std::uint8_t locked = 0;
  std::uint8_t fenced = 0;  // on its way: refused once the epoch is over
  std::uint8_t current = 1;  // on its way: the epoch has not moved since
  std::uint8_t position = kNoPosition;  // becomes the stored position
  std::uint8_t record = 0;
  std::uint8_t writes = 0, state = 0, keys = 0;
  friend auto operator<=>(const Transaction&, const Transaction&) = default;
};

// How often each record was written and not awaited.
using Queue = std::array<std::uint8_t, kRecords>;

struct Worker {
  std::uint8_t alive = 0;
  std::uint8_t list = 0;  // ListId
  std::uint8_t step = 0;
  std::uint8_t current = 0;  // it owns the present epoch
  std::uint8_t position = 0;  // it believes that this record comes next; during a batch: is being processed
  std::uint8_t in_batch = 0;
  std::uint8_t emits = 0;  // `process` was done, and it is no repeat
  std::uint8_t dead = 0;  // the record was refused: it gets a dead letter
  std::uint8_t checked = 0;  // check_membership succeeded in this batch
  Queue queued{};  // written, and not certain to have reached the sink before `await` (Step::later)
  Transaction transaction;
  friend auto operator<=>(const Worker&, const Worker&) = default;
};

// Bytes only: compared and hashed as they are. Counts stop at 2, which stands for "more than once".
struct World {
  std::uint8_t position = 0;
  std::array<std::uint8_t, kRecords> effects{};  // in the sink; a dead letter stands for the effect of its record
  std::array<std::uint8_t, kRecords> state{};  // in the domain: state changes, dead letters, ledger
  std::array<std::uint8_t, kRecords> local{};  // in the local store that follows a changelog
  std::array<std::uint8_t, kRecords> keys{};  // of `dedup`
  std::uint8_t numbered = 0;  // of an outbox: so many rows have a number and can be read
  std::uint8_t deleted = 0;  // and the rows below are gone
  Worker owner;
  Worker ex;  // paused, or woken up after somebody took over
  std::uint8_t ex_awake = 0;
  Transaction on_its_way;  // sent, and nobody heard an answer
  friend auto operator<=>(const World&, const World&) = default;
};
static_assert(std::has_unique_object_representations_v<World>);

// The protocol of a unit as one of its sinks meets it.
struct Subject {
  ir::Protocol protocol;  // Write and Await of other sinks left out
  bool group = false;  // a consumer group gives out partitions: an assignment ends the epoch of former members
  bool ignores_repeats = false;  // the sink knows the key of what it has already
  bool outbox = false;  // its records are rows that wait for a number, and are removed when they were sent
  bool track_state = true;  // count changes of state and dead letters too: what exactly_once promises about them
};

// Changes nothing that is counted: no output, state or position of a record. Run again, or not at all, it does no harm.
bool is_silent(const Subject& subject, const ir::Step& step);

const std::vector<ir::Step>& list_of(const ir::Protocol& protocol, ListId list);

// Nothing left to do: all records are processed as far as the owner knows.
bool is_idle(const World& world);

}  // namespace piperun::prove
