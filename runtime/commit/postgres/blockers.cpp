#include "runtime/commit/postgres/blockers.h"

#include <spdlog/spdlog.h>

#include "runtime/commit/postgres/session.h"

namespace piperun::postgres {

namespace {

constexpr std::chrono::seconds kAgain{2};

// Only those of our own kind, and of a user whom we may end.
constexpr const char* kBlockers =
    "SELECT a.pid, a.application_name, a.application_name LIKE 'piperun %' FROM unnest(pg_blocking_pids($1::int)) b(pid) "
    "JOIN pg_stat_activity a ON a.pid = b.pid";

}  // namespace

BlockerEnder::BlockerEnder(const PostgresSettings& settings, int backend)
    : settings_(settings), backend_(backend), thread_([this](const std::stop_token& stop) { watch(stop); }) {}

BlockerEnder::~BlockerEnder() { thread_.request_stop(); }

void BlockerEnder::watch(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, stop, std::chrono::microseconds(settings_.patience), [] { return false; });
  while (!stop.stop_requested()) {
    end_blockers();
    changed_.wait_for(lock, stop, kAgain, [] { return false; });
  }
}

void BlockerEnder::end_blockers() {
  auto session = Session::open(settings_);
  if (!session) {
    spdlog::warn("cannot end who blocks server_process={} error={}", backend_, session.error().message);
    return;
  }
  auto blockers = (*session)->query(kBlockers, Parameters().integer(backend_));
  if (!blockers) return;
  for (std::size_t i = 0; i < blockers->size(); ++i) {
    const std::string pid = blockers->text(i, 0), name = blockers->text(i, 1);
    if (!blockers->boolean(i, 2)) {
      spdlog::warn("waiting for a lock that another program holds server_process={} application={}", pid, name);
      continue;
    }
    auto ended = (*session)->query("SELECT pg_terminate_backend($1::int)", Parameters().text(pid));
    spdlog::warn("ended a worker that held its positions for too long server_process={} application={}{}", pid, name,
                 ended ? "" : " error=" + ended.error().message);
  }
}

}  // namespace piperun::postgres
