#include "runtime/connectors/postgres/table_sink.h"

#include <fmt/core.h>

#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "lang/value/compare.h"
#include "lang/value/key.h"
#include "runtime/connectors/postgres/column_cells.h"

namespace piperun::postgres {

using base::ErrorCode;
using base::Result;
using connectors::OutputRow;
using value::TypeKind;

WriteMode write_mode(const ir::Sink& sink) {
  const auto create = sink.options.find("create");
  return {sink.on_conflict, sink.version, sink.is_keyed, create != sink.options.end() && create->second == "true"};
}

Result<std::unique_ptr<connectors::Sink>> TableSink::open(const ir::Program& program, const ir::Sink& sink,
                                                          PostgresDomain* domain, PostgresSettings settings) {
  if (domain != nullptr) return open(domain->session(), nullptr, program.types, layout_of(sink), write_mode(sink));
  if (settings.purpose.empty()) settings.purpose = sink.name;
  auto own = Session::open(std::move(settings));
  if (!own) return std::unexpected(own.error());
  Session& session = **own;
  return open(session, std::move(*own), program.types, layout_of(sink), write_mode(sink));
}

Result<std::unique_ptr<connectors::Sink>> TableSink::open(Session& session, std::unique_ptr<Session> own,
                                                          const value::TypeTable& types, TableLayout layout, WriteMode mode) {
  if (mode.create) {
    if (auto made = create_table(session, types, layout); !made) return std::unexpected(made.error());
  }
  auto stored = describe(session, layout.table);
  if (!stored && stored.error().code == ErrorCode::NoSuchTable) {
    stored.error().message += "; `create = true` lets the sink make it";
  }
  if (!stored) return std::unexpected(stored.error());
  auto how = conversions(session, types, layout, *stored, Use::Write);
  if (!how) return std::unexpected(how.error());
  const bool looks_at_keys = !layout.key.empty() && mode.on_conflict != ir::Conflict::Error;
  auto index = check_writable(session, types, layout, *stored, looks_at_keys, mode.deletes && !layout.key.empty());
  if (!index) return std::unexpected(index.error());
  auto sink =
      std::unique_ptr<TableSink>(new TableSink(session, std::move(own), types, std::move(layout), mode, *stored, *how, *index));
  if (auto checked = sink->check_version(*stored); !checked) return std::unexpected(checked.error());
  if (auto looked = sink->look_for_policies(); !looked) return std::unexpected(looked.error());
  return sink;
}

TableSink::TableSink(Session& session, std::unique_ptr<Session> own, const value::TypeTable& types, TableLayout layout,
                     WriteMode mode, const StoredTable& stored, const std::vector<Conversion>& how,
                     const std::vector<KeyCollation>& index)
    : own_(std::move(own)), session_(session), types_(types), layout_(std::move(layout)), mode_(mode), table_(stored.table) {
  std::size_t cell = 0;
  for (std::size_t i = 0; i < layout_.columns.size(); ++i) {
    const TableColumn& column = layout_.columns[i];
    columns_.push_back({quoted(column.name), column.type, how[i], cell});
    cell += static_cast<std::size_t>(value::cells(types_[column.type]));
  }
  if (columns_.empty()) columns_.push_back({"letter", {}, how[0], 0});
  all_.resize(columns_.size());
  std::iota(all_.begin(), all_.end(), std::size_t{0});
  for (const int column : layout_.key) key_.push_back(static_cast<std::size_t>(column));
  for (const std::size_t column : key_) {
    const TableColumn& declared = layout_.columns[column];
    const auto compared = std::ranges::find(index, declared.name, &KeyCollation::column);
    key_columns_.emplace_back(*find_column(stored, declared.name), how[column], types_[declared.type], column,
                              compared == index.end() ? nullptr : &*compared);
  }
  for (const Column& column : columns_) arrays_.emplace_back(column.how.wire);
  scratch_.resize(columns_.size());
  insert_ = insert_text();
  remove_ = remove_text();
}

// ---- Statements

namespace {

std::string cast(const std::string& text, const Conversion& how) {
  return how.cast.empty() ? text : fmt::format("CAST({} AS {})", text, how.cast);
}

}  // namespace

// `unnest($1::int8[], $2::text[]) AS u(c0, c1)`: numbered as the columns, for two arrays may stand for the same.
std::string TableSink::arrays_text(const std::vector<std::size_t>& columns) const {
  std::string arrays, names;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    arrays += fmt::format("{}${}::{}[]", i == 0 ? "" : ", ", i + 1, sql_type(columns_[columns[i]].how.wire));
    names += fmt::format("{}c{}", i == 0 ? "" : ", ", columns[i]);
  }
  return fmt::format("unnest({}) AS u({})", arrays, names);
}

std::string TableSink::insert_text() const {
  std::string values;
  for (std::size_t i = 0; i < columns_.size(); ++i)
    values += (i == 0 ? "" : ", ") + cast(fmt::format("u.c{}", i), columns_[i].how);
  return fmt::format("INSERT INTO {} AS t ({}) SELECT {} FROM {}{}", table_, column_list(layout_), values, arrays_text(all_),
                     conflict_clause());
}

