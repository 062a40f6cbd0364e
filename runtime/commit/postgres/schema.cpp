#include "runtime/commit/postgres/schema.h"

#include <fmt/core.h>

#include <vector>

namespace piperun::postgres {

using base::ErrorCode;
using base::Result;

namespace {

// `cluster_id` says whose positions these are: the id of a Kafka cluster, or the mark by which a file is known again.
// Positions are updated by each batch: half-empty pages let the new version stay beside the old one (HOT), and they are vacuumed often.
constexpr const char* kTables = R"sql(
CREATE TABLE piperun.offsets (
  pipeline text NOT NULL, unit text NOT NULL, topic text NOT NULL, partition bigint NOT NULL, cluster_id text NOT NULL,
  epoch bigint NOT NULL, next_offset bigint NOT NULL, in_flight bigint NOT NULL DEFAULT 0,
  read bigint NOT NULL DEFAULT 0, used bigint NOT NULL DEFAULT 0, filtered bigint NOT NULL DEFAULT 0,
  duplicates bigint NOT NULL DEFAULT 0, late bigint NOT NULL DEFAULT 0, skipped bigint NOT NULL DEFAULT 0,
  dead bigint NOT NULL DEFAULT 0, unknown bigint NOT NULL DEFAULT 0,
  owner text NOT NULL DEFAULT '', updated timestamptz NOT NULL DEFAULT now(), newest_time bigint,
  PRIMARY KEY (pipeline, unit, topic, partition))
  WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
CREATE TABLE piperun.manifests (
  pipeline text NOT NULL, unit text NOT NULL, text text NOT NULL, moved boolean NOT NULL, PRIMARY KEY (pipeline, unit));
CREATE TABLE piperun.operators (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, pipeline text NOT NULL, unit text NOT NULL, name text NOT NULL,
  UNIQUE (pipeline, unit, name));
CREATE TABLE piperun.keys (
  operator bigint NOT NULL, key bytea NOT NULL, newest bigint NOT NULL, times bytea NOT NULL, PRIMARY KEY (operator, key));
CREATE INDEX keys_by_time ON piperun.keys (operator, newest);
CREATE TABLE piperun.dead_letters (
  pipeline text NOT NULL, unit text NOT NULL, topic text NOT NULL, partition bigint NOT NULL, "offset" bigint NOT NULL,
  element bigint NOT NULL, flow text NOT NULL, next_offset bigint NOT NULL, timestamp bigint NOT NULL, key bytea, value bytea,
  header_names bytea[] NOT NULL, header_values bytea[] NOT NULL, code text NOT NULL, message text NOT NULL, sqlstate text NOT NULL,
  site text NOT NULL, attempts bigint NOT NULL, first_failure bigint NOT NULL, last_failure bigint NOT NULL,
  replays bigint NOT NULL, replay_asked boolean NOT NULL, kept text NOT NULL DEFAULT '',
  PRIMARY KEY (pipeline, unit, topic, partition, "offset", element));
CREATE TABLE piperun.sink_rows (
  pipeline text NOT NULL, unit text NOT NULL, sink text NOT NULL, rows bigint NOT NULL, PRIMARY KEY (pipeline, unit, sink));
CREATE TABLE piperun.relays (
  pipeline text NOT NULL, unit text NOT NULL, outbox text NOT NULL, epoch bigint NOT NULL, next_batch bigint NOT NULL,
  sent bigint NOT NULL, owner text NOT NULL DEFAULT '', PRIMARY KEY (pipeline, unit, outbox));
)sql";

// Both lock in the order (topic, partition), as everything does, and raise: a statement that changed fewer rows than it should
// would let the rest of its transaction be committed.
constexpr const char* kFunctions = R"sql(
CREATE FUNCTION piperun.check_owner(pipeline_ text, unit_ text, topics text[], partitions bigint[], epochs bigint[])
RETURNS void LANGUAGE plpgsql AS $body$
DECLARE
  wrong record;
BEGIN
  PERFORM 1 FROM piperun.offsets o JOIN unnest(topics, partitions) w(topic, partition) ON o.topic = w.topic AND o.partition = w.partition
    WHERE o.pipeline = pipeline_ AND o.unit = unit_ ORDER BY o.topic, o.partition FOR NO KEY UPDATE OF o;
  SELECT w.topic, w.partition, o.epoch, o.next_offset, o.owner INTO wrong
    FROM unnest(topics, partitions, epochs) w(topic, partition, epoch)
    LEFT JOIN piperun.offsets o ON o.pipeline = pipeline_ AND o.unit = unit_ AND o.topic = w.topic AND o.partition = w.partition
    WHERE o.epoch IS DISTINCT FROM w.epoch LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'PF001', MESSAGE =
      format('%s of %s: partition %s of `%s` is not this worker''s any more: ', unit_, pipeline_, wrong.partition, wrong.topic) ||
      CASE WHEN wrong.epoch IS NULL THEN 'it was never claimed, or its position was removed'
           ELSE format('`%s` has it with epoch %s at position %s', wrong.owner, wrong.epoch, wrong.next_offset) END;
  END IF;
END $body$;
)sql";

