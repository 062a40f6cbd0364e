#include "runtime/commit/postgres/postgres_domain.h"

#include <fmt/core.h>

#include "runtime/commit/postgres/schema.h"

namespace piperun::postgres {

using base::Result;
using commit::Manifest;

Result<std::unique_ptr<PostgresDomain>> PostgresDomain::open(PostgresSettings settings, std::string pipeline, std::string unit,
                                                             std::string cluster_id) {
  if (settings.purpose.empty()) settings.purpose = unit;
  auto session = Session::open(std::move(settings));
  if (!session) return std::unexpected(session.error());
  if (auto made = make_schema(**session); !made) return std::unexpected(made.error());
  return std::make_unique<PostgresDomain>(std::move(*session), std::move(pipeline), std::move(unit), std::move(cluster_id));
}

Result<std::unique_ptr<PostgresDomain>> PostgresDomain::open_stored(PostgresSettings settings, std::string pipeline,
                                                                    std::string unit) {
  if (settings.purpose.empty()) settings.purpose = unit;
  auto session = Session::open(std::move(settings));
  if (!session) return std::unexpected(session.error());
  auto exists = has_schema(**session);
  if (!exists) return std::unexpected(exists.error());
  if (!*exists) return nullptr;
  return std::make_unique<PostgresDomain>(std::move(*session), std::move(pipeline), std::move(unit), std::string());
}

Result<void> PostgresDomain::begin() {
  is_checked_ = false;
  return session_->begin();
}

Result<void> PostgresDomain::commit() {
  is_checked_ = false;
  auto done = session_->commit();
  if (!done) operators_.clear();
  return done;
}

void PostgresDomain::abort() {
  is_checked_ = false;
  operators_.clear();  // those made in this transaction are gone
  session_->roll_back();
}

void PostgresDomain::release() {
  abort();
  epochs_.clear();
}

Result<void> PostgresDomain::change_owned(const std::string& sql, const Parameters& parameters) {
  const auto done = count_changed(sql, parameters);
  if (!done) return std::unexpected(done.error());
  return {};
}

Result<std::int64_t> PostgresDomain::count_changed(const std::string& sql, const Parameters& parameters) {
  Transaction transaction(*session_);
  if (auto begun = transaction.begin(); !begun) return std::unexpected(begun.error());
  if (auto owner = check_owner(); !owner) return std::unexpected(owner.error());
  auto done = session_->query(sql, parameters);
  if (transaction.is_own()) is_checked_ = false;
  if (!done) return std::unexpected(done.error());
  if (auto committed = transaction.commit(); !committed) return std::unexpected(committed.error());
  return done->changed();
}

Result<std::vector<Manifest>> PostgresDomain::manifests() {
  auto rows = session_->query("SELECT unit, text, moved FROM piperun.manifests WHERE pipeline = $1 ORDER BY unit",
                              Parameters().text(pipeline_));
  if (!rows) return std::unexpected(rows.error());
  std::vector<Manifest> result;
  for (std::size_t i = 0; i < rows->size(); ++i) result.push_back({rows->text(i, 0), rows->text(i, 1), rows->boolean(i, 2)});
  return result;
}

Result<void> PostgresDomain::put_manifest(const Manifest& manifest) {
  return change_owned(
      "INSERT INTO piperun.manifests (pipeline, unit, text, moved) VALUES ($1, $2, $3, $4::bool) "
      "ON CONFLICT (pipeline, unit) DO UPDATE SET text = excluded.text, moved = excluded.moved",
      Parameters().text(pipeline_).text(manifest.unit).text(manifest.text).text(manifest.moved ? "t" : "f"));
}

Result<void> PostgresDomain::add_rows(const std::string& sink, std::int64_t rows) {
  return change_owned(
      "INSERT INTO piperun.sink_rows AS r (pipeline, unit, sink, rows) VALUES ($1, $2, $3, $4::int8) "
      "ON CONFLICT (pipeline, unit, sink) DO UPDATE SET rows = r.rows + excluded.rows",
      Parameters().text(pipeline_).text(unit_).text(sink).integer(rows));
}

Result<std::vector<std::pair<std::string, std::int64_t>>> PostgresDomain::rows() {
  auto rows = session_->query("SELECT sink, rows FROM piperun.sink_rows WHERE pipeline = $1 AND unit = $2 ORDER BY sink",
                              Parameters().text(pipeline_).text(unit_));
  if (!rows) return std::unexpected(rows.error());
  std::vector<std::pair<std::string, std::int64_t>> result;
  for (std::size_t i = 0; i < rows->size(); ++i) result.emplace_back(rows->text(i, 0), rows->integer(i, 1));
  return result;
}

}  // namespace piperun::postgres