std::string TableSink::conflict_clause() const {
  if (key_.empty()) return {};
  std::string sets;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (std::ranges::find(key_, i) != key_.end()) continue;  // an unchanged key keeps its index entries
    sets += fmt::format("{}{} = excluded.{}", sets.empty() ? "" : ", ", columns_[i].name, columns_[i].name);
  }
  const std::string ignore = fmt::format(" ON CONFLICT ({}) DO NOTHING", key_list(layout_));
  switch (mode_.on_conflict) {
    case ir::Conflict::Error: return {};
    case ir::Conflict::Ignore: return ignore;
    case ir::Conflict::Update: break;
  }
  if (sets.empty()) return ignore;
  return fmt::format(" ON CONFLICT ({}) DO UPDATE SET {}{}", key_list(layout_), sets, version_condition());
}

// As values are ordered here: strings by their bytes, enums as they are declared.
std::string TableSink::version_condition() const {
  if (mode_.version < 0) return {};
  const Column& column = columns_[static_cast<std::size_t>(mode_.version)];
  const value::Type& type = types_[column.type];
  std::string compared = fmt::format("excluded.{0} > t.{0}", column.name);
  if (type.kind == TypeKind::String && column.how.cast.empty())
    compared = fmt::format("excluded.{0}::text COLLATE \"C\" > t.{0}::text COLLATE \"C\"", column.name);
  if (type.kind == TypeKind::Enum) {
    std::string names;
    for (const std::string& name : type.values) {
      std::string literal = name;
      for (std::size_t i = 0; (i = literal.find('\'', i)) != std::string::npos; i += 2) literal.insert(i, 1, '\'');
      names += fmt::format("{}'{}'", names.empty() ? "" : ", ", literal);
    }
    compared = fmt::format(
        "array_position(ARRAY[{1}]::text[], excluded.{0}::text) > coalesce(array_position(ARRAY[{1}]::text[], "
        "t.{0}::text), 0)",
        column.name, names);
  }
  return fmt::format(" WHERE t.{} IS NULL OR {}", column.name, compared);
}

Result<void> TableSink::check_version(const StoredTable& stored) const {
  if (mode_.version < 0) return {};
  const Column& version = columns_[static_cast<std::size_t>(mode_.version)];
  const StoredColumn& column = *find_column(stored, layout_.columns[static_cast<std::size_t>(mode_.version)].name);
  const auto refuse = [&](std::string_view why) {
    return base::failure(ErrorCode::SchemaMismatch, fmt::format("table `{}` of {}: column `{}` is the version, and {}",
                                                                layout_.table, session_.address(), column.name, why));
  };
  if (version.how.form == Form::DurationText) return refuse("durations as text have no order: make it interval");
  if (rounds_time(column))
    return refuse(fmt::format("{} rounds, so that a newer row may not be seen as one: leave the digits out", column.declared));
  return {};
}

std::string TableSink::remove_text() const {
  std::string condition;
  for (const KeyColumn& column : key_columns_) condition += (condition.empty() ? "" : " AND ") + column.condition();
  return key_.empty() ? "" : fmt::format("DELETE FROM {} AS t USING {} WHERE {}", table_, arrays_text(key_), condition);
}

// ---- Rows

std::string TableSink::key_of(const OutputRow& row) {
  std::string key;
  for (std::size_t i = 0; i < key_.size(); ++i) {
    const Column& column = columns_[key_[i]];
    const value::Cell* cell = row.cells + column.cell;
    if (!key_columns_[i].folds()) {
      value::encode_key(types_, column.type, cell, key);
      continue;
    }
    const value::Cell folded = key_columns_[i].folded(*cell, folded_);
    value::encode_key(types_, column.type, &folded, key);
  }
  return key;
}

bool TableSink::is_newer(const OutputRow& row, const OutputRow& than) const {
  if (mode_.version < 0) return true;
  const Column& column = columns_[static_cast<std::size_t>(mode_.version)];
  return value::order(types_, column.type, row.cells + column.cell, than.cells + column.cell) > 0;
}

Result<void> TableSink::write(std::span<const OutputRow> rows) {
  if (rows.empty()) return {};
  Transaction transaction(session_);
  if (auto begun = transaction.begin(); !begun) return begun;
  const bool may_change_places = std::ranges::none_of(key_columns_, &KeyColumn::is_known_to_server_alone);
  auto written = updates() && may_change_places ? write_last_of_each_key(rows, 0, rows.size()) : write_in_order(rows);
  if (!written) return written;
  return transaction.commit();
}

Result<void> TableSink::reach() {
  Transaction transaction(session_);
  if (auto begun = transaction.begin(); !begun) return begun;
  return transaction.commit();
}

