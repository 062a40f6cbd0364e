// What a relay changes in an outbox table that it reads: rows that wait get numbers, and rows that were sent go.
#pragma once
#include <cstdint>

#include "runtime/base/result.h"

namespace piperun::connectors {

// Fencing as in commit::Domain. Used by the executor thread alone.
class OutboxRelay {
 public:
  virtual ~OutboxRelay() = default;
  // A new epoch: what an earlier owner of this relay numbers or deletes from now on fails with LostOwnership.
  virtual base::Result<void> claim() = 0;
  // (fenced) Gives at most `limit` waiting rows the next numbers, in the order of their ids. May be repeated. PositionGone: the rows below
  // `sent_to` were sent, and the database does not know of so many: it went back in time. 0: none was sent.
  virtual base::Result<void> number_rows(std::int64_t limit, std::int64_t sent_to) = 0;
  // (fenced) This relay has sent the rows below; they go when every relay of the outbox has.
  virtual base::Result<void> delete_sent(std::int64_t below) = 0;

  // Another process that is alive has claimed it last. Before claim().
  virtual base::Result<bool> is_held_elsewhere() = 0;

  // ---- For a person who moves or removes positions, behind claim()

  // (fenced) What stands from `position` on is kept for this relay, whatever it has sent. PositionGone: it is not all there any more.
  virtual base::Result<void> keep_from(std::int64_t position) = 0;
  // (fenced) This relay is no more, and keeps nothing.
  virtual base::Result<void> leave() = 0;
};

}  // namespace piperun::connectors
