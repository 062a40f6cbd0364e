#include "runtime/connectors/embedded/lookup_table.h"

#include <fmt/core.h>

#include "lang/value/key.h"
#include "runtime/connectors/embedded/sql_cells.h"

namespace piperun::embedded {

using base::ErrorCode;
using base::Result;
using value::Cell;

namespace {

constexpr std::size_t kMostCached = 1'000'000;  // rows; the oldest go first

}  // namespace

Result<std::unique_ptr<connectors::Table>> LookupTable::open(const std::string& path, const value::TypeTable& types,
                                                             TableLayout layout, std::int64_t cache, base::Clock& clock) {
  auto database = Database::open(path, Database::Access::Read);
  if (!database) return std::unexpected(database.error());
  if (auto checked = check_table(**database, types, layout); !checked) return std::unexpected(checked.error());
  return std::unique_ptr<connectors::Table>(new LookupTable(std::move(*database), types, std::move(layout), cache, clock));
}

LookupTable::LookupTable(std::unique_ptr<Database> database, const value::TypeTable& types, TableLayout layout,
                         std::int64_t cache, base::Clock& clock)
    : database_(std::move(database)), types_(types), layout_(std::move(layout)), cache_(cache), clock_(clock) {
  select_ =
      fmt::format("SELECT {} FROM {} WHERE {} LIMIT 2", column_list(layout_), quoted(layout_.table), key_condition(layout_, 1));
  for (const TableColumn& column : layout_.columns) width_ += static_cast<std::size_t>(value::cells(types_[column.type]));
  scratch_.resize(layout_.key.size());
}

Result<void> LookupTable::lookup(std::span<const Cell* const> keys, value::Arena& arena, std::span<const Cell*> rows) {
  forget_old();
  if (auto begun = database_->begin_reading(); !begun) return begun;  // all rows of one moment
  const auto looked = [&]() -> Result<void> {
    Query query = database_->query(select_);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      std::string bytes = cache_ > 0 ? key_bytes(keys[i]) : std::string();
      if (const auto known = cached_.find(bytes); cache_ > 0 && known != cached_.end()) {
        rows[i] = known->second.row == nullptr ? nullptr : copy_row(known->second.row, arena);
        continue;
      }
      auto row = read_row(query, keys[i], arena);
      if (!row) return std::unexpected(row.error());
      rows[i] = *row;
      if (cache_ > 0) remember(std::move(bytes), *row);
    }
    return {};
  }();
  database_->roll_back();
  return looked;
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

Result<const Cell*> LookupTable::read_row(Query& query, const Cell* key, value::Arena& arena) {
  for (std::size_t i = 0; i < layout_.key.size(); ++i) {
    const value::TypeId type = layout_.columns[static_cast<std::size_t>(layout_.key[i])].type;
    bind_cell(query, static_cast<int>(i) + 1, types_, type, key, scratch_[i]);
    key += value::cells(types_[type]);
  }
  auto found = query.step();
  if (!found) return std::unexpected(found.error());
  Cell* result = nullptr;
  if (*found) {
    Cell* cell = result = arena.cells(width_);
    for (std::size_t i = 0; i < layout_.columns.size(); ++i) {
      const TableColumn& column = layout_.columns[i];
      if (!read_cell(query, static_cast<int>(i), types_, column.type, arena, cell)) {
        return base::failure(ErrorCode::SchemaMismatch,
                             fmt::format("table `{}`: `{}` in column `{}` is no {}", layout_.table,
                                         query.is_null(static_cast<int>(i)) ? "NULL" : query.text(static_cast<int>(i)),
                                         column.name, types_.name(column.type)));
      }
      cell += value::cells(types_[column.type]);
    }
    auto second = query.step();
    if (!second) return std::unexpected(second.error());
    if (*second)
      return base::failure(ErrorCode::SchemaMismatch,
                           fmt::format("table `{}` has several rows for one key ({})", layout_.table, key_list(layout_)));
  }
  query.reset();
  return result;
}

const Cell* LookupTable::copy_row(const Cell* row, value::Arena& arena) const {
  Cell* const result = arena.cells(width_);
  Cell* cell = result;
  for (const TableColumn& column : layout_.columns) {
    copy_value(types_, column.type, row, arena, cell);
    row += value::cells(types_[column.type]);
    cell += value::cells(types_[column.type]);
  }
  return result;
}

void LookupTable::remember(std::string key, const Cell* row) {
  Cached entry;
  entry.until = clock_.monotonic() + cache_;
  if (row != nullptr) {
    entry.memory = std::make_unique<value::Arena>(256);
    entry.row = copy_row(row, *entry.memory);
  }
  by_age_.emplace_back(entry.until, key);
  cached_[std::move(key)] = std::move(entry);
}

void LookupTable::forget_old() {
  const std::int64_t now = clock_.monotonic();
  while (!by_age_.empty() && (by_age_.front().first <= now || by_age_.size() > kMostCached)) {
    cached_.erase(by_age_.front().second);
    by_age_.pop_front();
  }
}

}  // namespace piperun::embedded
