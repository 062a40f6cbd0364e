// What lies in a PostgreSQL database, for a person: tables and rows, ledgers, letters.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "runtime/commit/postgres/postgres_domain.h"

namespace piperun::postgres {

struct ListedTable {
  std::string name;  // `orders`, or `schema.orders` outside of the search path
  std::vector<std::string> columns, types;  // types as the server writes them
  std::int64_t rows = 0;  // the server's estimate; counted when it never analysed the table
};

// A value as it is stored.
struct ListedValue {
  enum class Kind : std::uint8_t { Null, Number, Bool, Text, Json, Bytes } kind = Kind::Null;
  std::string text;  // of whatever kind; bytes as they are
};

// What is stored for one unit: `offsets show`, `audit`.
struct UnitLedger {
  std::string pipeline, unit;
  std::vector<commit::Position> positions;
  std::vector<std::pair<std::string, std::int64_t>> sinks;  // rows written per sink
  std::int64_t letters = 0;
};

// Makes nothing and takes no lock that a pipeline waits for.
class Inspector {
 public:
  static base::Result<Inspector> open(PostgresSettings settings);

  base::Result<std::vector<ListedTable>> tables();  // the users', by name
  base::Result<std::vector<std::string>> columns(const std::string& table);  // NoSuchTable
  base::Result<std::int64_t> count(const std::string& table);  // NoSuchTable
  // Rows in the order of their primary key, else as they lie. NoSuchTable.
  base::Result<std::vector<std::vector<ListedValue>>> rows(const std::string& table, std::int64_t limit);
  base::Result<std::vector<UnitLedger>> ledgers();  // empty where nothing of piperun is

  // For letters and offsets of one unit. Takes the connection: the inspector is used up.
  std::unique_ptr<PostgresDomain> domain(std::string pipeline, std::string unit) &&;

 private:
  explicit Inspector(std::unique_ptr<Session> session) : session_(std::move(session)) {}
  std::unique_ptr<Session> session_;
};

}  // namespace piperun::postgres
