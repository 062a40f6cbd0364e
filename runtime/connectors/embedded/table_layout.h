// What a sink, a table or a sample needs of a database table, and making or checking it.
#pragma once
#include <string>
#include <vector>

#include "lang/ir/program.h"
#include "runtime/commit/embedded/database.h"
#include "runtime/connectors/table_layout.h"

namespace piperun::embedded {

using connectors::layout_of;
using connectors::TableColumn;
using connectors::TableLayout;

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
