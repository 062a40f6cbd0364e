// Dedup keys. They are global to the stage; whoever comes second to a key waits for the first at its unique index.
#include <algorithm>
#include <unordered_map>

#include "runtime/commit/key_times.h"
#include "runtime/commit/postgres/postgres_domain.h"

namespace piperun::postgres {

using base::Result;
using commit::bytes_of;
using commit::KeyClaim;
using commit::KeyEntry;
using commit::times_of;

namespace {

using Claims = std::span<const KeyClaim* const>;

Array keys_of(Claims claims) {
  return byte_strings(claims, [](const KeyClaim* claim) { return std::string_view(claim->key); });
}
Array read_of(Claims claims) {
  return byte_strings(claims, [](const KeyClaim* claim) { return bytes_of(claim->read); });
}
Array set_of(Claims claims) {
  return byte_strings(claims, [](const KeyClaim* claim) { return bytes_of(claim->set); });
}
Array newest_of(Claims claims) {
  return integers(claims, [](const KeyClaim* claim) { return claim->set.back(); });
}

// Taken in the order of the keys, as everybody takes them, so that two workers do not wait for each other.
constexpr const char* kLock =
    "SELECT 1 FROM piperun.keys WHERE operator = $1::int8 AND key = ANY ($2::bytea[]) ORDER BY key FOR UPDATE";

constexpr std::int64_t kExpiredAtOnce = 10'000;  // keys: a statement has its limit of time
constexpr const char* kExpire = R"(
    DELETE FROM piperun.keys k
    USING (SELECT key FROM piperun.keys WHERE operator = $1::int8 AND newest < $3::int8 LIMIT $2::int8 FOR UPDATE SKIP LOCKED) old
    WHERE k.operator = $1::int8 AND k.key = old.key)";
constexpr const char* kForget = R"(
    DELETE FROM piperun.keys k
    USING (SELECT key FROM piperun.keys WHERE operator = $1::int8 LIMIT $2::int8) old
    WHERE k.operator = $1::int8 AND k.key = old.key)";

}  // namespace

// 0: there is no such operator yet, and none was to be made.
Result<std::int64_t> PostgresDomain::operator_id(const std::string& stage, bool create) {
  if (const auto known = operators_.find(stage); known != operators_.end()) return known->second;
  const Parameters name = Parameters().text(pipeline_).text(unit_).text(stage);
  if (create) {
    auto made =
        session_->query("INSERT INTO piperun.operators (pipeline, unit, name) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", name);
    if (!made) return std::unexpected(made.error());
  }
  auto rows = session_->query("SELECT id FROM piperun.operators WHERE pipeline = $1 AND unit = $2 AND name = $3", name);
  if (!rows) return std::unexpected(rows.error());
  if (rows->size() == 0) return 0;
  return operators_[stage] = rows->integer(0, 0);
}

Result<std::vector<KeyEntry>> PostgresDomain::lookup_keys(const std::string& stage, std::span<const std::string> keys) {
  std::vector<KeyEntry> result;
  result.reserve(keys.size());
  for (const std::string& key : keys) result.push_back({key, {}});
  auto id = operator_id(stage, false);
  if (!id) return std::unexpected(id.error());
  if (*id == 0 || keys.empty()) return result;
  Array wanted = byte_strings(keys, [](const std::string& key) { return std::string_view(key); });
  auto rows = session_->query("SELECT key, times FROM piperun.keys WHERE operator = $1::int8 AND key = ANY ($2::bytea[])",
                              Parameters().integer(*id).array(wanted));
  if (!rows) return std::unexpected(rows.error());
  std::unordered_map<std::string, std::vector<std::int64_t>> found;
  for (std::size_t i = 0; i < rows->size(); ++i) found.emplace(rows->bytes(i, 0), times_of(rows->bytes(i, 1)));
  for (KeyEntry& entry : result) {
    if (const auto known = found.find(entry.key); known != found.end()) entry.times = known->second;
  }
  return result;
}

Result<bool> PostgresDomain::claim_keys(const std::string& stage, std::span<const KeyClaim> claims) {
  std::vector<const KeyClaim*> ordered;
  for (const KeyClaim& claim : claims) ordered.push_back(&claim);
  std::ranges::sort(ordered, {}, [](const KeyClaim* claim) -> const std::string& { return claim->key; });
  std::vector<const KeyClaim*> inserted, replaced, removed;
  for (const KeyClaim* claim : ordered) {
    if (!claim->set.empty()) (claim->read.empty() ? inserted : replaced).push_back(claim);
    else if (!claim->read.empty()) removed.push_back(claim);
  }
  Transaction transaction(*session_);
  if (auto begun = transaction.begin(); !begun) return std::unexpected(begun.error());
  if (auto owner = check_owner(); !owner) return std::unexpected(owner.error());
  if (transaction.is_own()) is_checked_ = false;
  auto id = operator_id(stage, true);
  if (!id) return std::unexpected(id.error());
  for (const auto& [step, some] : {std::pair{&PostgresDomain::insert_keys, &inserted},
                                   {&PostgresDomain::replace_keys, &replaced},
                                   {&PostgresDomain::remove_keys, &removed}}) {
    if (some->empty()) continue;
    auto done = (this->*step)(*id, *some);
    if (done && *done) continue;
    if (transaction.is_own()) operators_.clear();
    return done;
  }
  if (auto done = transaction.commit(); !done) return std::unexpected(done.error());
  return true;
}

