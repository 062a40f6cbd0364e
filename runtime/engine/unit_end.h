// Where a unit ends whose partitions a group shares out: not with those of this member, but with all of them. A member that died, or is
// paused or slower, leaves input behind that a drain must not take for done.
#pragma once
#include <cstdint>
#include <functional>
#include <vector>

#include "lang/ir/program.h"
#include "runtime/commit/domain.h"
#include "runtime/engine/membership.h"

namespace piperun::engine {

// Used by the executor thread. `unit` and `clock` outlive it.
class UnitEnd {
 public:
  enum class Kind : std::uint8_t {
    OfNow,  // what was there when this was asked first, and comes before the stop time
    ForGood,  // all that comes before the stop time: a record of that time or later is there
  };

  // The time of the log at which a source of the unit ends, microseconds; INT64_MAX: never. By index into ir::Unit::sources.
  using StopTime = std::function<std::int64_t(std::uint32_t source)>;

  using ReadPositions =
      std::function<base::Result<std::vector<commit::Position>>()>;  // of all partitions, as they are stored now

  UnitEnd(Kind kind, const ir::Unit& unit, base::Clock& clock, StopTime stop_time)
      : kind_(kind), unit_(unit), clock_(clock), stop_time_(std::move(stop_time)) {}

  // It is committed in each partition that is not assigned to this member. Looks at the stored positions once in a while only; in between
  // it is not reached.
  base::Result<bool> is_reached(Membership& membership, const ReadPositions& read_positions);

 private:
  struct Ending {
    commit::PartitionName name;
    std::uint32_t source = 0;
    std::int64_t end = 0;
    std::int64_t settled = 0;  // behind the last record that can be read now: an open transaction keeps it below `end`
    std::int64_t seen = -1;  // the position at the last look
    std::int64_t unread = -1;  // an offset at which something was found that nobody had read
    bool is_reached = false;
  };
  base::Result<void> find_ends(Membership& membership);  // OfNow: once; then only how far it is settled
  base::Result<bool> is_reached(Ending& ending, std::int64_t position, Membership& membership) const;
  void tell(const Ending& ending);

  bool never_ends() const;

  const Kind kind_;
  const ir::Unit& unit_;
  base::Clock& clock_;
  StopTime stop_time_;
  std::vector<Ending> endings_;
  bool is_asked_ = false, is_told_ = false;
  std::int64_t look_at_ = 0, settle_at_ = 0, tell_at_ = 0;  // monotonic microseconds
};

}  // namespace piperun::engine
