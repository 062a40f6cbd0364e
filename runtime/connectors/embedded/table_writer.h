// Writes rows into a table of a database file.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "runtime/connectors/embedded/table_layout.h"
#include "runtime/connectors/sink.h"

namespace piperun::embedded {

struct WriteMode {
  ir::Conflict on_conflict = ir::Conflict::Error;
  int version = -1;  // column: a row is replaced only by one with a greater value; deletes ask nobody
};

// In the open transaction, or one of its own per `write`. A constraint that does not hold: ConstraintViolated with the row's index.
class TableWriter final : public connectors::Sink {
 public:
  // Makes or checks the table. `types` must outlive it. `own`: null, or the connection that `database` refers to.
  static base::Result<std::unique_ptr<TableWriter>> open(Database& database, std::unique_ptr<Database> own,
                                                         const value::TypeTable& types, TableLayout layout, WriteMode mode);

  base::Result<void> write(std::span<const connectors::OutputRow> rows) override;
  base::Result<void> await() override { return {}; }

 private:
  TableWriter(Database& database, std::unique_ptr<Database> own, const value::TypeTable& types, TableLayout layout,
              WriteMode mode);
  std::string insert_text() const;
  std::string version_condition() const;
  void bind(Query& query, int parameter, std::size_t column, const value::Cell* cells);
  base::Result<std::int64_t> write_row(Query& put, Query& remove, const connectors::OutputRow& row);

  std::unique_ptr<Database> own_;
  Database& database_;
  const value::TypeTable& types_;
  TableLayout layout_;
  WriteMode mode_;
  std::string put_, remove_;
  std::vector<std::size_t> offsets_;  // first cell per column
  std::vector<std::string> scratch_;
};

}  // namespace piperun::embedded
