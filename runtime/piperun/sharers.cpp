#include "runtime/piperun/sharers.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "lang/ir/declared.h"
#include "runtime/connectors/embedded/inspector.h"
#include "runtime/piperun/stores.h"

namespace piperun::cli {

namespace {

struct Kept {
  std::string declaration;  // `sink lines`
  std::string path, object;
};

std::vector<Kept> kept_in_files(const ir::Program& program, const std::string& state_dir, const std::string& base_dir) {
  std::vector<Kept> all;
  const auto add = [&](const char* kind, const auto& each) {
    const std::string path = database_path(program, each.system, state_dir, base_dir);
    if (!path.empty()) all.push_back({fmt::format("{} {}", kind, each.name), path, ir::object_of(each)});
  };
  for (const ir::Table& table : program.tables) add("table", table);
  for (const ir::Sink& sink : program.sinks) {
    if (!sink.is_topic) add("sink", sink);
  }
  return all;
}

// Ids of the other pipelines that have units in this file.
std::vector<std::string> other_pipelines(const std::string& path, const std::string& id) {
  std::vector<std::string> names;
  auto inspector = embedded::Inspector::open(path, embedded::Database::Access::Read);
  if (!inspector) return names;
  const auto ledgers = inspector->ledgers();
  if (!ledgers) return names;
  for (const UnitLedger& ledger : *ledgers) {
    if (ledger.pipeline != id && std::ranges::count(names, ledger.pipeline) == 0) names.push_back(ledger.pipeline);
  }
  return names;
}

}  // namespace

std::vector<std::string> sharers(const ir::Program& program, const std::string& state_dir, const std::string& base_dir,
                                 const base::Error& error) {
  std::vector<std::string> hints;
  if (error.code != base::ErrorCode::SchemaMismatch) return hints;
  const std::vector<Kept> all = kept_in_files(program, state_dir, base_dir);
  for (auto a = all.begin(); a != all.end(); ++a) {
    if (!error.message.starts_with(fmt::format("table `{}` in {}:", a->object, a->path))) continue;
    for (auto b = std::next(a); b != all.end(); ++b) {
      if (a->path == b->path && a->object == b->object)
        hints.push_back(fmt::format("{} and {} both use the table `{}` of {}; give one of them another `table`", a->declaration,
                                    b->declaration, a->object, a->path));
    }
    const std::vector<std::string> others = other_pipelines(a->path, program.id);
    if (!hints.empty() || others.empty()) return hints;
    hints.push_back(
        fmt::format("{} also holds data of pipeline {}; if {} made the table, run one of them with another `--state-dir`, "
                    "or give {} another name, `table` or connection",
                    a->path, fmt::join(others, ", "), others.size() == 1 ? "that" : "one of those", a->declaration));
    return hints;
  }
  return hints;
}

}  // namespace piperun::cli
