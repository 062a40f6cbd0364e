// What steps and faults do to a world: effects that become visible, positions that move, the place where a worker goes on.
#pragma once
#include <vector>

#include "lang/prove/world.h"

namespace piperun::prove {

// Counts stop at 2, which stands for "more than once".
void raise(std::uint8_t& count, std::uint8_t by);

// `ex`: the paused ex-owner, not the owner.
Worker& me(World& world, bool ex);
Worker& other(World& world, bool ex);

// A new epoch begins, and this worker owns it.
void end_epoch(World& world, bool ex);

// The position that `commit_offsets` stores.
std::uint8_t committed_position(const Worker& worker);

// Moves the position behind the record in work, in the open transaction or at once.
void move_position(World& world, bool ex, bool in_transaction);

// The rules that depend on the protocol and its sink. The subject outlives it.
class Changes {
 public:
  explicit Changes(const Subject& subject) : subject_(subject) {}

  // A transaction takes effect.
  void apply(World& world, const Transaction& transaction) const;
  // An effect of a record, in the open transaction or at once.
  void change(World& world, Transaction& open, bool in_transaction, std::uint8_t record, std::uint8_t writes,
              std::uint8_t state) const;

  // What is on its way arrives. False: it is refused and never takes effect.
  bool land(World& world) const;
  // The worlds in which it has arrived, or never will.
  std::vector<World> decided(World world) const;
  // Whoever needs the lock of the positions waits for those who hold it: an open transaction of a process that stands still is ended
  // by the system; what is on its way is decided, one way or the other.
  std::vector<World> locked(World world, bool ex) const;

  // What `write` queued has reached the sink.
  void send_queued(World& world, bool ex) const;
  // Every way in which what was queued has reached the sink, or never will.
  std::vector<World> sent_or_not(const World& world, const Queue& queue) const;
  // The worlds in which this worker is no more: what it had queued was sent or not.
  std::vector<World> gone(World world, bool ex) const;

  // To the next step that counts, or to what follows the list.
  void advance(World& world, bool ex) const;
  void go_to(World& world, bool ex, ListId list) const;
  void go_to_process(Worker& worker) const;

 private:
  void output(World& world, std::uint8_t record, std::uint8_t count) const;
  void end_list(Worker& worker, ListId list) const;

  const Subject& subject_;
};

void begin_batch(Worker& worker);

}  // namespace piperun::prove
