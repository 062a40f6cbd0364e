// What a sink, a table or a sample needs of a database table, and making or checking it.
#pragma once
#include <string>
#include <vector>

#include "lang/ir/program.h"
#include "runtime/commit/embedded/database.h"

namespace piperun::embedded {

struct TableColumn {
  std::string name;
  value::TypeId type;
};

struct TableLayout {
  std::string table;
  std::vector<TableColumn> columns;  // empty: dead letters, which are one JSON text in the column `letter`
  std::vector<int> key;  // columns; empty: none
};

TableLayout layout_of(const ir::Sink& sink);
TableLayout layout_of(const ir::Program& program, const ir::Table& table);  // columns are called as the data calls the fields

base::Result<bool> table_exists(Database& database, const std::string& table);

// Makes the table if it is missing, and adds nullable columns that it lacks. SchemaMismatch, with both lists, if rows of this layout
// cannot be written: a column is missing, has another type, or demands a value nobody gives; or the key has no unique index.
base::Result<void> make_table(Database& database, const value::TypeTable& types, const TableLayout& layout);

// For reading: all columns are there. NoSuchTable, SchemaMismatch.
base::Result<void> check_table(Database& database, const value::TypeTable& types, const TableLayout& layout);

// `a = ?3 AND b = ?4` for the key columns in their order.
std::string key_condition(const TableLayout& layout, int first_parameter);

// `"a", "b"`: all columns, or those of the key.
std::string column_list(const TableLayout& layout);
std::string key_list(const TableLayout& layout);

}  // namespace piperun::embedded
