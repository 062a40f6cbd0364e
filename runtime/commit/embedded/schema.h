// What lies in a database file beside the users' tables. All names begin with `piperun_`.
#pragma once

namespace piperun::embedded {

// In PRAGMA user_version. A file with a higher number was written by a later version and is refused.
inline constexpr int kFormatVersion = 4;

// Record ids are partition id * 2^40 + offset: appends of a partition lie side by side, and reading is a range of row ids.
inline constexpr int kOffsetBits = 40;

inline constexpr const char* kSchema = R"sql(
CREATE TABLE piperun_positions (
  pipeline TEXT NOT NULL, unit TEXT NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT NULL,
  epoch INTEGER NOT NULL, next_offset INTEGER NOT NULL, in_flight INTEGER NOT NULL DEFAULT 0,
  read INTEGER NOT NULL DEFAULT 0, used INTEGER NOT NULL DEFAULT 0, filtered INTEGER NOT NULL DEFAULT 0,
  duplicates INTEGER NOT NULL DEFAULT 0, late INTEGER NOT NULL DEFAULT 0, skipped INTEGER NOT NULL DEFAULT 0,
  dead INTEGER NOT NULL DEFAULT 0, unknown INTEGER NOT NULL DEFAULT 0,
  owner_pid INTEGER NOT NULL DEFAULT 0, mark TEXT NOT NULL DEFAULT '', newest_time INTEGER,
  PRIMARY KEY (pipeline, unit, topic, partition)) WITHOUT ROWID;
CREATE TABLE piperun_manifests (
  pipeline TEXT NOT NULL, unit TEXT NOT NULL, text TEXT NOT NULL, moved INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (pipeline, unit)) WITHOUT ROWID;
CREATE TABLE piperun_operators (
  id INTEGER PRIMARY KEY, pipeline TEXT NOT NULL, unit TEXT NOT NULL, name TEXT NOT NULL, UNIQUE (pipeline, unit, name));
CREATE TABLE piperun_keys (
  operator INTEGER NOT NULL, key BLOB NOT NULL, newest INTEGER NOT NULL, times BLOB NOT NULL,
  PRIMARY KEY (operator, key)) WITHOUT ROWID;
CREATE INDEX piperun_keys_by_time ON piperun_keys (operator, newest);
CREATE TABLE piperun_dead_letters (
  pipeline TEXT NOT NULL, unit TEXT NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT NULL, "offset" INTEGER NOT NULL,
  element INTEGER NOT NULL, flow TEXT NOT NULL, next_offset INTEGER NOT NULL, timestamp INTEGER NOT NULL, key BLOB, value BLOB,
  headers BLOB, code TEXT NOT NULL, message TEXT NOT NULL, sqlstate TEXT NOT NULL, site TEXT NOT NULL, attempts INTEGER NOT NULL,
  first_failure INTEGER NOT NULL, last_failure INTEGER NOT NULL, replays INTEGER NOT NULL, replay_asked INTEGER NOT NULL,
  kept TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (pipeline, unit, topic, partition, "offset", element));
CREATE TABLE piperun_sink_rows (
  pipeline TEXT NOT NULL, unit TEXT NOT NULL, sink TEXT NOT NULL, rows INTEGER NOT NULL,
  PRIMARY KEY (pipeline, unit, sink)) WITHOUT ROWID;
CREATE TABLE piperun_topics (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, partitions INTEGER NOT NULL);
CREATE TABLE piperun_partitions (
  id INTEGER PRIMARY KEY, topic INTEGER NOT NULL, number INTEGER NOT NULL,
  begin_offset INTEGER NOT NULL DEFAULT 0, end_offset INTEGER NOT NULL DEFAULT 0, UNIQUE (topic, number));
CREATE TABLE piperun_records (
  id INTEGER PRIMARY KEY, timestamp INTEGER NOT NULL, key BLOB, value BLOB, headers BLOB);
CREATE TABLE piperun_samples (object TEXT PRIMARY KEY, file TEXT NOT NULL) WITHOUT ROWID;
CREATE VIEW piperun_topic_records AS
  SELECT t.name AS topic, p.number AS partition, r.id & 1099511627775 AS "offset", r.timestamp, r.key, r.value
  FROM piperun_topics t JOIN piperun_partitions p ON p.topic = t.id
  JOIN piperun_records r ON r.id BETWEEN p.id << 40 AND (p.id << 40) + 1099511627775;
)sql";

// What brings a file of an earlier format to the next one, by that format: [0] from 1 to 2.
inline constexpr const char* kUpgrades[kFormatVersion - 1] = {
    "ALTER TABLE piperun_positions ADD COLUMN mark TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE piperun_positions ADD COLUMN newest_time INTEGER",
    "ALTER TABLE piperun_dead_letters ADD COLUMN kept TEXT NOT NULL DEFAULT ''",
};

}  // namespace piperun::embedded
