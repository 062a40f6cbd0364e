// Where a drain ends for those who read what it has written. In a log that is not with the last commit: readers of committed records are
// given nothing behind a transaction that is open, and one may be, of a member that was killed or is paused, or of another writer.
#pragma once
#include <cstdint>
#include <memory>
#include <span>

#include "lang/ir/program.h"
#include "runtime/base/clock.h"
#include "runtime/connectors/sink.h"

namespace piperun::engine {

// Used by the executor thread. `unit` and `clock` outlive it.
class OutputEnd {
 public:
  OutputEnd(const ir::Unit& unit, base::Clock& clock) : unit_(unit), clock_(clock) {}

  // Readers are given all that was in the sinks when this was asked first. Looks once in a while only. A transaction that stays open longer
  // than one of ours can is waited for no more, and told.
  base::Result<bool> is_reached(std::span<const std::unique_ptr<connectors::Sink>> sinks);

 private:
  const ir::Unit& unit_;
  base::Clock& clock_;
  bool is_asked_ = false, is_told_ = false, is_over_ = false;
  std::int64_t asked_at_ = 0, look_at_ = 0;  // monotonic microseconds
};

}  // namespace piperun::engine
