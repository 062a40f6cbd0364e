#include "runtime/connectors/postgres/lookup_table.h"

#include <fmt/core.h>

#include <algorithm>

#include "lang/value/key.h"
#include "runtime/connectors/postgres/column_cells.h"

namespace piperun::postgres {

using base::ErrorCode;
using base::Result;
using value::Cell;

namespace {

// Of a type whose text the server reads strictly: asked for with another text, a whole query would fail.
bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (is_dash ? text[i] != '-' : std::isxdigit(static_cast<unsigned char>(text[i])) == 0) return false;
  }
  return true;
}

}  // namespace

Result<std::unique_ptr<connectors::Table>> LookupTable::open(PostgresSettings settings, const value::TypeTable& types,
                                                             TableLayout layout, std::int64_t cache, base::Clock& clock) {
  if (settings.purpose.empty()) settings.purpose = layout.table;
  auto session = Session::open(std::move(settings));
  if (!session) return std::unexpected(session.error());
  auto stored = describe(**session, layout.table);
  if (!stored) return std::unexpected(stored.error());
  auto how = conversions(**session, types, layout, *stored, Use::Read);
  if (!how) return std::unexpected(how.error());
  return std::unique_ptr<connectors::Table>(
      new LookupTable(std::move(*session), types, std::move(layout), std::move(*how), cache, clock, stored->table));
}

LookupTable::LookupTable(std::unique_ptr<Session> session, const value::TypeTable& types, TableLayout layout,
                         std::vector<Conversion> how, std::int64_t cache, base::Clock& clock, const std::string& table)
    : session_(std::move(session)),
      types_(types),
      layout_(std::move(layout)),
      how_(std::move(how)),
      cache_(cache),
      clock_(clock) {
  for (const TableColumn& column : layout_.columns) width_ += static_cast<std::size_t>(value::cells(types_[column.type]));
  for (const int column : layout_.key) arrays_.emplace_back(how_[static_cast<std::size_t>(column)].wire);
  select_ = select_text(table);
}

// Keys of types that the server reads strictly are compared as text, so that a strange key finds nothing instead of failing.
std::string LookupTable::select_text(const std::string& table) const {
  std::string columns, arrays, names, condition;
  for (std::size_t i = 0; i < layout_.columns.size(); ++i)
    columns += ", " + select_expression("t." + quoted(layout_.columns[i].name), how_[i].form);
  for (std::size_t i = 0; i < layout_.key.size(); ++i) {
    const auto column = static_cast<std::size_t>(layout_.key[i]);
    const Conversion& how = how_[column];
    const std::string name = "t." + quoted(layout_.columns[column].name);
    arrays += fmt::format("${}::{}[], ", i + 1, sql_type(how.wire));
    names += fmt::format("k{}, ", i);
    const bool casts = how.cast == "numeric" || how.cast == "uuid" || how.cast == "interval";
    const std::string both = how.cast.empty() ? fmt::format("{} = k.k{}", name, i)
                             : casts          ? fmt::format("{} = CAST(k.k{} AS {})", name, i, how.cast)
                                              : fmt::format("{}::text = k.k{}", name, i);
    condition += (i == 0 ? "" : " AND ") + both;
  }
  arrays.resize(arrays.size() - 2);
  return fmt::format("SELECT k.number{} FROM unnest({}) WITH ORDINALITY k({}number) JOIN {} t ON {} ORDER BY k.number", columns,
                     arrays, names, table, condition);
}

std::string LookupTable::key_bytes(const Cell* key) const {
  std::string result;
  for (const int column : layout_.key) {
    const value::TypeId type = layout_.columns[static_cast<std::size_t>(column)].type;
    value::encode_key(types_, type, key, result);
    key += value::cells(types_[type]);
  }
  return result;
}

// What no column can hold is asked for as null, which equals nothing.
void LookupTable::append_key(const Cell* key) {
  for (std::size_t i = 0; i < layout_.key.size(); ++i) {
    const auto column = static_cast<std::size_t>(layout_.key[i]);
    const value::TypeId id = layout_.columns[column].type;
    const value::Type& type = types_[id];
    const bool is_null = type.nullable && key->b;
    const bool is_impossible = !is_null && how_[column].cast == "uuid" && !is_uuid((type.nullable ? key + 1 : key)->s);
    if (is_impossible || !append_cell(arrays_[i], types_, id, how_[column].form, key, scratch_)) arrays_[i].null();
    key += value::cells(type);
  }
}

