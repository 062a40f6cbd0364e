// What a person asks a database file: its topics, tables and ledgers. For the command line.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/commit/embedded/embedded_domain.h"
#include "runtime/connectors/embedded/topics.h"

namespace piperun::embedded {

struct StoredRecord {
  std::int32_t partition = 0;
  std::int64_t offset = 0, timestamp = 0;
  std::optional<std::string> key, value;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;
};

struct StoredTable {
  std::string name;
  std::vector<std::string> columns, types;  // INTEGER, REAL, TEXT, BLOB as SQLite declares them; BOOLEAN: made for a bool
  std::int64_t rows = 0;
};

// A value as it is stored.
struct StoredValue {
  enum class Kind : std::uint8_t { Null, Integer, Real, Text, Bytes } kind = Kind::Null;
  std::string text;  // of whatever kind
};

// What is stored for one unit: `offsets show`, `audit`.
struct UnitLedger {
  std::string pipeline, unit;
  std::vector<commit::Position> positions;
  std::vector<std::pair<std::string, std::int64_t>> sinks;  // rows written per sink
  std::int64_t letters = 0;
};

class Inspector {
 public:
  // Read opens what is there; Write (for put) makes the file.
  static base::Result<Inspector> open(const std::string& path, Database::Access access);

  base::Result<std::vector<Topic>> topics() { return list_topics(*database_); }
  // From `from` on (an offset) in one partition, or with -1 in all, partition after partition; at most `limit` in all. NoSuchTopic.
  base::Result<std::vector<StoredRecord>> peek(const std::string& topic, std::int32_t partition, std::int64_t from,
                                               std::int64_t limit);
  // In one transaction. Makes a missing topic when `partitions_if_missing` > 0, else NoSuchTopic.
  base::Result<void> put(const std::string& topic, std::span<const NewRecord> records, std::int64_t partitions_if_missing = 0);

  base::Result<std::vector<StoredTable>> tables();  // the users', by name
  // Rows in the order of their primary key, else as they were written. NoSuchTable.
  base::Result<std::vector<std::vector<StoredValue>>> rows(const std::string& table, std::int64_t limit);

  base::Result<std::vector<UnitLedger>> ledgers();

  // For letters and offsets of one unit. Takes the connection: the inspector is used up.
  std::unique_ptr<EmbeddedDomain> domain(std::string pipeline, std::string unit) &&;

 private:
  explicit Inspector(std::unique_ptr<Database> database) : database_(std::move(database)) {}
  std::unique_ptr<Database> database_;
};

}  // namespace piperun::embedded
