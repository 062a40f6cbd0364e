// A file as look-up data, held in memory.
#pragma once
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>

#include "lang/ir/program.h"
#include "runtime/base/clock.h"
#include "runtime/connectors/table.h"

namespace piperun::file {

// Two records with one key, or one that cannot be decoded, are a configuration error that names the line. With `cache` the file is read
// again when that time is over and it changed; what was handed out before stays valid as long as the table.
class FileTable final : public connectors::Table {
 public:
  static base::Result<std::unique_ptr<connectors::Table>> open(const std::string& path, const ir::Program& program,
                                                               const ir::Table& table, base::Clock& clock);
  base::Result<void> lookup(std::span<const value::Cell* const> keys, value::Arena& arena,
                            std::span<const value::Cell*> rows) override;

 private:
  FileTable(std::string path, const ir::Program& program, const ir::Table& table, base::Clock& clock)
      : path_(std::move(path)), program_(program), table_(table), clock_(clock) {}
  base::Result<void> load();
  base::Result<void> load_again();
  std::int64_t modified() const;

  std::string path_;
  const ir::Program& program_;
  const ir::Table& table_;
  base::Clock& clock_;
  std::deque<std::string> texts_;  // of all loads, for the rows handed out
  value::Arena memory_;
  std::unordered_map<std::string, const value::Cell*> rows_;
  std::int64_t loaded_at_ = 0, modified_ = 0;
};

}  // namespace piperun::file
