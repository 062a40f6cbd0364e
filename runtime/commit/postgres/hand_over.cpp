// A unit that gives all it has to one elsewhere.
#include <fmt/core.h>

#include "runtime/commit/postgres/postgres_domain.h"

namespace piperun::postgres {

using base::Result;
using commit::Manifest;

// An owner is a process: its connections carry its name. Our own process cannot be at work on it, else it would not ask.
Result<void> PostgresDomain::check_idle() {
  auto rows = session_->query(
      "SELECT DISTINCT o.owner FROM piperun.offsets o JOIN pg_stat_activity a ON a.application_name = o.owner "
      "WHERE o.pipeline = $1 AND o.unit = $2 AND o.owner <> ''",
      Parameters().text(pipeline_).text(unit_));
  if (!rows) return std::unexpected(rows.error());
  const std::string own = process_of(application_name({}));
  for (std::size_t i = 0; i < rows->size(); ++i) {
    const std::string owner = rows->text(i, 0);
    if (process_of(owner) == own) continue;
    return base::failure(base::ErrorCode::LostOwnership,
                         fmt::format("{} of {} cannot be taken over: process {} is at work on it; stop it first", unit_,
                                     pipeline_, process_of(owner)));
  }
  return {};
}

Result<void> PostgresDomain::freeze(const Manifest& manifest) {
  Transaction transaction(*session_);
  if (auto begun = transaction.begin(); !begun) return begun;
  if (auto idle = check_idle(); !idle) return idle;
  auto raised = session_->query(
      "UPDATE piperun.offsets SET epoch = epoch + 1, owner = '', read = read + in_flight, unknown = unknown + in_flight, "
      "in_flight = 0 WHERE pipeline = $1 AND unit = $2",
      Parameters().text(pipeline_).text(unit_));
  if (!raised) return std::unexpected(raised.error());
  if (auto put = put_manifest(manifest); !put) return put;
  return transaction.commit();
}

Result<void> PostgresDomain::retire() {
  Transaction transaction(*session_);
  if (auto begun = transaction.begin(); !begun) return begun;
  for (const char* sql :
       {"DELETE FROM piperun.offsets WHERE pipeline = $1 AND unit = $2",
        "DELETE FROM piperun.keys WHERE operator IN (SELECT id FROM piperun.operators WHERE pipeline = $1 AND unit = $2)",
        "DELETE FROM piperun.operators WHERE pipeline = $1 AND unit = $2",
        "DELETE FROM piperun.dead_letters WHERE pipeline = $1 AND unit = $2",
        "DELETE FROM piperun.sink_rows WHERE pipeline = $1 AND unit = $2",
        "DELETE FROM piperun.relays WHERE pipeline = $1 AND unit = $2"}) {
    auto removed = session_->query(sql, Parameters().text(pipeline_).text(unit_));
    if (!removed) return std::unexpected(removed.error());
  }
  operators_.clear();
  return transaction.commit();
}

Result<void> PostgresDomain::remove_manifest() {
  auto removed = session_->query("DELETE FROM piperun.manifests WHERE pipeline = $1 AND unit = $2",
                                 Parameters().text(pipeline_).text(unit_));
  if (!removed) return std::unexpected(removed.error());
  return {};
}

}  // namespace piperun::postgres
