// What lies in a PostgreSQL database, for a person: tables and rows, ledgers, letters.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "runtime/commit/postgres/postgres_domain.h"
#include "runtime/connectors/inspector.h"

namespace piperun::postgres {

// Makes nothing and takes no lock that a pipeline waits for.
class Inspector {
 public:
  static base::Result<Inspector> open(PostgresSettings settings);

  base::Result<std::vector<connectors::ListedTable>> tables();  // the users', by name; rows as the server estimates them
  base::Result<std::int64_t> count(const std::string& table);  // NoSuchTable
  // Rows in the order of their primary key, else as they lie. NoSuchTable.
  base::Result<connectors::TableRows> rows(const std::string& table, std::int64_t limit);
  base::Result<std::vector<connectors::StoredLedger>> ledgers();  // empty where nothing of piperun is

  // For letters and offsets of one unit. Takes the connection: the inspector is used up.
  std::unique_ptr<PostgresDomain> domain(std::string pipeline, std::string unit) &&;

 private:
  explicit Inspector(std::unique_ptr<Session> session) : session_(std::move(session)) {}
  std::unique_ptr<Session> session_;
};

}  // namespace piperun::postgres