// GREATEST leaves nulls aside, so that a time is kept when the batch has none.
constexpr const char* kAdvance = R"sql(
CREATE FUNCTION piperun.advance(pipeline_ text, unit_ text, topics text[], partitions bigint[], epochs bigint[], froms bigint[],
  tos bigint[], flying bigint[], reads bigint[], useds bigint[], filtereds bigint[], duplicated bigint[], lates bigint[],
  skippeds bigint[], deads bigint[], unknowns bigint[], newests bigint[])
RETURNS void LANGUAGE plpgsql AS $body$
DECLARE
  moved bigint;
  wrong record;
BEGIN
  PERFORM piperun.check_owner(pipeline_, unit_, topics, partitions, epochs);
  UPDATE piperun.offsets o SET next_offset = w.too, in_flight = w.flying, read = o.read + w.read, used = o.used + w.used,
      filtered = o.filtered + w.filtered, duplicates = o.duplicates + w.duplicates, late = o.late + w.late,
      skipped = o.skipped + w.skipped, dead = o.dead + w.dead, unknown = o.unknown + w.unknown,
      newest_time = greatest(o.newest_time, w.newest), updated = now()
    FROM unnest(topics, partitions, epochs, froms, tos, flying, reads, useds, filtereds, duplicated, lates, skippeds, deads, unknowns,
      newests) w(topic, partition, epoch, too_from, too, flying, read, used, filtered, duplicates, late, skipped, dead, unknown, newest)
    WHERE o.pipeline = pipeline_ AND o.unit = unit_ AND o.topic = w.topic AND o.partition = w.partition AND o.epoch = w.epoch
      AND o.next_offset = w.too_from;
  GET DIAGNOSTICS moved = ROW_COUNT;
  IF moved = cardinality(partitions) THEN RETURN; END IF;
  SELECT o.topic, o.partition, o.next_offset, w.too_from INTO wrong
    FROM unnest(topics, partitions, froms) w(topic, partition, too_from)
    JOIN piperun.offsets o ON o.pipeline = pipeline_ AND o.unit = unit_ AND o.topic = w.topic AND o.partition = w.partition
    WHERE o.next_offset <> w.too_from LIMIT 1;
  RAISE EXCEPTION USING ERRCODE = 'PF001', MESSAGE =
    format('%s of %s: partition %s of `%s` is at position %s, not at %s: somebody else moved it', unit_, pipeline_, wrong.partition,
      wrong.topic, wrong.next_offset, wrong.too_from);
END $body$;
)sql";

// From format 1. The function of that format stays: processes of the version that made it may be at work.
constexpr const char* kUpgrade = "ALTER TABLE piperun.offsets ADD COLUMN newest_time bigint";
// What versions of this format without it need not know of has no number: they find nothing wrong, be they at work or started again.
constexpr const char* kKept = "ALTER TABLE piperun.dead_letters ADD COLUMN kept text NOT NULL DEFAULT ''";

