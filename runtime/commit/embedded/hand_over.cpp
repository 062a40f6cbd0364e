// A unit that gives all it has to one in another file.
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "runtime/commit/embedded/embedded_domain.h"

namespace piperun::embedded {

using base::Result;
using commit::Manifest;

namespace {

namespace fs = std::filesystem;

// True: that process runs and has the file open. A process id alone says little, as it may be another program's by now.
bool has_open(std::int64_t pid, const std::string& path) {
  std::error_code error;
  const fs::path file = fs::canonical(path, error);
  if (error) return false;
  for (auto entry = fs::directory_iterator(fmt::format("/proc/{}/fd", pid), error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    std::error_code unreadable;
    if (fs::read_symlink(entry->path(), unreadable) == file) return true;
  }
  return false;
}

constexpr const char* kPositions = "DELETE FROM piperun_positions WHERE pipeline = ?1 AND unit = ?2";
constexpr const char* kKeys =
    "DELETE FROM piperun_keys WHERE operator IN (SELECT id FROM piperun_operators WHERE pipeline = ?1 AND unit = ?2)";
constexpr const char* kOperators = "DELETE FROM piperun_operators WHERE pipeline = ?1 AND unit = ?2";
constexpr const char* kLetters = "DELETE FROM piperun_dead_letters WHERE pipeline = ?1 AND unit = ?2";
constexpr const char* kRows = "DELETE FROM piperun_sink_rows WHERE pipeline = ?1 AND unit = ?2";

}  // namespace

Result<void> EmbeddedDomain::check_idle() {
  Query query = database_->query("SELECT DISTINCT owner_pid FROM piperun_positions WHERE pipeline = ?1 AND unit = ?2");
  query.bind(1, pipeline_).bind(2, unit_);
  for (;;) {
    auto row = query.step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return {};
    const std::int64_t pid = query.integer(0);
    if (pid == 0 || pid == getpid() || !has_open(pid, database_->path())) continue;
    return base::failure(
        base::ErrorCode::LostOwnership,
        fmt::format("{} of {} cannot be taken over: process {} is at work on it; stop it first", unit_, pipeline_, pid));
  }
}

Result<void> EmbeddedDomain::freeze(const Manifest& manifest) {
  Transaction transaction(*database_);
  if (auto begun = transaction.begin(); !begun) return begun;
  if (auto idle = check_idle(); !idle) return idle;
  auto raised = database_
                    ->query(
                        "UPDATE piperun_positions SET epoch = epoch + 1, owner_pid = 0, read = read + in_flight, "
                        "unknown = unknown + in_flight, in_flight = 0 WHERE pipeline = ?1 AND unit = ?2")
                    .bind(1, pipeline_)
                    .bind(2, unit_)
                    .run();
  if (!raised) return std::unexpected(raised.error());
  if (auto put = put_manifest(manifest); !put) return put;
  return transaction.commit();
}

Result<void> EmbeddedDomain::retire() {
  Transaction transaction(*database_);
  if (auto begun = transaction.begin(); !begun) return begun;
  for (const char* sql : {kPositions, kKeys, kOperators, kLetters, kRows}) {
    auto removed = database_->query(sql).bind(1, pipeline_).bind(2, unit_).run();
    if (!removed) return std::unexpected(removed.error());
  }
  operators_.clear();
  return transaction.commit();
}

Result<void> EmbeddedDomain::remove_manifest() {
  auto removed =
      database_->query("DELETE FROM piperun_manifests WHERE pipeline = ?1 AND unit = ?2").bind(1, pipeline_).bind(2, unit_).run();
  if (!removed) return std::unexpected(removed.error());
  return {};
}

}  // namespace piperun::embedded
