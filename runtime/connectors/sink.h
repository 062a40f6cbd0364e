// What the engine needs of a system that records go to.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lang/value/cell.h"
#include "runtime/base/result.h"

namespace piperun::connectors {

// One row of output. `cells` are those of ir::Sink::columns in order, key columns among them.
struct OutputRow {
  const value::Cell* cells = nullptr;
  bool remove = false;                            // delete the row with this key (a table), or write a tombstone (a topic)
  std::optional<std::string_view> message_key{};   // topics
  std::optional<std::string_view> encoded{};      // topics, files, stdout: the value, encoded; tables use `cells`
  std::span<const std::optional<std::string_view>> headers{}; // one per ir::Sink::headers
  std::int64_t timestamp = 0;                     // of the record it comes from, microseconds
  std::int32_t partition = -1;                    // number of the partition that record was in
};

// A Data error names the refused row of the last call of write (Error::row) where the system tells; nothing of the call has then taken
// effect in a transaction that is aborted. Used by the executor thread alone. Rows live until the next call of write or, behind an `await`
// that has succeeded, no longer.
class Sink {
 public:
  virtual ~Sink() = default;
  // In the commit domain: part of its open transaction. Else: a transaction, or an append, of its own.
  virtual base::Result<void> write(std::span<const OutputRow> rows) = 0;
  // Blocks until all that was written is acknowledged. Behind a Data error that names a row, the next call goes on with the others.
  virtual base::Result<void> await() = 0;
  // "" when readers of committed data are given all that was there when this was asked first; else a place where they are not yet, for
  // a transaction of anybody is open before it. To be asked behind the last commit.
  virtual base::Result<std::string> hidden_at() { return std::string(); }
  // Whether the system answers, where a call can tell; writes nothing.
  virtual base::Result<void> reach() { return {}; }
};

}  // namespace piperun::connectors
