#include "runtime/connectors/postgres/table_columns.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <set>

#include "runtime/commit/postgres/schema.h"

namespace piperun::postgres {

using base::ErrorCode;
using base::Result;
using value::TypeKind;

namespace {

// The first that fits. `cast` where the server does not convert by assignment; "*" is the column's own type.
struct Storage {
  TypeKind kind;
  std::string_view base;
  Wire wire;
  std::string_view cast;
  Form form;
};

constexpr std::array kStorages = {
    Storage{TypeKind::Bool, "bool", Wire::Bool, "", Form::Plain},
    Storage{TypeKind::Int, "int8", Wire::Integer, "", Form::Plain},
    Storage{TypeKind::Int, "int4", Wire::Integer, "", Form::Plain},
    Storage{TypeKind::Int, "int2", Wire::Integer, "", Form::Plain},
    Storage{TypeKind::Int, "numeric", Wire::Integer, "", Form::Plain},
    Storage{TypeKind::Float, "float8", Wire::Real, "", Form::Plain},
    Storage{TypeKind::Decimal, "numeric", Wire::Text, "numeric", Form::Plain},
    Storage{TypeKind::String, "text", Wire::Text, "", Form::Plain},
    Storage{TypeKind::String, "varchar", Wire::Text, "", Form::Plain},
    Storage{TypeKind::String, "bpchar", Wire::Text, "", Form::Plain},
    Storage{TypeKind::String, "citext", Wire::Text, "", Form::Plain},
    Storage{TypeKind::String, "uuid", Wire::Text, "*", Form::Plain},
    Storage{TypeKind::String, "jsonb", Wire::Text, "*", Form::Plain},
    Storage{TypeKind::String, "json", Wire::Text, "*", Form::Plain},
    Storage{TypeKind::String, "xml", Wire::Text, "*", Form::Plain},
    Storage{TypeKind::String, "inet", Wire::Text, "*", Form::Plain},
    Storage{TypeKind::String, "cidr", Wire::Text, "*", Form::Plain},
    Storage{TypeKind::String, "macaddr", Wire::Text, "*", Form::Plain},
    Storage{TypeKind::Bytes, "bytea", Wire::Bytes, "", Form::Plain},
    Storage{TypeKind::Timestamp, "timestamptz", Wire::Timestamp, "", Form::Plain},
    Storage{TypeKind::Timestamp, "timestamp", Wire::Timestamp, "", Form::Plain},
    Storage{TypeKind::Duration, "interval", Wire::Text, "*", Form::Interval},
    Storage{TypeKind::Duration, "int8", Wire::Integer, "", Form::DurationNumber},
    Storage{TypeKind::Duration, "text", Wire::Text, "", Form::DurationText},
    Storage{TypeKind::Enum, "text", Wire::Text, "", Form::Plain},
    Storage{TypeKind::Enum, "varchar", Wire::Text, "", Form::Plain},
    Storage{TypeKind::Enum, "bpchar", Wire::Text, "", Form::Plain},
    Storage{TypeKind::Enum, "citext", Wire::Text, "", Form::Plain},
    Storage{TypeKind::Json, "jsonb", Wire::Text, "*", Form::Json},
    Storage{TypeKind::Json, "json", Wire::Text, "*", Form::Json},
    Storage{TypeKind::Json, "text", Wire::Text, "", Form::Json},
};

std::string wanted_list(const value::TypeTable& types, const TableLayout& layout) {
  std::string result;
  for (const TableColumn& column : layout.columns) {
    result += fmt::format("{}{} {} ({})", result.empty() ? "" : ", ", column.name, column_type(types[column.type]),
                          types.name(column.type));
  }
  return layout.columns.empty() ? "letter text" : result;
}

std::string stored_list(const std::vector<StoredColumn>& columns) {
  std::string result;
  for (const StoredColumn& column : columns)
    result += fmt::format("{}{} {}", result.empty() ? "" : ", ", column.name, column.declared);
  return result;
}

std::unexpected<base::Error> mismatch(const Session& session, const value::TypeTable& types, const TableLayout& layout,
                                      const StoredTable& stored, const std::string& why) {
  return base::failure(ErrorCode::SchemaMismatch,
                       fmt::format("table `{}` of {}: {}\n  needed: {}\n  stored: {}", layout.table, session.address(), why,
                                   wanted_list(types, layout), stored_list(stored.columns)));
}

std::string nearest(const StoredTable& stored, const std::string& name) {
  const auto lower = [](std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
  };
  for (const StoredColumn& column : stored.columns) {
    if (lower(column.name) == lower(name))
      return fmt::format("; there is `{}`: names are compared letter by letter", column.name);
  }
  return {};
}

// The one of Filled as its number.
constexpr const char* kColumns =
    "SELECT a.attname, format_type(a.atttypid, a.atttypmod), b.typname, b.typtype = 'e', "
    "a.attnotnull OR t.typnotnull, CASE WHEN a.attgenerated <> '' THEN 3 WHEN a.attidentity <> '' THEN 2 "
    "WHEN a.atthasdef OR t.typdefault IS NOT NULL THEN 1 ELSE 0 END::int8, "
    "a.attgenerated <> '' OR a.attidentity = 'a', "
    "CASE WHEN b.typname = 'numeric' AND m.typmod >= 4 THEN (((m.typmod - 4) & 2047) # 1024) - 1024 END, "
    "quote_ident(s.nspname), m.typmod::int8, format_type(b.oid, m.typmod), coalesce(l.collisdeterministic, true) "
    "FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid "
    "JOIN pg_catalog.pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END "
    "JOIN pg_catalog.pg_namespace s ON s.oid = b.typnamespace LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation, "
    "LATERAL (SELECT CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END) m(typmod) "
    "WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";

// Only an index whose uniqueness is checked at once, over all rows, serves ON CONFLICT. Several may serve: the one that takes most for one
// comes first.
constexpr const char* kUniqueKey =
    "SELECT a.attname, CASE WHEN k.coll <> a.attcollation THEN quote_ident(n.nspname) || '.' || quote_ident(l.collname) ELSE '' "
    "END, coalesce(l.collisdeterministic, true) FROM pg_catalog.pg_index i CROSS JOIN LATERAL unnest(i.indkey::int2[], "
    "i.indcollation::oid[]) WITH ORDINALITY k(num, coll, place) JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND "
    "a.attnum = k.num LEFT JOIN pg_catalog.pg_collation l ON l.oid = k.coll LEFT JOIN pg_catalog.pg_namespace n ON n.oid = "
    "l.collnamespace WHERE i.indrelid = $1::regclass AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL "
    "AND i.indexprs IS NULL AND k.place <= i.indnkeyatts AND array_to_string(ARRAY(SELECT b.attname FROM "
    "pg_catalog.pg_attribute b WHERE b.attrelid = i.indrelid AND b.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1]) "
    "ORDER BY b.attname), E'\\x01') = $2 ORDER BY 3";

// Of the indexes over the key that serve ON CONFLICT; of a column the first counts. Empty: there is none.
Result<std::vector<KeyCollation>> unique_key(Session& session, const TableLayout& layout, const StoredTable& stored) {
  std::set<std::string> names;
  for (const int column : layout.key) names.insert(layout.columns[static_cast<std::size_t>(column)].name);
  std::string wanted;
  for (const std::string& name : names) wanted += (wanted.empty() ? "" : "\x01") + name;
  auto found = session.query(kUniqueKey, Parameters().text(stored.table).text(wanted));
  if (!found) return std::unexpected(found.error());
  std::vector<KeyCollation> result;
  for (std::size_t i = 0; i < found->size(); ++i) result.push_back({found->text(i, 0), found->text(i, 1), found->boolean(i, 2)});
  return result;
}

Result<void> check_privileges(Session& session, const TableLayout& layout, const StoredTable& stored, bool updates,
                              bool deletes) {
  auto may = session.query(
      "SELECT current_user, has_table_privilege($1::regclass, 'INSERT') OR has_any_column_privilege($1::regclass, 'INSERT'), "
      "has_table_privilege($1::regclass, 'SELECT'), has_table_privilege($1::regclass, 'UPDATE') OR "
      "has_any_column_privilege($1::regclass, 'UPDATE'), has_table_privilege($1::regclass, 'DELETE')",
      Parameters().text(stored.table));
  if (!may) return std::unexpected(may.error());
  std::string missing;
  const auto need = [&](bool is_needed, int column, const char* name) {
    if (is_needed && !may->boolean(0, column)) missing += std::string(missing.empty() ? "" : ", ") + name;
  };
  need(true, 1, "INSERT");
  need(updates || deletes, 2, "SELECT");
  need(updates, 3, "UPDATE");
  need(deletes, 4, "DELETE");
  if (missing.empty()) return {};
  return base::failure(ErrorCode::CannotOpen,
                       fmt::format("table `{}` of {}: the user may not write as this sink does; `GRANT {} ON {} TO {}`",
                                   layout.table, session.address(), missing, stored.table, quoted(may->text(0, 0))));
}

}  // namespace

bool rounds_time(const StoredColumn& column) {
  if (column.base == "interval") return column.modifier >= 0;
  return column.base.starts_with("timestamp") && column.modifier >= 0 && column.modifier < kTimeDigits;
}

const StoredColumn* find_column(const StoredTable& stored, const std::string& name) {
  const auto found = std::ranges::find(stored.columns, name, &StoredColumn::name);
  return found == stored.columns.end() ? nullptr : &*found;
}

std::optional<Conversion> conversion(const value::Type& type, const StoredColumn& column, Use use) {
  const bool is_nested = type.kind == TypeKind::List || type.kind == TypeKind::Map || type.kind == TypeKind::Record;
  const TypeKind kind = is_nested ? TypeKind::Json : type.kind;
  if (column.is_enum) {
    if (kind != TypeKind::Enum && kind != TypeKind::String) return std::nullopt;
    return Conversion{Wire::Text, column.declared, Form::Plain};
  }
  if (kind == TypeKind::Decimal && type.scale == 0 && column.base.starts_with("int") && column.base != "interval")
    return Conversion{Wire::Text, "numeric", Form::Plain};
  if (use == Use::Write && kind == TypeKind::Decimal && column.scale && *column.scale < type.scale)
    return std::nullopt;  // it would be rounded
  if (use == Use::Write && kind == TypeKind::Int && column.scale && *column.scale < 0) return std::nullopt;
  if (use == Use::Read && kind == TypeKind::Float && column.base == "float4") return Conversion{Wire::Real, "", Form::Plain};
  const auto found = std::ranges::find_if(
      kStorages, [&](const Storage& storage) { return storage.kind == kind && storage.base == column.base; });
  if (found == kStorages.end()) return std::nullopt;
  return Conversion{found->wire, std::string(found->cast == "*" ? std::string_view(column.base) : found->cast), found->form};
}

std::string column_type(const value::Type& type) {
  switch (type.kind) {
    case TypeKind::Bool: return "boolean";
    case TypeKind::Int: return "bigint";
    case TypeKind::Float: return "double precision";
    case TypeKind::Bytes: return "bytea";
    case TypeKind::Decimal: return fmt::format("numeric({}, {})", type.precision, type.scale);
    case TypeKind::Timestamp: return "timestamptz";
    case TypeKind::Duration: return "interval";
    case TypeKind::Error:
    case TypeKind::Never:
    case TypeKind::Null:
    case TypeKind::String:
    case TypeKind::Enum: return "text";
    case TypeKind::List:
    case TypeKind::Map:
    case TypeKind::Record:
    case TypeKind::Json: return "jsonb";
  }
  return "text";
}

Result<bool> table_exists(Session& session, const std::string& table) {
  auto exists = session.query("SELECT to_regclass($1) IS NOT NULL", Parameters().text(quoted_table(table)));
  if (!exists) return std::unexpected(exists.error());
  return exists->boolean(0, 0);
}

Result<StoredTable> describe(Session& session, const std::string& table) {
  StoredTable result{quoted_table(table), {}};
  auto found = session.query(
      "SELECT c.oid, c.relkind, n.nspname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = "
      "c.relnamespace WHERE c.oid = to_regclass($1)",
      Parameters().text(result.table));
  if (!found) return std::unexpected(found.error());
  if (found->size() == 0) {
    const auto hidden = session.query("SELECT to_regclass($1) IS NOT NULL", Parameters().text("piperun." + result.table));
    const bool is_hidden = hidden && hidden->boolean(0, 0);
    return base::failure(
        ErrorCode::NoSuchTable,
        fmt::format("there is no table `{}` in {}{}", table, session.address(),
                    is_hidden ? "; there is one in the schema `piperun`, which is not for programs: to a user of "
                                "that name, psql makes tables there unless they are called `public.…`"
                              : ""));
  }
  if (found->view(0, 2) == "piperun")
    return base::failure(ErrorCode::SchemaMismatch,
                         fmt::format("the tables of the schema `piperun` are not for programs: `{}`", table));
  const std::string kind = found->text(0, 1);
  if (!std::string_view("rpvmf").contains(kind))
    return base::failure(ErrorCode::SchemaMismatch, fmt::format("`{}` in {} is no table", table, session.address()));
  auto columns = session.query(kColumns, Parameters().text(found->view(0, 0)));
  if (!columns) return std::unexpected(columns.error());
  for (std::size_t i = 0; i < columns->size(); ++i) {
    StoredColumn& column = result.columns.emplace_back();
    column.name = columns->text(i, 0);
    column.declared = columns->text(i, 1);
    column.base = columns->text(i, 2);
    column.is_enum = columns->boolean(i, 3);
    column.is_not_null = columns->boolean(i, 4);
    column.filled_by = static_cast<Filled>(columns->integer(i, 5));
    column.demands_value = column.is_not_null && column.filled_by == Filled::ByNobody;
    column.is_computed = columns->boolean(i, 6);
    if (!columns->is_null(i, 7)) column.scale = static_cast<int>(columns->integer(i, 7));
    column.schema = columns->text(i, 8);
    column.modifier = static_cast<int>(columns->integer(i, 9));
    column.cut_to = columns->text(i, 10);
    column.is_deterministic = columns->boolean(i, 11);
  }
  return result;
}

Result<std::vector<Conversion>> conversions(const Session& session, const value::TypeTable& types, const TableLayout& layout,
                                            const StoredTable& stored, Use use) {
  std::vector<Conversion> result;
  if (layout.columns.empty()) {
    const StoredColumn* letter = find_column(stored, "letter");
    auto how = letter == nullptr ? std::nullopt : conversion({.kind = TypeKind::Json}, *letter, use);
    if (!how) return mismatch(session, types, layout, stored, "dead letters need a column `letter` of type text or jsonb");
    result.push_back(*how);
  }
  for (const TableColumn& column : layout.columns) {
    const StoredColumn* found = find_column(stored, column.name);
    if (found == nullptr)
      return mismatch(session, types, layout, stored,
                      fmt::format("column `{}` is missing{}", column.name, nearest(stored, column.name)));
    auto how = conversion(types[column.type], *found, use);
    if (!how) {
      return mismatch(
          session, types, layout, stored,
          fmt::format("column `{}` is {}, which cannot hold {}", column.name, found->declared, types.name(column.type)));
    }
    result.push_back(std::move(*how));
  }
  return result;
}

Result<std::vector<KeyCollation>> check_writable(Session& session, const value::TypeTable& types, const TableLayout& layout,
                                                 const StoredTable& stored, bool updates, bool deletes) {
  auto kind = session.query("SELECT relkind FROM pg_catalog.pg_class WHERE oid = $1::regclass", Parameters().text(stored.table));
  if (!kind) return std::unexpected(kind.error());
  if (kind->view(0, 0) == "f" || kind->view(0, 0) == "m")
    return mismatch(session, types, layout, stored,
                    "it is a foreign table or materialized view, whose rows no commit here covers");
  for (const StoredColumn& column : stored.columns) {
    const bool is_given = layout.columns.empty()
                              ? column.name == "letter"
                              : std::ranges::find(layout.columns, column.name, &TableColumn::name) != layout.columns.end();
    if (is_given && column.is_computed)
      return mismatch(session, types, layout, stored,
                      fmt::format("column `{}` takes no values: it is GENERATED ALWAYS", column.name));
    if (!is_given && column.demands_value)
      return mismatch(session, types, layout, stored, fmt::format("column `{}` demands a value, and none flows in", column.name));
  }
  std::vector<KeyCollation> index;
  if (!layout.key.empty() && updates) {
    auto found = unique_key(session, layout, stored);
    if (!found) return std::unexpected(found.error());
    if (found->empty()) {
      return mismatch(
          session, types, layout, stored,
          fmt::format("there is no unique index on the key; `CREATE UNIQUE INDEX ON {} ({})`", stored.table, key_list(layout)));
    }
    index = std::move(*found);
  }
  if (auto may = check_privileges(session, layout, stored, updates, deletes); !may) return std::unexpected(may.error());
  return index;
}

Result<void> create_table(Session& session, const value::TypeTable& types, const TableLayout& layout) {
  auto exists = table_exists(session, layout.table);
  if (!exists) return std::unexpected(exists.error());
  if (*exists) return {};
  std::string columns;
  for (std::size_t i = 0; i < layout.columns.size(); ++i) {
    const value::Type& type = types[layout.columns[i].type];
    const bool is_key = std::ranges::find(layout.key, static_cast<int>(i)) != layout.key.end();
    columns += fmt::format("{}{} {}{}", columns.empty() ? "" : ", ", quoted(layout.columns[i].name), column_type(type),
                           type.nullable && !is_key ? "" : " NOT NULL");
  }
  if (layout.columns.empty()) columns = "letter jsonb NOT NULL";
  if (!layout.key.empty()) columns += fmt::format(", PRIMARY KEY ({})", key_list(layout));
  Transaction transaction(session);
  if (auto begun = transaction.begin(); !begun) return begun;
  auto locked = session.query("SELECT pg_advisory_xact_lock($1)", Parameters().integer(kCreationLock));
  if (!locked) return std::unexpected(locked.error());
  auto made = session.execute(fmt::format("CREATE TABLE IF NOT EXISTS {} ({})", quoted_table(layout.table), columns));
  if (!made) return made;
  return transaction.commit();
}

std::string column_list(const TableLayout& layout) {
  std::string result;
  for (const TableColumn& column : layout.columns) result += (result.empty() ? "" : ", ") + quoted(column.name);
  return result.empty() ? "letter" : result;
}

std::string key_list(const TableLayout& layout) {
  std::string result;
  for (const int column : layout.key)
    result += (result.empty() ? "" : ", ") + quoted(layout.columns[static_cast<std::size_t>(column)].name);
  return result;
}

}  // namespace piperun::postgres
