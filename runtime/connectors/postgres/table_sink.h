// Writes rows into a table of a PostgreSQL database.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "runtime/commit/postgres/postgres_domain.h"
#include "runtime/connectors/postgres/key_column.h"
#include "runtime/connectors/postgres/table_columns.h"
#include "runtime/connectors/sink.h"

namespace piperun::postgres {

struct WriteMode {
  ir::Conflict on_conflict = ir::Conflict::Error;
  int version = -1;  // column: a row is replaced only by one with a greater value; deletes ask nobody
  bool deletes = false;  // rows may be deletes
  bool create = false;  // makes the table if it is missing
};
WriteMode write_mode(const ir::Sink& sink);

// In the session's open transaction, or one of its own per `write`. A Data error names the row where the server does (COPY, one row) or
// where it is found here. Up to kMostAtOnce rows go as one statement over arrays; more, where no conflict is to be looked at, as COPY.
class TableSink final : public connectors::Sink {
 public:
  static constexpr std::size_t kMostAtOnce = 2'000;

  // Makes or checks the table: SchemaMismatch, NoSuchTable, CannotOpen. `types` must outlive it. `own`: null, or the session that
  // `session` refers to.
  static base::Result<std::unique_ptr<connectors::Sink>> open(Session& session, std::unique_ptr<Session> own,
                                                              const value::TypeTable& types, TableLayout layout, WriteMode mode);
  // Of a program: through `domain` if the sink is in its system, else (null) over a connection of its own.
  static base::Result<std::unique_ptr<connectors::Sink>> open(const ir::Program& program, const ir::Sink& sink,
                                                              PostgresDomain* domain, PostgresSettings settings);

  base::Result<void> write(std::span<const connectors::OutputRow> rows) override;
  base::Result<void> await() override { return {}; }
  base::Result<void> reach() override;

 private:
  struct Column {
    std::string name;  // quoted
    value::TypeId type;
    Conversion how;
    std::size_t cell;  // first cell in a row
  };
  using Rows = std::span<const connectors::OutputRow>;
  using Indices = std::span<const std::size_t>;

  TableSink(Session& session, std::unique_ptr<Session> own, const value::TypeTable& types, TableLayout layout, WriteMode mode,
            const StoredTable& stored, const std::vector<Conversion>& how, const std::vector<KeyCollation>& index);
  std::string insert_text() const;
  std::string conflict_clause() const;
  std::string version_condition() const;
  std::string remove_text() const;
  std::string arrays_text(const std::vector<std::size_t>& columns) const;
  base::Result<void> check_version(const StoredTable& stored) const;
  base::Result<void> look_for_policies();

  std::string key_of(const connectors::OutputRow& row);
  bool is_newer(const connectors::OutputRow& row, const connectors::OutputRow& than) const;
  bool updates() const { return !key_.empty() && mode_.on_conflict == ir::Conflict::Update; }
  base::Result<void> write_last_of_each_key(Rows rows, std::size_t begin, std::size_t end);
  base::Result<void> write_in_order(Rows rows);
  base::Result<void> put(Rows rows, Indices chosen);
  base::Result<void> remove(Rows rows, Indices chosen);
  base::Result<void> copy(Rows rows, Indices chosen);
  base::Result<void> run(const std::string& sql, const std::vector<std::size_t>& columns, Rows rows, Indices chosen);
  base::Error refused(base::Error error, Indices chosen) const;

  std::unique_ptr<Session> own_;
  Session& session_;
  const value::TypeTable& types_;
  TableLayout layout_;
  WriteMode mode_;
  bool has_policies_ = false;  // row-level security, for who writes here
  std::string table_;  // quoted
  std::vector<Column> columns_;
  std::vector<std::size_t> all_, key_;  // indices into columns_
  std::vector<KeyColumn> key_columns_;  // of key_
  std::string folded_;
  std::string insert_, remove_;
  std::vector<Array> arrays_;  // one per column, kept for their memory
  std::vector<std::string> scratch_;
};

}  // namespace piperun::postgres
