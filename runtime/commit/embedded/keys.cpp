#include "runtime/commit/embedded/embedded_domain.h"
#include "runtime/commit/key_times.h"

namespace piperun::embedded {

using base::Result;
using commit::bytes_of;
using commit::KeyClaim;
using commit::KeyEntry;
using commit::times_of;

// 0: there is no such operator yet, and none was to be made.
Result<std::int64_t> EmbeddedDomain::operator_id(const std::string& stage, bool create) {
  if (const auto known = operators_.find(stage); known != operators_.end()) return known->second;
  if (create) {
    auto made =
        database_->query("INSERT INTO piperun_operators (pipeline, unit, name) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")
            .bind(1, pipeline_)
            .bind(2, unit_)
            .bind(3, stage)
            .run();
    if (!made) return std::unexpected(made.error());
  }
  Query query = database_->query("SELECT id FROM piperun_operators WHERE pipeline = ?1 AND unit = ?2 AND name = ?3");
  auto row = query.bind(1, pipeline_).bind(2, unit_).bind(3, stage).step();
  if (!row) return std::unexpected(row.error());
  if (!*row) return 0;
  return operators_[stage] = query.integer(0);
}

Result<std::vector<KeyEntry>> EmbeddedDomain::lookup_keys(const std::string& stage, std::span<const std::string> keys) {
  std::vector<KeyEntry> result;
  result.reserve(keys.size());
  const bool is_reading = !database_->in_transaction();
  if (is_reading) {  // one snapshot, and one lock instead of one per key
    if (auto begun = database_->begin_reading(); !begun) return std::unexpected(begun.error());
  }
  const auto looked = [&]() -> Result<void> {
    auto id = operator_id(stage, false);
    if (!id) return std::unexpected(id.error());
    Query query = database_->query("SELECT times FROM piperun_keys WHERE operator = ?1 AND key = ?2");
    for (const std::string& key : keys) {
      auto row = query.bind(1, *id).bind_bytes(2, key).step();
      if (!row) return std::unexpected(row.error());
      result.push_back({key, *row ? times_of(query.bytes(0)) : std::vector<std::int64_t>{}});
      query.reset();
    }
    return {};
  }();
  if (is_reading) database_->roll_back();
  if (!looked) return std::unexpected(looked.error());
  return result;
}

Result<std::vector<KeyEntry>> EmbeddedDomain::all_keys(const std::string& stage, const std::string& after, std::int64_t limit) {
  auto id = operator_id(stage, false);
  if (!id) return std::unexpected(id.error());
  Query query = database_->query("SELECT key, times FROM piperun_keys WHERE operator = ?1 AND key > ?2 ORDER BY key LIMIT ?3");
  query.bind(1, *id).bind_bytes(2, after).bind(3, limit);
  std::vector<KeyEntry> result;
  for (;;) {
    auto row = query.step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return result;
    result.push_back({query.text(0), times_of(query.bytes(1))});
  }
}

// The name that `to` may have had before, without keys, gives way.
Result<void> EmbeddedDomain::rename_stage(const std::string& from, const std::string& to) {
  Transaction transaction(*database_);
  if (auto begun = transaction.begin(); !begun) return begun;
  if (auto owner = check_owner(); !owner) return owner;
  auto left = database_
                  ->query(
                      "DELETE FROM piperun_operators WHERE pipeline = ?1 AND unit = ?2 AND name = ?3 "
                      "AND EXISTS (SELECT 1 FROM piperun_operators WHERE pipeline = ?1 AND unit = ?2 AND name = ?4) "
                      "AND NOT EXISTS (SELECT 1 FROM piperun_keys WHERE operator = id)")
                  .bind(1, pipeline_)
                  .bind(2, unit_)
                  .bind(3, to)
                  .bind(4, from)
                  .run();
  if (!left) return std::unexpected(left.error());
  auto renamed = database_->query("UPDATE piperun_operators SET name = ?3 WHERE pipeline = ?1 AND unit = ?2 AND name = ?4")
                     .bind(1, pipeline_)
                     .bind(2, unit_)
                     .bind(3, to)
                     .bind(4, from)
                     .run();
  if (!renamed) return std::unexpected(renamed.error());
  operators_.clear();
  return transaction.commit();
}

Result<bool> EmbeddedDomain::claim_keys(const std::string& stage, std::span<const KeyClaim> claims) {
  Transaction transaction(*database_);
  if (auto begun = transaction.begin(); !begun) return std::unexpected(begun.error());
  if (auto owner = check_owner(); !owner) return std::unexpected(owner.error());
  auto id = operator_id(stage, true);
  if (!id) return std::unexpected(id.error());
  for (const KeyClaim& claim : claims) {
    auto is_claimed = claim_key(*id, claim);
    if (!is_claimed || !*is_claimed) {
      if (transaction.is_own()) operators_.clear();
      return is_claimed;
    }
  }
  if (auto done = transaction.commit(); !done) return std::unexpected(done.error());
  return true;
}

Result<bool> EmbeddedDomain::claim_key(std::int64_t operator_id, const KeyClaim& claim) {
  const auto changed = [&]() -> Result<std::int64_t> {
    if (claim.set.empty() && claim.read.empty()) return 1;
    if (claim.set.empty()) {
      return database_->query("DELETE FROM piperun_keys WHERE operator = ?1 AND key = ?2 AND times = ?3")
          .bind(1, operator_id)
          .bind_bytes(2, claim.key)
          .bind_bytes(3, bytes_of(claim.read))
          .run();
    }
    if (claim.read.empty()) {
      return database_
          ->query("INSERT INTO piperun_keys (operator, key, newest, times) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING")
          .bind(1, operator_id)
          .bind_bytes(2, claim.key)
          .bind(3, claim.set.back())
          .bind_bytes(4, bytes_of(claim.set))
          .run();
    }
    return database_->query("UPDATE piperun_keys SET newest = ?3, times = ?4 WHERE operator = ?1 AND key = ?2 AND times = ?5")
        .bind(1, operator_id)
        .bind_bytes(2, claim.key)
        .bind(3, claim.set.back())
        .bind_bytes(4, bytes_of(claim.set))
        .bind_bytes(5, bytes_of(claim.read))
        .run();
  }();
  if (!changed) return std::unexpected(changed.error());
  return *changed == 1;
}

Result<void> EmbeddedDomain::expire_keys(const std::string& stage, std::int64_t before, std::int32_t) {
  Transaction transaction(*database_);
  if (auto begun = transaction.begin(); !begun) return begun;
  if (auto owner = check_owner(); !owner) return owner;
  auto id = operator_id(stage, false);
  if (!id) return std::unexpected(id.error());
  auto removed =
      database_->query("DELETE FROM piperun_keys WHERE operator = ?1 AND newest < ?2").bind(1, *id).bind(2, before).run();
  if (!removed) return std::unexpected(removed.error());
  return transaction.commit();
}

}  // namespace piperun::embedded
