#include "runtime/piperun/test_stores.h"

#include <algorithm>
#include <filesystem>

#include "lang/ir/declared.h"
#include "runtime/commit/embedded/header_bytes.h"
#include "runtime/connectors/embedded/inspector.h"
#include "runtime/engine/letters.h"
#include "runtime/piperun/rows.h"
#include "runtime/piperun/stores.h"

namespace piperun::cli {

using embedded::Database;

std::string StandIns::database_of(ir::SystemId system) const { return database_path(program, system, state_dir, base_dir); }

base::Result<void> make_topics(const StandIns& stores, const std::map<std::string, std::int64_t>& partitions) {
  for (ir::SourceId id = 0; id < stores.program.sources.size(); ++id) {
    const ir::Source& source = stores.program.sources[id];
    if (ir::link_read(stores.program, id) != nullptr) continue;
    auto database = Database::open(stores.database_of(source.system), Database::Access::Write);
    if (!database) return std::unexpected(database.error());
    const auto named = partitions.find(ir::object_of(source));
    const std::int64_t count = named == partitions.end() ? 1 : named->second;
    if (auto made = embedded::make_topic(**database, ir::object_of(source), count); !made) return std::unexpected(made.error());
  }
  return {};
}

base::Result<void> append_record(const StandIns& stores, const ir::Source& source, const InputLine& line,
                                 std::int64_t timestamp) {
  auto database = Database::open(stores.database_of(source.system), Database::Access::Write);
  if (!database) return std::unexpected(database.error());
  std::string headers;
  for (const auto& [name, value] : line.headers) embedded::append_header(headers, name, value);
  embedded::NewRecord record;
  record.timestamp = timestamp;
  if (line.key) record.key = *line.key;
  if (line.value) record.value = *line.value;
  record.headers = headers;
  record.partition = line.partition;
  return embedded::append_records(**database, ir::object_of(source), std::span(&record, 1));
}

base::Result<std::size_t> ask_replays(const StandIns& stores) {
  std::size_t asked = 0;
  for (const ir::Unit& unit : stores.program.units) {
    auto inspector = embedded::Inspector::open(stores.database_of(unit.domain), Database::Access::Write);
    if (!inspector) return std::unexpected(inspector.error());
    const auto domain = std::move(*inspector).domain(stores.program.id, unit.name);
    const auto letters = domain->letters(false);
    if (!letters) return std::unexpected(letters.error());
    for (const commit::Letter& letter : *letters) {
      if (const auto done = domain->ask_replay(letter); !done) return std::unexpected(done.error());
      ++asked;
    }
  }
  return asked;
}

base::Result<std::vector<std::string>> output_of(const StandIns& stores, const ir::Sink& sink) {
  const std::string database = stores.database_of(sink.system);
  return sink.is_topic ? topic_lines(database, ir::object_of(sink)) : table_lines(stores.program, sink, database);
}

base::Result<std::vector<std::string>> letters_of(const StandIns& stores) {
  std::vector<std::string> lines;
  for (const ir::Unit& unit : stores.program.units) {
    const std::string path = stores.database_of(unit.domain);
    if (!std::filesystem::exists(path)) continue;
    auto inspector = embedded::Inspector::open(path, Database::Access::Read);
    if (!inspector) return std::unexpected(inspector.error());
    const auto letters = std::move(*inspector).domain(stores.program.id, unit.name)->letters(false);
    if (!letters) return std::unexpected(letters.error());
    for (const commit::Letter& letter : *letters) lines.push_back(engine::letter_json(letter));
  }
  return lines;
}

}  // namespace piperun::cli
