#include "runtime/connectors/embedded/table_writer.h"

#include <fmt/core.h>

#include "runtime/connectors/embedded/sql_cells.h"

namespace piperun::embedded {

using base::ErrorCode;
using base::Result;

Result<std::unique_ptr<TableWriter>> TableWriter::open(Database& database, std::unique_ptr<Database> own,
                                                       const value::TypeTable& types, TableLayout layout, WriteMode mode) {
  if (auto made = make_table(database, types, layout); !made) return std::unexpected(made.error());
  return std::unique_ptr<TableWriter>(new TableWriter(database, std::move(own), types, std::move(layout), mode));
}

TableWriter::TableWriter(Database& database, std::unique_ptr<Database> own, const value::TypeTable& types, TableLayout layout,
                         WriteMode mode)
    : own_(std::move(own)), database_(database), types_(types), layout_(std::move(layout)), mode_(mode) {
  put_ = insert_text();
  remove_ =
      layout_.key.empty() ? "SELECT 1" : fmt::format("DELETE FROM {} WHERE {}", quoted(layout_.table), key_condition(layout_, 1));
  std::size_t offset = 0;
  for (const TableColumn& column : layout_.columns) {
    offsets_.push_back(offset);
    offset += static_cast<std::size_t>(value::cells(types_[column.type]));
  }
  scratch_.resize(layout_.columns.size());
}

std::string TableWriter::insert_text() const {
  if (layout_.columns.empty()) return fmt::format("INSERT INTO {} (letter) VALUES (?1)", quoted(layout_.table));
  std::string places, sets;
  for (std::size_t i = 0; i < layout_.columns.size(); ++i) {
    const std::string name = quoted(layout_.columns[i].name);
    places += fmt::format("{}?{}", i == 0 ? "" : ", ", i + 1);
    sets += fmt::format("{}{} = excluded.{}", i == 0 ? "" : ", ", name, name);
  }
  const std::string insert =
      fmt::format("INSERT INTO {} AS t ({}) VALUES ({})", quoted(layout_.table), column_list(layout_), places);
  if (layout_.key.empty()) return insert;
  switch (mode_.on_conflict) {
    case ir::Conflict::Error: return insert;
    case ir::Conflict::Ignore: return fmt::format("{} ON CONFLICT ({}) DO NOTHING", insert, key_list(layout_));
    case ir::Conflict::Update:
      return fmt::format("{} ON CONFLICT ({}) DO UPDATE SET {}{}", insert, key_list(layout_), sets, version_condition());
  }
  return insert;
}

// Stored texts do not all sort like their values: a timestamp's fraction is compared before its `Z`, decimals by a function.
std::string TableWriter::version_condition() const {
  if (mode_.version < 0) return {};
  const TableColumn& column = layout_.columns[static_cast<std::size_t>(mode_.version)];
  const std::string name = quoted(column.name);
  const value::TypeKind kind = types_[column.type].kind;
  std::string compared = fmt::format("excluded.{0} > t.{0}", name);
  if (kind == value::TypeKind::Timestamp) compared = fmt::format("rtrim(excluded.{0}, 'Z') > rtrim(t.{0}, 'Z')", name);
  if (kind == value::TypeKind::Decimal) compared = fmt::format("piperun_decimal_order(excluded.{0}, t.{0}) > 0", name);
  return fmt::format(" WHERE t.{} IS NULL OR {}", name, compared);
}

void TableWriter::bind(Query& query, int parameter, std::size_t column, const value::Cell* cells) {
  bind_cell(query, parameter, types_, layout_.columns[column].type, cells + offsets_[column], scratch_[column]);
}

Result<std::int64_t> TableWriter::write_row(Query& put, Query& remove, const connectors::OutputRow& row) {
  if (row.remove) {
    int parameter = 1;
    for (const int column : layout_.key) bind(remove, parameter++, static_cast<std::size_t>(column), row.cells);
    return remove.run();
  }
  if (layout_.columns.empty()) return put.bind(1, row.encoded.value_or("")).run();
  for (std::size_t i = 0; i < layout_.columns.size(); ++i) bind(put, static_cast<int>(i) + 1, i, row.cells);
  return put.run();
}

Result<void> TableWriter::write(std::span<const connectors::OutputRow> rows) {
  Transaction transaction(database_);
  if (auto begun = transaction.begin(); !begun) return begun;
  {
    Query put = database_.query(put_), remove = database_.query(remove_);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      auto done = write_row(put, remove, rows[i]);
      if (done) continue;
      base::Error error = std::move(done.error());
      if (base::traits(error.code).error_class == base::ErrorClass::Data) error.row = static_cast<std::int64_t>(i);
      return std::unexpected(std::move(error));
    }
  }
  return transaction.commit();
}

}  // namespace piperun::embedded
