// The step `fetch`: gathers a batch of what the intake read, or of dead letters that were asked for again.
#pragma once
#include <optional>
#include <stop_token>

#include "lang/ir/program.h"
#include "runtime/base/clock.h"
#include "runtime/engine/intake.h"
#include "runtime/engine/options.h"
#include "runtime/engine/share.h"

namespace piperun::engine {

// One per worker. All references outlive it.
class Fetch {
 public:
  Fetch(const ir::Program& program, const ir::Unit& unit, const Options& options, base::Clock& clock, std::stop_token stop);

  // The next records, until there are `commit_records` or `commit_interval` has passed since the first; none: nothing is there now.
  base::Result<void> run(Intake& intake, commit::Domain& domain, const Share& share, Batch& batch);

  // The same without dead letters, not while `is_replay_due`; in any thread, one at a time. `hurry`: with what there is.
  base::Result<void> run_ahead(Intake& intake, const Share& share, const std::stop_token& hurry, Batch& batch);
  bool is_replay_due() const { return batches_until_replay_ <= 0; }

  // What was read ahead is dropped: other partitions come.
  void forget();

  // More letters are asked for than were read at once, or they wait for partitions that the group may give soon.
  bool has_more_replays() const {
    return has_more_replays_ || (waiting_since_ > 0 && clock_.monotonic() - waiting_since_ < kLettersWait);
  }

 private:
  static constexpr std::int64_t kLettersWait = 12'000'000;  // microseconds: a session of who has stopped, and a look

  base::Result<bool> fetch_replays(commit::Domain& domain, const Share& share, Batch& batch);
  base::Result<void> gather(Intake& intake, const Share& share, const std::stop_token& hurry, Batch& batch);

  const ir::Program& program_;
  const Options& options_;
  base::Clock& clock_;
  std::stop_token stop_;
  const bool takes_replays_, has_keys_;
  std::optional<TakenSlab> held_;  // did not fit into the last batch
  std::optional<base::Error> held_error_;  // came behind it
  int batches_until_replay_ = 0;
  bool has_more_replays_ = false;
  std::int64_t look_again_at_ = INT64_MIN;  // for letters to replay, monotonic microseconds
  bool are_told_ = false;  // letters that wait
  std::int64_t waiting_since_ = 0;  // monotonic microseconds; 0: none waits
};

}  // namespace piperun::engine
