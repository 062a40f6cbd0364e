// What a person asks a database file: its topics, tables and ledgers. For the command line.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/commit/embedded/embedded_domain.h"
#include "runtime/connectors/embedded/topics.h"
#include "runtime/connectors/inspector.h"

namespace piperun::embedded {

class Inspector {
 public:
  // Read opens what is there; Write (for put) makes the file.
  static base::Result<Inspector> open(const std::string& path, Database::Access access);

  base::Result<std::vector<Topic>> topics() { return list_topics(*database_); }
  // From `from` on (an offset) in one partition, or with -1 in all, partition after partition; at most `limit` in all. NoSuchTopic.
  base::Result<std::vector<connectors::TopicRecord>> peek(const std::string& topic, std::int32_t partition, std::int64_t from,
                                                          std::int64_t limit);
  // In one transaction. Makes a missing topic when `partitions_if_missing` > 0, else NoSuchTopic.
  base::Result<void> put(const std::string& topic, std::span<const NewRecord> records, std::int64_t partitions_if_missing = 0);

  // The users', by name. Types: INTEGER, REAL, TEXT, BLOB as SQLite declares them; BOOLEAN: made for a bool.
  base::Result<std::vector<connectors::ListedTable>> tables();
  // Rows in the order of their primary key, else as they were written. NoSuchTable.
  base::Result<connectors::TableRows> rows(const std::string& table, std::int64_t limit);

  base::Result<std::vector<connectors::StoredLedger>> ledgers();

  // For letters and offsets of one unit. Takes the connection: the inspector is used up.
  std::unique_ptr<EmbeddedDomain> domain(std::string pipeline, std::string unit) &&;

 private:
  explicit Inspector(std::unique_ptr<Database> database) : database_(std::move(database)) {}
  std::unique_ptr<Database> database_;
};

}  // namespace piperun::embedded
