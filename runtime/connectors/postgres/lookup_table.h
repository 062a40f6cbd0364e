// A table of a PostgreSQL database as look-up data: one query per batch, over a connection of its own.
#pragma once
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "runtime/base/clock.h"
#include "runtime/connectors/postgres/table_columns.h"
#include "runtime/connectors/table.h"

namespace piperun::postgres {

class LookupTable final : public connectors::Table {
 public:
  static constexpr std::size_t kMostCachedBytes = 64 << 20;  // of rows and keys; the oldest go first

  // Rows read stay valid `cache` microseconds, as does that there is none. NoSuchTable, SchemaMismatch. `types` and `clock` outlive it.
  static base::Result<std::unique_ptr<connectors::Table>> open(PostgresSettings settings, const value::TypeTable& types,
                                                               TableLayout layout, std::int64_t cache, base::Clock& clock);

  // Of more than kMostAtOnce different keys, in several queries.
  base::Result<void> lookup(std::span<const value::Cell* const> keys, value::Arena& arena,
                            std::span<const value::Cell*> rows) override;
  static constexpr std::size_t kMostAtOnce = 10'000;

 private:
  // A row as the server wrote it: it is decoded into each batch's arena, which outlives the cache's entry.
  struct Row {
    std::string text;
    std::vector<std::optional<std::pair<std::size_t, std::size_t>>> fields;  // begin and size in `text`; nullopt: null
  };
  struct Cached {
    std::int64_t until = 0;
    std::optional<Row> row;  // nullopt: there is none
    std::size_t bytes = 0;
  };
  LookupTable(std::unique_ptr<Session> session, const value::TypeTable& types, TableLayout layout, std::vector<Conversion> how,
              std::int64_t cache, base::Clock& clock, const std::string& table);
  std::string select_text(const std::string& table) const;
  std::string key_bytes(const value::Cell* key) const;
  void append_key(const value::Cell* key);
  base::Result<void> read(std::span<const value::Cell* const> keys, std::vector<std::optional<Row>>& rows);
  base::Result<const value::Cell*> decode(const Row& row, value::Arena& arena) const;
  void remember(const std::string& key, const std::optional<Row>& row);
  void forget_old();

  std::unique_ptr<Session> session_;
  const value::TypeTable& types_;
  TableLayout layout_;
  std::vector<Conversion> how_;
  std::int64_t cache_;
  base::Clock& clock_;
  std::size_t width_ = 0;  // cells of a row
  std::string select_;
  std::vector<Array> arrays_;  // one per key column
  std::string scratch_;
  std::unordered_map<std::string, Cached> cached_;
  std::deque<std::pair<std::int64_t, std::string>> by_age_;  // until, key
  std::size_t cached_bytes_ = 0;
};

}  // namespace piperun::postgres