Result<void> LookupTable::lookup(std::span<const Cell* const> keys, value::Arena& arena, std::span<const Cell*> rows) {
  forget_old();
  std::unordered_map<std::string, std::vector<std::size_t>> places;  // of keys that must be asked for
  std::vector<const Cell*> asked;
  std::vector<const std::string*> names;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    rows[i] = nullptr;
    std::string name = key_bytes(keys[i]);
    if (const auto known = cached_.find(name); known != cached_.end()) {
      if (!known->second.row) continue;
      auto decoded = decode(*known->second.row, arena);
      if (!decoded) return std::unexpected(decoded.error());
      rows[i] = *decoded;
      continue;
    }
    const auto [place, is_new] = places.try_emplace(std::move(name));
    place->second.push_back(i);
    if (!is_new) continue;
    asked.push_back(keys[i]);
    names.push_back(&place->first);
  }
  for (std::size_t from = 0; from < asked.size(); from += kMostAtOnce) {
    const std::size_t count = std::min(kMostAtOnce, asked.size() - from);
    std::vector<std::optional<Row>> found(count);
    if (auto done = read(std::span(asked).subspan(from, count), found); !done) return done;
    for (std::size_t i = 0; i < count; ++i) {
      const std::string& name = *names[from + i];
      if (found[i]) {
        auto decoded = decode(*found[i], arena);
        if (!decoded) return std::unexpected(decoded.error());
        for (const std::size_t place : places[name]) rows[place] = *decoded;
      }
      if (cache_ > 0) remember(name, found[i]);
    }
  }
  return {};
}

Result<void> LookupTable::read(std::span<const Cell* const> keys, std::vector<std::optional<Row>>& rows) {
  for (Array& array : arrays_) array.clear();
  for (const Cell* key : keys) append_key(key);
  Parameters parameters;
  for (Array& array : arrays_) parameters.array(array);
  auto found = session_->query(select_, parameters);
  if (!found) {
    // Nothing that a record brings makes this query fail: what fails is the table.
    if (base::traits(found.error().code).error_class == base::ErrorClass::Data) found.error().code = ErrorCode::SchemaMismatch;
    return std::unexpected(found.error());
  }
  for (std::size_t i = 0; i < found->size(); ++i) {
    std::optional<Row>& row = rows[static_cast<std::size_t>(found->integer(i, 0)) - 1];
    if (row) {
      return base::failure(ErrorCode::SchemaMismatch, fmt::format("table `{}` of {} has several rows for one key ({})",
                                                                  layout_.table, session_->address(), key_list(layout_)));
    }
    row.emplace();
    for (int column = 1; column < found->columns(); ++column) {
      if (found->is_null(i, column)) {
        row->fields.emplace_back();
        continue;
      }
      const std::string_view text = found->view(i, column);
      row->fields.emplace_back(std::pair(row->text.size(), text.size()));
      row->text += text;
    }
  }
  return {};
}

Result<const Cell*> LookupTable::decode(const Row& row, value::Arena& arena) const {
  Cell* const result = arena.cells(width_);
  Cell* cell = result;
  for (std::size_t i = 0; i < layout_.columns.size(); ++i) {
    const TableColumn& column = layout_.columns[i];
    std::optional<std::string_view> text;
    if (row.fields[i]) text = std::string_view(row.text).substr(row.fields[i]->first, row.fields[i]->second);
    if (!read_cell(text, types_, column.type, how_[i].form, arena, cell)) {
      return base::failure(ErrorCode::SchemaMismatch,
                           fmt::format("table `{}` of {}: {} in column `{}` is no {}", layout_.table, session_->address(),
                                       text ? fmt::format("`{}`", *text) : "NULL", column.name, types_.name(column.type)));
    }
    cell += value::cells(types_[column.type]);
  }
  return result;
}

void LookupTable::remember(const std::string& key, const std::optional<Row>& row) {
  const std::size_t bytes = sizeof(Cached) + 2 * key.size() + (row ? row->text.size() + 24 * row->fields.size() : 0);
  const std::int64_t until = clock_.monotonic() + cache_;
  const auto [entry, is_new] = cached_.try_emplace(key, Cached{until, row, bytes});
  if (!is_new) return;
  cached_bytes_ += bytes;
  by_age_.emplace_back(until, key);
  while (cached_bytes_ > kMostCachedBytes && by_age_.size() > 1) {
    cached_bytes_ -= cached_[by_age_.front().second].bytes;
    cached_.erase(by_age_.front().second);
    by_age_.pop_front();
  }
}

void LookupTable::forget_old() {
  const std::int64_t now = clock_.monotonic();
  while (!by_age_.empty() && by_age_.front().first <= now) {
    cached_bytes_ -= cached_[by_age_.front().second].bytes;
    cached_.erase(by_age_.front().second);
    by_age_.pop_front();
  }
}

}  // namespace piperun::postgres
