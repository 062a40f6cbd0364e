#include "runtime/commit/embedded/embedded_domain.h"

#include <fmt/core.h>

namespace piperun::embedded {

using base::Result;
using commit::Manifest;

Result<void> EmbeddedDomain::begin() {
  is_fenced_ = false;
  return database_->begin();
}

Result<void> EmbeddedDomain::commit() {
  is_fenced_ = false;
  auto done = database_->commit();
  if (!done) abort();  // the answer is then certain: what is still open is undone
  return done;
}

void EmbeddedDomain::abort() {
  is_fenced_ = false;
  operators_.clear();  // those made in this transaction are gone
  database_->roll_back();
}

void EmbeddedDomain::release() {
  abort();
  epochs_.clear();
}

Result<std::vector<Manifest>> EmbeddedDomain::manifests() {
  Query query = database_->query("SELECT unit, text, moved FROM piperun_manifests WHERE pipeline = ?1 ORDER BY unit");
  query.bind(1, pipeline_);
  std::vector<Manifest> result;
  for (;;) {
    auto row = query.step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return result;
    result.push_back({query.text(0), query.text(1), query.integer(2) != 0});
  }
}

Result<void> EmbeddedDomain::put_manifest(const Manifest& manifest) {
  Transaction transaction(*database_);
  if (auto begun = transaction.begin(); !begun) return begun;
  if (auto owner = check_owner(); !owner) return owner;
  auto put = database_
                 ->query(
                     "INSERT INTO piperun_manifests (pipeline, unit, text, moved) VALUES (?1, ?2, ?3, ?4) "
                     "ON CONFLICT DO UPDATE SET text = excluded.text, moved = excluded.moved")
                 .bind(1, pipeline_)
                 .bind(2, manifest.unit)
                 .bind(3, manifest.text)
                 .bind(4, std::int64_t{manifest.moved})
                 .run();
  if (!put) return std::unexpected(put.error());
  return transaction.commit();
}

Result<void> EmbeddedDomain::add_rows(const std::string& sink, std::int64_t rows) {
  Transaction transaction(*database_);
  if (auto begun = transaction.begin(); !begun) return begun;
  if (auto owner = check_owner(); !owner) return owner;
  auto put = database_
                 ->query(
                     "INSERT INTO piperun_sink_rows (pipeline, unit, sink, rows) VALUES (?1, ?2, ?3, ?4) "
                     "ON CONFLICT DO UPDATE SET rows = rows + excluded.rows")
                 .bind(1, pipeline_)
                 .bind(2, unit_)
                 .bind(3, sink)
                 .bind(4, rows)
                 .run();
  if (!put) return std::unexpected(put.error());
  return transaction.commit();
}

Result<std::vector<std::pair<std::string, std::int64_t>>> EmbeddedDomain::rows() {
  Query query = database_->query("SELECT sink, rows FROM piperun_sink_rows WHERE pipeline = ?1 AND unit = ?2 ORDER BY sink");
  query.bind(1, pipeline_).bind(2, unit_);
  std::vector<std::pair<std::string, std::int64_t>> result;
  for (;;) {
    auto row = query.step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return result;
    result.emplace_back(query.text(0), query.integer(1));
  }
}

}  // namespace piperun::embedded
