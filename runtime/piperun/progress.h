// What a run tells while it goes on: one line on a terminal that changes, nothing elsewhere.
#pragma once
#include <iosfwd>
#include <map>
#include <mutex>
#include <string>

#include "runtime/base/clock.h"
#include "runtime/engine/observer.h"

namespace piperun::cli {

// Called by all executor threads.
class Progress final : public engine::Observer {
 public:
  // `out`: null for a run that tells nothing.
  Progress(std::ostream* out, base::Clock& clock) : out_(out), clock_(clock), begun_(clock.monotonic()) {}
  ~Progress() override { clear(); }

  void committed(const ir::Unit& unit, const commit::Counts& batch) override;
  void retrying(const ir::Unit& unit, const base::Error& error, int attempt, std::int64_t wait, bool paused) override;
  void recovered(const ir::Unit& unit) override;
  void clear();  // removes the line, before something else is written

 private:
  void show(bool at_once);

  std::mutex mutex_;
  std::ostream* out_;
  base::Clock& clock_;
  std::int64_t begun_, shown_ = 0;
  std::int64_t read_ = 0, dead_ = 0;
  std::map<std::string, std::string> trouble_;  // by unit
  bool has_line_ = false;
};

}  // namespace piperun::cli
