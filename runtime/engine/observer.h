// Who hears of every step after it was done. Progress, fault injection and tests are observers.
#pragma once
#include <cstdint>

#include "lang/ir/program.h"
#include "runtime/base/result.h"
#include "runtime/commit/domain.h"

namespace piperun::engine {

// What an observer wants of the engine.
enum class Verdict : std::uint8_t {
  GoOn,
  Crash,  // stop here at once, as if the process were killed: nothing more is done, the transaction is gone
};

// Called by the executor thread.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual Verdict after(const ir::Unit& /*unit*/, const ir::Step& /*step*/) { return Verdict::GoOn; }
  // A batch was committed.
  virtual void committed(const ir::Unit& /*unit*/, const commit::Counts& /*batch*/) {}
  // A system fails; the unit tries again in `wait` microseconds. `paused`: all attempts are used up, from now on it probes.
  virtual void retrying(const ir::Unit& /*unit*/, const base::Error& /*error*/, int /*attempt*/, std::int64_t /*wait*/,
                        bool /*paused*/) {}
  // What retrying() told last is over, and nothing was committed since.
  virtual void recovered(const ir::Unit& /*unit*/) {}
};

}  // namespace piperun::engine
