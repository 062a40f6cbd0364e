// A table of a database file as look-up data. Reads through a connection of its own, so it sees what is committed.
#pragma once
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "runtime/base/clock.h"
#include "runtime/connectors/embedded/table_layout.h"
#include "runtime/connectors/table.h"

namespace piperun::embedded {

class LookupTable final : public connectors::Table {
 public:
  // Rows read stay valid `cache` microseconds, as does that there is none. NoSuchTable, SchemaMismatch. `types` and `clock` outlive it.
  static base::Result<std::unique_ptr<connectors::Table>> open(const std::string& path, const value::TypeTable& types,
                                                               TableLayout layout, std::int64_t cache, base::Clock& clock);

  base::Result<void> lookup(std::span<const value::Cell* const> keys, value::Arena& arena,
                            std::span<const value::Cell*> rows) override;

 private:
  struct Cached {
    std::int64_t until = 0;
    std::unique_ptr<value::Arena> memory;  // null: there is no such row
    const value::Cell* row = nullptr;
  };
  LookupTable(std::unique_ptr<Database> database, const value::TypeTable& types, TableLayout layout, std::int64_t cache,
              base::Clock& clock);
  std::string key_bytes(const value::Cell* key) const;
  base::Result<const value::Cell*> read_row(Query& query, const value::Cell* key, value::Arena& arena);
  const value::Cell* copy_row(const value::Cell* row, value::Arena& arena) const;
  void remember(std::string key, const value::Cell* row);
  void forget_old();

  std::unique_ptr<Database> database_;
  const value::TypeTable& types_;
  TableLayout layout_;
  std::int64_t cache_;
  base::Clock& clock_;
  std::string select_;
  std::size_t width_ = 0;  // cells of a row
  std::vector<std::string> scratch_;
  std::unordered_map<std::string, Cached> cached_;
  std::deque<std::pair<std::int64_t, std::string>> by_age_;  // until, key
};

}  // namespace piperun::embedded
