#include "runtime/connectors/postgres/inspector.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "runtime/commit/postgres/schema.h"
#include "runtime/connectors/postgres/table_columns.h"

namespace piperun::postgres {

using base::Result;
using connectors::ListedTable;
using connectors::StoredLedger;
using connectors::TableRows;
using connectors::TableValue;

namespace {

constexpr const char* kTables =
    "SELECT CASE WHEN pg_table_is_visible(c.oid) THEN c.relname ELSE n.nspname || '.' || c.relname END AS name, a.attname, "
    "format_type(a.atttypid, a.atttypmod), c.reltuples::int8 FROM pg_catalog.pg_class c "
    "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid "
    "WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname NOT IN ('piperun', 'pg_catalog', 'information_schema') "
    "AND n.nspname !~ '^pg_(toast|temp)' AND a.attnum > 0 AND NOT a.attisdropped ORDER BY 1, c.oid, a.attnum";

constexpr const char* kPrimaryKey =
    "SELECT quote_ident(a.attname) FROM pg_catalog.pg_index i, unnest(i.indkey::int2[]) WITH ORDINALITY k(number, place) "
    "JOIN pg_catalog.pg_attribute a ON a.attnum = k.number WHERE a.attrelid = i.indrelid AND i.indrelid = $1::regclass AND "
    "i.indisprimary "
    "ORDER BY k.place";

TableValue::Kind kind_of(const StoredColumn& column) {
  using Kind = TableValue::Kind;
  constexpr std::array kNumbers = {"int2", "int4", "int8", "float4", "float8", "numeric"};
  if (std::ranges::find(kNumbers, column.base) != kNumbers.end()) return Kind::Number;
  if (column.base == "bool") return Kind::Bool;
  if (column.base == "json" || column.base == "jsonb") return Kind::Json;
  if (column.base == "bytea") return Kind::Bytes;
  return Kind::Text;
}

}  // namespace

Result<Inspector> Inspector::open(PostgresSettings settings) {
  auto session = Session::open(std::move(settings));
  if (!session) return std::unexpected(session.error());
  return Inspector(std::move(*session));
}

Result<std::vector<ListedTable>> Inspector::tables() {
  auto rows = session_->query(kTables);
  if (!rows) return std::unexpected(rows.error());
  std::vector<ListedTable> result;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    if (result.empty() || result.back().name != rows->view(i, 0))
      result.push_back({rows->text(i, 0), {}, {}, rows->integer(i, 3)});
    result.back().columns.push_back(rows->text(i, 1));
    result.back().types.push_back(rows->text(i, 2));
  }
  for (ListedTable& table : result) {
    if (table.rows >= 0) continue;
    auto count = session_->query(fmt::format("SELECT count(*) FROM {}", quoted_table(table.name)));
    if (!count) return std::unexpected(count.error());
    table.rows = count->integer(0, 0);
  }
  return result;
}

Result<std::int64_t> Inspector::count(const std::string& table) {
  auto stored = describe(*session_, table);
  if (!stored) return std::unexpected(stored.error());
  auto rows = session_->query(fmt::format("SELECT count(*) FROM {}", stored->table));
  if (!rows) return std::unexpected(rows.error());
  return rows->integer(0, 0);
}

Result<TableRows> Inspector::rows(const std::string& table, std::int64_t limit) {
  auto stored = describe(*session_, table);
  if (!stored) return std::unexpected(stored.error());
  auto key = session_->query(kPrimaryKey, Parameters().text(stored->table));
  if (!key) return std::unexpected(key.error());
  std::string order, columns;
  for (std::size_t i = 0; i < key->size(); ++i) order += (i == 0 ? " ORDER BY " : ", ") + key->text(i, 0);
  for (const StoredColumn& column : stored->columns) columns += (columns.empty() ? "" : ", ") + quoted(column.name);
  auto found = session_->query(fmt::format("SELECT {} FROM {}{} LIMIT $1::int8", columns, stored->table, order),
                               Parameters().integer(limit));
  if (!found) return std::unexpected(found.error());
  TableRows result;
  for (const StoredColumn& column : stored->columns) result.columns.push_back(column.name);
  for (std::size_t i = 0; i < found->size(); ++i) {
    auto& values = result.rows.emplace_back();
    for (int column = 0; column < found->columns(); ++column) {
      TableValue& value = values.emplace_back();
      if (found->is_null(i, column)) continue;
      value.kind = kind_of(stored->columns[static_cast<std::size_t>(column)]);
      value.text = value.kind == TableValue::Kind::Bytes ? found->bytes(i, column) : found->text(i, column);
      if (value.kind == TableValue::Kind::Bool) value.text = value.text == "t" ? "true" : "false";
    }
  }
  return result;
}

Result<std::vector<StoredLedger>> Inspector::ledgers() {
  auto exists = has_schema(*session_);
  if (!exists) return std::unexpected(exists.error());
  if (!*exists) return std::vector<StoredLedger>{};
  auto units = session_->query(
      "SELECT pipeline, unit FROM piperun.offsets UNION SELECT pipeline, unit FROM piperun.manifests ORDER BY 1, 2");
  if (!units) return std::unexpected(units.error());
  std::vector<StoredLedger> result;
  for (std::size_t i = 0; i < units->size(); ++i) {
    StoredLedger& ledger = result.emplace_back(StoredLedger{units->text(i, 0), units->text(i, 1), {}, {}});
    PostgresDomain asked(std::move(session_), ledger.pipeline, ledger.unit, {});
    auto positions = asked.read_positions(ir::StepMode::Plain);
    auto sinks = asked.rows();
    session_ = std::move(asked).take_session();
    if (!positions) return std::unexpected(positions.error());
    if (!sinks) return std::unexpected(sinks.error());
    ledger.positions = std::move(*positions);
    ledger.sinks = std::move(*sinks);
  }
  return result;
}

std::unique_ptr<PostgresDomain> Inspector::domain(std::string pipeline, std::string unit) && {
  return std::make_unique<PostgresDomain>(std::move(session_), std::move(pipeline), std::move(unit), std::string());
}

}  // namespace piperun::postgres
