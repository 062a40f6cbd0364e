// The next batch, fetched and processed in another thread while the worker writes and commits the one before it.
#pragma once
#include <future>
#include <stop_token>

#include "runtime/engine/fetch.h"
#include "runtime/engine/process.h"

namespace piperun::engine {

// One per worker, used by its thread alone. Nothing that is done ahead has an effect: it may be dropped at any time, and then comes again
// from the position of the last commit.
class Ahead {
 public:
  Ahead(const ir::Unit& unit, const Options& options);
  ~Ahead() { drop(); }

  // Begins with what follows the batch that was fetched last, where the unit allows it; nothing if it has begun. All four must live until
  // `take` or `drop`. Nobody else fetches or takes from `intake` until then, or processes until `wait`; of `share` only marks may change.
  void start(Fetch& fetch, Intake& intake, const Share& share, Process& process);
  bool has_begun() const { return done_.valid(); }

  // Ends what has begun, as Fetch::run ends; only while `has_begun`. What is given comes back with memory for the batch after the next;
  // its records are gone.
  base::Result<void> take(Batch& batch, Processed& processed);
  // Until `process` is free. What is fetched by then is the batch.
  void wait();
  void drop();

 private:
  const bool is_possible_;
  std::stop_source hurry_;
  std::future<base::Result<void>> done_;
  Batch batch_;
  Processed processed_;
};

}  // namespace piperun::engine
