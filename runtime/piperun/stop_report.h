// What a run that does not end in time was doing: the last word of each of its units.
#pragma once
#include <iosfwd>
#include <map>
#include <mutex>
#include <string>

#include "runtime/engine/observer.h"

namespace piperun::cli {

// Hears what `next` hears, too. Called by all executor threads.
class StopReport final : public engine::Observer {
 public:
  // Both outlive it.
  StopReport(engine::Observer& next, const ir::Program& program) : next_(next), program_(program) {}

  engine::Verdict after(const ir::Unit& unit, const ir::Step& step) override;
  void committed(const ir::Unit& unit, const commit::Counts& batch) override { next_.committed(unit, batch); }
  void retrying(const ir::Unit& unit, const base::Error& error, int attempt, std::int64_t wait, bool paused) override;
  void recovered(const ir::Unit& unit) override;

  // A unit has done a step: what is to be stopped is more than an attempt to reach a system. From any thread.
  bool has_begun();
  // For a person, at the deadline. From any thread.
  void print(std::ostream& out, std::int64_t seconds);

 private:
  struct Word {
    ir::Step step{};  // that was done last
    std::string trouble;  // since then
  };
  engine::Observer& next_;
  const ir::Program& program_;
  std::mutex mutex_;
  std::map<std::string, Word> last_;  // by unit
  bool has_begun_ = false;
};

}  // namespace piperun::cli