struct Stored {
  int version = 0;  // 0: nothing
  bool has_kept = false;
  bool is_complete() const { return version == kFormatVersion && has_kept; }
};

// The tables of the catalog are read, for to_regclass answers from a cache that is not refreshed after a wait for an advisory lock.
Result<Stored> what_is_stored(Session& session) {
  auto exists = session.query(
      "SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
      "WHERE n.nspname = 'piperun' AND c.relname = 'format'), EXISTS (SELECT 1 FROM pg_catalog.pg_class c "
      "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid "
      "WHERE n.nspname = 'piperun' AND c.relname = 'dead_letters' AND a.attname = 'kept' AND NOT a.attisdropped)");
  if (!exists) return std::unexpected(exists.error());
  if (!exists->boolean(0, 0)) return Stored{};
  auto version = session.query("SELECT max(version) FROM piperun.format");
  if (!version) return std::unexpected(version.error());
  return Stored{static_cast<int>(version->integer(0, 0)), exists->boolean(0, 1)};
}

base::Error with_advice(base::Error error, Session& session) {
  if (error.sqlstate != "42501") return error;
  auto user = session.query("SELECT current_user, current_database()");
  const std::string who = user ? user->text(0, 0) : "this user", database = user ? user->text(0, 1) : "this database";
  error.message += fmt::format(
      "; piperun keeps positions in the schema `piperun`: either `GRANT CREATE ON DATABASE {} TO {}` so that it can make it, or "
      "let its owner run a pipeline once and then `GRANT USAGE ON SCHEMA piperun TO {}; GRANT ALL ON ALL TABLES IN SCHEMA "
      "piperun TO {}`",
      quoted(database), quoted(who), quoted(who), quoted(who));
  return error;
}

Result<void> check(Session& session, int version) {
  if (version <= kFormatVersion) return {};
  return base::failure(ErrorCode::StoreDamaged,
                       fmt::format("{}: the schema `piperun` has format {}, this version knows {}: a later piperun was here",
                                   session.address(), version, kFormatVersion));
}

Result<void> create_or_upgrade(Session& session) {
  if (auto begun = session.begin(); !begun) return begun;
  auto locked = session.query("SELECT pg_advisory_xact_lock($1)", Parameters().integer(kCreationLock));
  if (!locked) return std::unexpected(locked.error());
  const auto stored = what_is_stored(session);  // another process may have been first
  if (!stored) return std::unexpected(stored.error());
  constexpr const char* kFormat = "CREATE SCHEMA IF NOT EXISTS piperun; CREATE TABLE piperun.format (version integer NOT NULL)";
  std::vector<const char*> missing;
  if (stored->version == 0) missing = {kFormat, kTables, kFunctions, kAdvance};
  if (stored->version == 1) missing = {kUpgrade, kAdvance};
  if (stored->version > 0 && !stored->has_kept) missing.push_back(kKept);
  for (const char* statements : missing) {
    if (auto made = session.execute(statements); !made) return made;
  }
  if (stored->version < kFormatVersion) {
    auto made = session.execute(fmt::format("INSERT INTO piperun.format (version) VALUES ({})", kFormatVersion));
    if (!made) return made;
  }
  return session.commit();
}

}  // namespace

Result<bool> has_schema(Session& session) {
  const auto stored = what_is_stored(session);
  if (!stored) return std::unexpected(stored.error());
  if (auto checked = check(session, stored->version); !checked) return std::unexpected(checked.error());
  if (stored->version > 0 && !stored->is_complete()) {
    if (auto made = make_schema(session); !made) return std::unexpected(made.error());
  }
  return stored->version != 0;
}

Result<void> make_schema(Session& session) {
  const auto stored = what_is_stored(session);
  if (!stored) return std::unexpected(with_advice(stored.error(), session));
  if (stored->version > kFormatVersion) return check(session, stored->version);
  if (stored->is_complete()) return {};
  auto made = create_or_upgrade(session);
  if (made) return {};
  session.roll_back();
  return std::unexpected(with_advice(made.error(), session));
}

}  // namespace piperun::postgres