// What row after row would leave behind: per key at most one delete, then at most one row. A statement cannot update a row twice. Equal keys
// whose bytes differ are not seen here: the server refuses such a statement (21000), and smaller batches follow; one record that makes two such rows is bad data.
Result<void> TableSink::write_last_of_each_key(Rows rows, std::size_t begin, std::size_t end) {
  constexpr std::size_t kNone = SIZE_MAX;
  struct Last {
    std::size_t remove = kNone, put = kNone;
  };
  std::unordered_map<std::string, Last> keys;
  keys.reserve(end - begin);
  for (std::size_t i = begin; i < end; ++i) {
    Last& last = keys[key_of(rows[i])];
    if (rows[i].remove) last = {i, kNone};
    else if (last.put == kNone || is_newer(rows[i], rows[last.put])) last.put = i;
  }
  std::vector<std::size_t> puts, removes;
  for (const auto& [key, last] : keys) {
    if (last.remove != kNone) removes.push_back(last.remove);
    if (last.put != kNone) puts.push_back(last.put);
  }
  std::ranges::sort(puts);
  std::ranges::sort(removes);
  if (auto removed = remove(rows, removes); !removed) return removed;
  return put(rows, puts);
}

// COPY does not write where policies decide about rows.
Result<void> TableSink::look_for_policies() {
  const auto active = session_.query("SELECT pg_catalog.row_security_active($1::regclass)", Parameters().text(table_));
  if (!active) return std::unexpected(active.error());
  has_policies_ = active->boolean(0, 0);
  return {};
}

// Deletes and rows one after the other, each stretch of a kind at once.
Result<void> TableSink::write_in_order(Rows rows) {
  for (std::size_t begin = 0, end = 0; begin < rows.size(); begin = end) {
    while (end < rows.size() && rows[end].remove == rows[begin].remove) ++end;
    if (updates()) {
      if (auto done = write_last_of_each_key(rows, begin, end); !done) return done;
      continue;
    }
    std::vector<std::size_t> stretch(end - begin);
    std::iota(stretch.begin(), stretch.end(), begin);
    if (auto done = rows[begin].remove ? remove(rows, stretch) : put(rows, stretch); !done) return done;
  }
  return {};
}

Result<void> TableSink::put(Rows rows, Indices chosen) {
  const bool looks_at_keys = !key_.empty() && mode_.on_conflict != ir::Conflict::Error;
  if (chosen.size() > kMostAtOnce && !looks_at_keys && !has_policies_) return copy(rows, chosen);
  for (; !chosen.empty(); chosen = chosen.subspan(std::min(kMostAtOnce, chosen.size()))) {
    if (auto done = run(insert_, all_, rows, chosen.first(std::min(kMostAtOnce, chosen.size()))); !done) return done;
  }
  return {};
}

Result<void> TableSink::remove(Rows rows, Indices chosen) {
  if (remove_.empty()) return {};
  for (; !chosen.empty(); chosen = chosen.subspan(std::min(kMostAtOnce, chosen.size()))) {
    if (auto done = run(remove_, key_, rows, chosen.first(std::min(kMostAtOnce, chosen.size()))); !done) return done;
  }
  return {};
}

Result<void> TableSink::run(const std::string& sql, const std::vector<std::size_t>& columns, Rows rows, Indices chosen) {
  Parameters parameters;
  for (const std::size_t index : columns) {
    const Column& column = columns_[index];
    Array& array = arrays_[index];
    array.clear();
    for (const std::size_t row : chosen) {
      if (layout_.columns.empty()) {
        array.text(rows[row].encoded.value_or("null"));
        continue;
      }
      if (append_cell(array, types_, column.type, column.how.form, rows[row].cells + column.cell, scratch_[index])) continue;
      return std::unexpected(base::Error{
          ErrorCode::ConstraintViolated,
          fmt::format("table `{}`, column {}: PostgreSQL's text cannot hold the character 0", layout_.table, column.name),
          "22021", static_cast<std::int64_t>(row)});
    }
    parameters.array(array);
  }
  auto done = session_.query(sql, parameters);
  if (!done) return std::unexpected(refused(std::move(done.error()), chosen));
  return {};
}

Result<void> TableSink::copy(Rows rows, Indices chosen) {
  auto done = session_.copy(table_, column_list(layout_), chosen.size(), [&](std::size_t number, std::string& text) {
    const OutputRow& row = rows[chosen[number]];
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const Column& column = columns_[i];
      if (i > 0) text += '\t';
      if (layout_.columns.empty()) append_copy_field(text, row.encoded);
      else append_copy_field(text, types_, column.type, column.how.form, row.cells + column.cell, scratch_[i]);
    }
  });
  if (!done) return std::unexpected(refused(std::move(done.error()), chosen));
  return {};
}

// A row is named only where the server is sure of it: of many rows in one statement it does not say which.
base::Error TableSink::refused(base::Error error, Indices chosen) const {
  if (base::traits(error.code).error_class != base::ErrorClass::Data) return error;
  error.message = fmt::format("table `{}`: {}", layout_.table, error.message);
  if (chosen.size() == 1) error.row = 0;
  if (error.row >= 0) error.row = static_cast<std::int64_t>(chosen[static_cast<std::size_t>(error.row)]);
  return error;
}

}  // namespace piperun::postgres
