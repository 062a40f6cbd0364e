// Keyed look-up data for `enrich`, read as of now.
#pragma once
#include <span>
#include <string_view>
#include <vector>

#include "lang/value/arena.h"
#include "lang/value/cell.h"
#include "runtime/base/result.h"

namespace piperun::connectors {

class Table {
 public:
  virtual ~Table() = default;
  // One query for all keys. `keys[i]` are the cells of the key columns; `rows[i]` becomes the record's cells (in `arena`) or null.
  // Several rows for one key: a Configuration error. A Data error is of one key, the one at Error::row: what its row would be cannot be
  // read. Nothing is said of the others then.
  virtual base::Result<void> lookup(std::span<const value::Cell* const> keys, value::Arena& arena,
                                    std::span<const value::Cell*> rows) = 0;
};

}  // namespace piperun::connectors
