#include "runtime/connectors/embedded/table_layout.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "runtime/connectors/embedded/sql_cells.h"

namespace piperun::embedded {

using base::ErrorCode;
using base::Result;

namespace {

struct StoredColumn {
  std::string name, declared;
  bool demands_value;
};

// SQLite's own rule for what a declared type means (datatype3.html, 3.1). Columns without affinity hold anything.
std::string_view affinity(std::string declared) {
  std::ranges::transform(declared, declared.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  const auto has = [&](std::string_view part) { return declared.find(part) != std::string::npos; };
  if (has("INT")) return "INTEGER";
  if (has("CHAR") || has("CLOB") || has("TEXT")) return "TEXT";
  if (has("BLOB") || declared.empty()) return "BLOB";
  if (has("REAL") || has("FLOA") || has("DOUB")) return "REAL";
  return "NUMERIC";
}

bool holds(const std::string& declared, const value::Type& type) {
  const auto stored = affinity(declared), wanted = column_type(type);
  return stored == wanted || stored == "BLOB" || (stored == "NUMERIC" && wanted == "INTEGER");
}

Result<std::vector<StoredColumn>> stored_columns(Database& database, const std::string& table) {
  Query query = database.query("SELECT name, type, \"notnull\" AND dflt_value IS NULL AND pk = 0 FROM pragma_table_info(?1)");
  query.bind(1, table);
  std::vector<StoredColumn> result;
  for (;;) {
    auto row = query.step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return result;
    result.push_back({query.text(0), query.text(1), query.integer(2) != 0});
  }
}

std::string wanted_list(const value::TypeTable& types, const TableLayout& layout) {
  std::string result;
  for (const TableColumn& column : layout.columns) {
    result += fmt::format("{}{} {} ({})", result.empty() ? "" : ", ", column.name, column_type(types[column.type]),
                          types.name(column.type));
  }
  return result;
}

std::string stored_list(const std::vector<StoredColumn>& columns) {
  std::string result;
  for (const StoredColumn& column : columns)
    result += fmt::format("{}{} {}", result.empty() ? "" : ", ", column.name, column.declared);
  return result;
}

std::unexpected<base::Error> mismatch(Database& database, const value::TypeTable& types, const TableLayout& layout,
                                      const std::vector<StoredColumn>& stored, const std::string& why) {
  return base::failure(ErrorCode::SchemaMismatch,
                       fmt::format("table `{}` in {}: {}\n  needed: {}\n  stored: {}", layout.table, database.path(), why,
                                   wanted_list(types, layout), stored_list(stored)));
}

Result<bool> has_unique_key(Database& database, const TableLayout& layout) {
  std::set<std::string> wanted;
  for (const int column : layout.key) wanted.insert(layout.columns[static_cast<std::size_t>(column)].name);
  std::set<std::string> columns;
  {
    Query primary = database.query("SELECT name FROM pragma_table_info(?1) WHERE pk > 0");
    primary.bind(1, layout.table);
    for (;;) {
      auto row = primary.step();
      if (!row) return std::unexpected(row.error());
      if (!*row) break;
      columns.insert(primary.text(0));
    }
  }
  if (columns == wanted) return true;
  Query query = database.query(
      "SELECT l.name, i.name FROM pragma_index_list(?1) l, pragma_index_info(l.name) i WHERE l.\"unique\" AND NOT l.partial "
      "ORDER BY 1");
  query.bind(1, layout.table);
  std::string index;
  columns.clear();
  for (;;) {
    auto row = query.step();
    if (!row) return std::unexpected(row.error());
    if (!*row || query.bytes(0) != index) {
      if (columns == wanted) return true;
      if (!*row) return false;
      index = query.text(0);
      columns.clear();
    }
    columns.insert(query.text(1));
  }
}

// What a table says of a column that is made: a bool is a 0 or a 1, and whoever looks at the table can see that.
std::string column_words(const value::Type& type, const std::string& name) {
  const std::string check = type.kind == value::TypeKind::Bool ? fmt::format(" CHECK ({} IN (0, 1))", quoted(name)) : "";
  return fmt::format("{} {}{}{}", quoted(name), column_type(type), type.nullable ? "" : " NOT NULL", check);
}

Result<void> create(Database& database, const value::TypeTable& types, const TableLayout& layout) {
  std::string columns;
  for (const TableColumn& column : layout.columns) {
    columns += (columns.empty() ? "" : ", ") + column_words(types[column.type], column.name);
  }
  if (layout.columns.empty()) columns = "\"letter\" TEXT NOT NULL";
  if (!layout.key.empty()) columns += fmt::format(", PRIMARY KEY ({})", key_list(layout));
  return database.execute(fmt::format("CREATE TABLE {} ({}) STRICT", quoted(layout.table), columns));
}

Result<void> add_columns(Database& database, const value::TypeTable& types, const TableLayout& layout,
                         const std::vector<StoredColumn>& stored) {
  for (const TableColumn& column : layout.columns) {
    const value::Type& type = types[column.type];
    if (!type.nullable || std::ranges::find(stored, column.name, &StoredColumn::name) != stored.end()) continue;
    auto added =
        database.execute(fmt::format("ALTER TABLE {} ADD COLUMN {}", quoted(layout.table), column_words(type, column.name)));
    if (!added) return added;
  }
  return {};
}

// Why values of this layout do not fit the columns; "" if they do.
std::string misfit(const value::TypeTable& types, const TableLayout& layout, const std::vector<StoredColumn>& stored) {
  for (const TableColumn& column : layout.columns) {
    const auto found = std::ranges::find(stored, column.name, &StoredColumn::name);
    if (found == stored.end()) return fmt::format("column `{}` is missing", column.name);
    if (!holds(found->declared, types[column.type]))
      return fmt::format("column `{}` is {}, which cannot hold {}", column.name, found->declared, types.name(column.type));
  }
  return {};
}

}  // namespace

Result<bool> table_exists(Database& database, const std::string& table) {
  Query query = database.query("SELECT 1 FROM sqlite_schema WHERE type IN ('table', 'view') AND name = ?1");
  return query.bind(1, table).step();
}

Result<void> make_table(Database& database, const value::TypeTable& types, const TableLayout& layout) {
  if (layout.table.starts_with("piperun_") || layout.table.starts_with("sqlite_")) {
    return base::failure(ErrorCode::SchemaMismatch,
                         fmt::format("a table cannot be called `{}`: this beginning is reserved", layout.table));
  }
  Transaction transaction(database);
  if (auto begun = transaction.begin(); !begun) return begun;
  auto exists = table_exists(database, layout.table);
  if (!exists) return std::unexpected(exists.error());
  if (!*exists) {
    if (auto made = create(database, types, layout); !made) return made;
    return transaction.commit();
  }
  auto stored = stored_columns(database, layout.table);
  if (!stored) return std::unexpected(stored.error());
  if (auto added = add_columns(database, types, layout, *stored); !added) return added;
  auto complete = stored_columns(database, layout.table);
  if (!complete) return std::unexpected(complete.error());
  if (const std::string why = misfit(types, layout, *complete); !why.empty())
    return mismatch(database, types, layout, *stored, why);
  for (const StoredColumn& column : *complete) {
    if (layout.columns.empty() && column.name == "letter") continue;
    if (!column.demands_value || std::ranges::find(layout.columns, column.name, &TableColumn::name) != layout.columns.end())
      continue;
    return mismatch(database, types, layout, *stored, fmt::format("column `{}` demands a value, and none flows in", column.name));
  }
  if (!layout.key.empty()) {
    auto has_key = has_unique_key(database, layout);
    if (!has_key) return std::unexpected(has_key.error());
    if (!*has_key)
      return mismatch(database, types, layout, *stored,
                      fmt::format("there is no unique index on the key ({})", key_list(layout)));
  }
  return transaction.commit();
}

Result<void> check_table(Database& database, const value::TypeTable& types, const TableLayout& layout) {
  auto stored = stored_columns(database, layout.table);
  if (!stored) return std::unexpected(stored.error());
  if (stored->empty())
    return base::failure(
        ErrorCode::NoSuchTable,
        fmt::format(
            "there is no table `{}` in {}; `sample = \"FILE\"` in its declaration makes and fills it under --local, with one "
            "JSON record a line",
            layout.table, database.path()));
  if (const std::string why = misfit(types, layout, *stored); !why.empty())
    return mismatch(database, types, layout, *stored, why);
  return {};
}

std::string key_condition(const TableLayout& layout, int first_parameter) {
  std::string result;
  for (const int column : layout.key) {
    result += fmt::format("{}{} = ?{}", result.empty() ? "" : " AND ",
                          quoted(layout.columns[static_cast<std::size_t>(column)].name), first_parameter++);
  }
  return result;
}

std::string column_list(const TableLayout& layout) {
  std::string result;
  for (const TableColumn& column : layout.columns) result += (result.empty() ? "" : ", ") + quoted(column.name);
  return result;
}

std::string key_list(const TableLayout& layout) {
  std::string result;
  for (const int column : layout.key)
    result += (result.empty() ? "" : ", ") + quoted(layout.columns[static_cast<std::size_t>(column)].name);
  return result;
}

}  // namespace piperun::embedded
