// What a sink or a look-up needs of a table, and what the server says that it is.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lang/ir/program.h"
#include "runtime/commit/postgres/session.h"
#include "runtime/connectors/table_layout.h"

namespace piperun::postgres {

using connectors::layout_of;
using connectors::TableColumn;
using connectors::TableLayout;

// What gives a column its value when the writer gives none.
enum class Filled : std::uint8_t { ByNobody, ByDefault, ByIdentity, ByExpression };

struct StoredColumn {
  std::string name;
  std::string declared;  // as the server writes it: `numeric(12,2)`, `character varying(20)`
  std::string base;  // pg_type.typname, of a domain that of its base: `numeric`, `varchar`
  bool is_enum = false;
  bool demands_value = false;  // NOT NULL, without a default
  bool is_not_null = false;
  Filled filled_by = Filled::ByNobody;
  bool is_computed = false;  // takes no values: GENERATED ALWAYS
  std::optional<int> scale;  // of a numeric that has one
  std::string schema;  // of `base`, quoted
  int modifier = -1;   // pg_attribute.atttypmod, of a domain that of its base; -1: none
  std::string cut_to;  // `base` with its modifier, as the server writes it
  bool is_deterministic = true;  // by its collation strings are equal when their bytes are
};

// How a value of a language type goes into a column and comes back.
enum class Form : std::uint8_t { Plain, Json, Interval, DurationText, DurationNumber };
struct Conversion {
  Wire wire = Wire::Text;
  std::string cast;  // in `CAST(u.c1 AS …)`; "": assignment does it
  Form form = Form::Plain;
};

enum class Use : std::uint8_t { Read, Write };

// nullopt: such values do not fit into such a column without loss; or, to read, are not what lies in it.
std::optional<Conversion> conversion(const value::Type& type, const StoredColumn& column, Use use);

// The type that a column gets that we make.
std::string column_type(const value::Type& type);

struct StoredTable {
  std::string table;  // quoted
  std::vector<StoredColumn> columns;
};

// NoSuchTable; SchemaMismatch for what is no table.
base::Result<StoredTable> describe(Session& session, const std::string& table);
base::Result<bool> table_exists(Session& session, const std::string& table);

// `columns[i]`: how the layout's column i is stored. SchemaMismatch with both lists: a column is missing or does not fit.
base::Result<std::vector<Conversion>> conversions(const Session& session, const value::TypeTable& types,
                                                  const TableLayout& layout, const StoredTable& stored, Use use);

// How a unique index compares a column of its key.
struct KeyCollation {
  std::string column;
  std::string collation;  // quoted, where it is not the column's own; else ""
  bool is_deterministic = true;
};

inline constexpr int kTimeDigits = 6;  // of a second, in a timestamp of the language
// A timestamp of fewer digits of a second than six, or an interval with a precision or fields of its own.
bool rounds_time(const StoredColumn& column);

const StoredColumn* find_column(const StoredTable& stored, const std::string& name);  // null: there is none

// For writing: no column demands a value that nobody gives, none of ours is computed, the key has a unique index, the user may.
// Returns how that index compares, of a column the first entry counts; empty unless `updates`.
base::Result<std::vector<KeyCollation>> check_writable(Session& session, const value::TypeTable& types, const TableLayout& layout,
                                                       const StoredTable& stored, bool updates, bool deletes);

// Makes the table if it is missing; any number of processes may do it at once.
base::Result<void> create_table(Session& session, const value::TypeTable& types, const TableLayout& layout);

std::string column_list(const TableLayout& layout);  // `"a", "b"`
std::string key_list(const TableLayout& layout);

}  // namespace piperun::postgres
