#include "runtime/commit/embedded/key_store.h"

#include <fmt/core.h>

#include <filesystem>

#include "runtime/commit/key_times.h"

namespace piperun::embedded {

using base::Result;
using commit::bytes_of;
using commit::KeyEntry;
using commit::times_of;

namespace {

constexpr const char* kTables = R"sql(
CREATE TABLE IF NOT EXISTS piperun_store_owner (one INTEGER PRIMARY KEY CHECK (one = 1), epoch INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS piperun_store_stages (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, log TEXT NOT NULL DEFAULT '', position INTEGER NOT NULL DEFAULT -1,
  generation INTEGER NOT NULL DEFAULT 0);
)sql";

}  // namespace

template <typename T>
std::unexpected<base::Error> KeyStore::error_in(const Result<T>& result) {
  is_damaged_ |= result.error().code == base::ErrorCode::StoreDamaged;
  return std::unexpected(result.error());
}

Result<void> KeyStore::commit(Transaction& transaction) {
  auto done = transaction.commit();
  if (!done) return error_in(done);
  return done;
}

Result<std::unique_ptr<KeyStore>> KeyStore::open(const std::string& path) {
  auto database = Database::open(path, Database::Access::Write);
  if (!database) return std::unexpected(database.error());
  std::unique_ptr<KeyStore> result(new KeyStore(std::move(*database)));
  if (auto done = result->take(); !done) return std::unexpected(done.error());
  return result;
}

// The file goes first: beside a database that is empty SQLite does not believe a log.
Result<void> KeyStore::put_aside(const std::string& path) {
  std::error_code failed;
  std::filesystem::rename(path, path + ".damaged", failed);
  if (failed == std::errc::no_such_file_or_directory) return {};  // another worker was quicker
  for (const char* log : {"-wal", "-shm"}) {
    if (!failed) std::filesystem::remove(path + log, failed);
  }
  if (!failed) return {};
  return base::failure(base::ErrorCode::CannotOpen,
                       fmt::format("{} is damaged, and cannot be put aside: {}", path, failed.message()));
}

Result<void> KeyStore::take() {
  Transaction transaction(*database_);
  if (auto begun = transaction.begin(); !begun) return error_in(begun);
  if (auto made = database_->execute(kTables); !made) return error_in(made);
  {
    Query query = database_->query(
        "INSERT INTO piperun_store_owner (one, epoch) VALUES (1, 1) ON CONFLICT DO UPDATE SET epoch = epoch + 1 RETURNING epoch");
    auto row = query.step();
    if (!row) return error_in(row);
    epoch_ = query.integer(0);
  }
  return commit(transaction);
}

Result<void> KeyStore::check_owner() {
  Query query = database_->query("SELECT epoch FROM piperun_store_owner");
  auto row = query.step();
  if (!row) return error_in(row);
  if (*row && query.integer(0) == epoch_) return {};
  return base::failure(base::ErrorCode::LostOwnership,
                       fmt::format("{}: another worker keeps its keys there now", database_->path()));
}

Result<std::int64_t> KeyStore::stage_id(const std::string& stage) {
  if (const auto known = stages_.find(stage); known != stages_.end()) return known->second;
  auto made = database_->query("INSERT INTO piperun_store_stages (name) VALUES (?1) ON CONFLICT DO NOTHING").bind(1, stage).run();
  if (!made) return error_in(made);
  Query query = database_->query("SELECT id FROM piperun_store_stages WHERE name = ?1");
  auto row = query.bind(1, stage).step();
  if (!row) return error_in(row);
  return stages_[stage] = query.integer(0);
}

Result<std::optional<KeyStore::Place>> KeyStore::place(const std::string& stage) {
  Query query = database_->query("SELECT log, position, generation FROM piperun_store_stages WHERE name = ?1 AND position >= 0");
  auto row = query.bind(1, stage).step();
  if (!row) return error_in(row);
  if (!*row) return std::nullopt;
  return Place{query.text(0), query.integer(1), query.integer(2)};
}

Result<std::vector<std::int64_t>> KeyStore::times(const std::string& stage, std::string_view key) {
  auto id = stage_id(stage);
  if (!id) return error_in(id);
  Query query = database_->query("SELECT times FROM piperun_keys WHERE operator = ?1 AND key = ?2");
  auto row = query.bind(1, *id).bind_bytes(2, key).step();
  if (!row) return error_in(row);
  return *row ? times_of(query.bytes(0)) : std::vector<std::int64_t>{};
}

Result<std::vector<std::string>> KeyStore::keys_before(const std::string& stage, std::int64_t time, std::int64_t limit) {
  auto id = stage_id(stage);
  if (!id) return error_in(id);
  Query query = database_->query("SELECT key FROM piperun_keys WHERE operator = ?1 AND newest < ?2 ORDER BY newest LIMIT ?3");
  query.bind(1, *id).bind(2, time).bind(3, limit);
  std::vector<std::string> result;
  for (;;) {
    auto row = query.step();
    if (!row) return error_in(row);
    if (!*row) return result;
    result.push_back(query.text(0));
  }
}

Result<void> KeyStore::apply(const std::string& stage, std::span<const KeyEntry> entries, const Place& place) {
  auto id = stage_id(stage);
  if (!id) return error_in(id);
  Transaction transaction(*database_);
  if (auto begun = transaction.begin(); !begun) return error_in(begun);
  if (auto owner = check_owner(); !owner) return owner;
  {
    Query put = database_->query(
        "INSERT INTO piperun_keys (operator, key, newest, times) VALUES (?1, ?2, ?3, ?4) "
        "ON CONFLICT DO UPDATE SET newest = excluded.newest, times = excluded.times");
    Query remove = database_->query("DELETE FROM piperun_keys WHERE operator = ?1 AND key = ?2");
    for (const KeyEntry& entry : entries) {
      Query& query = entry.times.empty() ? remove : put;
      query.bind(1, *id).bind_bytes(2, entry.key);
      if (!entry.times.empty()) query.bind(3, entry.times.back()).bind_bytes(4, bytes_of(entry.times));
      if (auto done = query.run(); !done) return error_in(done);
    }
    auto moved = database_->query("UPDATE piperun_store_stages SET log = ?2, position = ?3, generation = ?4 WHERE id = ?1")
                     .bind(1, *id)
                     .bind(2, place.log)
                     .bind(3, place.position)
                     .bind(4, place.generation)
                     .run();
    if (!moved) return error_in(moved);
  }
  return commit(transaction);
}

Result<void> KeyStore::wipe(const std::string& stage) {
  auto id = stage_id(stage);
  if (!id) return error_in(id);
  Transaction transaction(*database_);
  if (auto begun = transaction.begin(); !begun) return error_in(begun);
  if (auto owner = check_owner(); !owner) return owner;
  auto removed = database_->query("DELETE FROM piperun_keys WHERE operator = ?1").bind(1, *id).run();
  if (!removed) return error_in(removed);
  auto forgotten = database_->query("UPDATE piperun_store_stages SET log = '', position = -1, generation = 0 WHERE id = ?1")
                       .bind(1, *id)
                       .run();
  if (!forgotten) return error_in(forgotten);
  return commit(transaction);
}

}  // namespace piperun::embedded