Result<bool> PostgresDomain::insert_keys(std::int64_t id, Claims claims) {
  Array keys = keys_of(claims), newest = newest_of(claims), times = set_of(claims);
  auto done = session_->query(
      "INSERT INTO piperun.keys (operator, key, newest, times) SELECT $1::int8, w.key, w.newest, w.times "
      "FROM unnest($2::bytea[], $3::int8[], $4::bytea[]) w(key, newest, times) ON CONFLICT DO NOTHING",
      Parameters().integer(id).array(keys).array(newest).array(times));
  if (!done) return std::unexpected(done.error());
  return done->changed() == std::ssize(claims);
}

Result<bool> PostgresDomain::replace_keys(std::int64_t id, Claims claims) {
  Array keys = keys_of(claims), newest = newest_of(claims), times = set_of(claims), read = read_of(claims);
  auto locked = session_->query(kLock, Parameters().integer(id).array(keys));
  if (!locked) return std::unexpected(locked.error());
  auto done = session_->query(
      "UPDATE piperun.keys k SET newest = w.newest, times = w.times "
      "FROM unnest($2::bytea[], $3::int8[], $4::bytea[], $5::bytea[]) w(key, newest, times, read) "
      "WHERE k.operator = $1::int8 AND k.key = w.key AND k.times = w.read",
      Parameters().integer(id).array(keys).array(newest).array(times).array(read));
  if (!done) return std::unexpected(done.error());
  return done->changed() == std::ssize(claims);
}

Result<bool> PostgresDomain::remove_keys(std::int64_t id, Claims claims) {
  Array keys = keys_of(claims), read = read_of(claims);
  auto locked = session_->query(kLock, Parameters().integer(id).array(keys));
  if (!locked) return std::unexpected(locked.error());
  auto done = session_->query(
      "DELETE FROM piperun.keys k USING unnest($2::bytea[], $3::bytea[]) w(key, read) "
      "WHERE k.operator = $1::int8 AND k.key = w.key AND k.times = w.read",
      Parameters().integer(id).array(keys).array(read));
  if (!done) return std::unexpected(done.error());
  return done->changed() == std::ssize(claims);
}

// Every worker of the unit does it, so many keys at a time. Rows that are locked are left to whoever comes next, so that no worker waits for another; when all
// are to be forgotten nobody is at work, and none may stay.
Result<void> PostgresDomain::expire_keys(const std::string& stage, std::int64_t before, std::int32_t) {
  auto id = operator_id(stage, false);
  if (!id) return std::unexpected(id.error());
  if (*id == 0) return {};
  Parameters parameters = Parameters().integer(*id).integer(kExpiredAtOnce);
  if (before != INT64_MAX) parameters.integer(before);
  for (;;) {
    const auto gone = count_changed(before == INT64_MAX ? kForget : kExpire, parameters);
    if (!gone) return std::unexpected(gone.error());
    if (*gone < kExpiredAtOnce) return {};
  }
}

Result<std::vector<KeyEntry>> PostgresDomain::all_keys(const std::string& stage, const std::string& after, std::int64_t limit) {
  auto id = operator_id(stage, false);
  if (!id) return std::unexpected(id.error());
  auto rows = session_->query(
      "SELECT key, times FROM piperun.keys WHERE operator = $1::int8 AND key > $2::bytea ORDER BY key LIMIT $3::int8",
      Parameters().integer(*id).bytes(after).integer(limit));
  if (!rows) return std::unexpected(rows.error());
  std::vector<KeyEntry> result;
  for (std::size_t i = 0; i < rows->size(); ++i) result.push_back({rows->bytes(i, 0), times_of(rows->bytes(i, 1))});
  return result;
}

// The name that `to` may have had before, without keys, gives way.
Result<void> PostgresDomain::rename_stage(const std::string& from, const std::string& to) {
  Transaction transaction(*session_);
  if (auto begun = transaction.begin(); !begun) return begun;
  if (auto owner = check_owner(); !owner) return owner;
  if (transaction.is_own()) is_checked_ = false;
  auto left = session_->query(
      "DELETE FROM piperun.operators o WHERE pipeline = $1 AND unit = $2 AND name = $3 "
      "AND EXISTS (SELECT 1 FROM piperun.operators WHERE pipeline = $1 AND unit = $2 AND name = $4) "
      "AND NOT EXISTS (SELECT 1 FROM piperun.keys WHERE operator = o.id)",
      Parameters().text(pipeline_).text(unit_).text(to).text(from));
  if (!left) return std::unexpected(left.error());
  auto renamed = session_->query("UPDATE piperun.operators SET name = $3 WHERE pipeline = $1 AND unit = $2 AND name = $4",
                                 Parameters().text(pipeline_).text(unit_).text(to).text(from));
  if (!renamed) return std::unexpected(renamed.error());
  operators_.clear();
  return transaction.commit();
}

}  // namespace piperun::postgres
