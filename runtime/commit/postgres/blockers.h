// A worker that was stopped inside of a transaction keeps its locks: who waits for them ends it.
#pragma once
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "runtime/commit/postgres/settings.h"

namespace piperun::postgres {

// While this lives and the session of server process `backend` waits for longer than `settings.patience`, other connections of piperun
// that block it are terminated, over a second connection (pg_blocking_pids, pg_terminate_backend). Others' are named in the log.
class BlockerEnder {
 public:
  BlockerEnder(const PostgresSettings& settings, int backend);
  ~BlockerEnder();
  BlockerEnder(const BlockerEnder&) = delete;
  BlockerEnder& operator=(const BlockerEnder&) = delete;

 private:
  void watch(const std::stop_token& stop);
  void end_blockers();

  PostgresSettings settings_;
  int backend_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::jthread thread_;  // last: it uses the rest
};

}  // namespace piperun::postgres
