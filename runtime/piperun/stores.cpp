#include "runtime/piperun/stores.h"

#include <fmt/ostream.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>

namespace piperun::cli {

namespace fs = std::filesystem;
using embedded::Database;

std::string folder_of(const std::string& path) {
  const std::string folder = fs::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

std::string database_path(const ir::Program& program, ir::SystemId id, const std::string& state_dir,
                          const std::string& base_dir) {
  const ir::System& system = program.systems[id];
  const bool is_store = system.kind == ir::SystemKind::StateStore;
  if (!system.stand_in && !is_store && system.kind != ir::SystemKind::Embedded) return {};
  if (const auto path = system.options.find("path");
      !system.stand_in && !is_store && path != system.options.end() && !path->second.empty()) {
    return (fs::path(base_dir) / path->second).string();
  }
  std::string name = is_store ? program.id : system.name;
  std::ranges::replace(name, '/', '_');
  return (fs::path(state_dir) / (name + ".db")).string();
}

namespace {

// The topic or table of a source, table or sink.
template <typename Declaration>
std::string object_of(const Declaration& declaration) {
  return declaration.object.empty() ? declaration.name : declaration.object;
}

void add_stores_of(const ir::Program& program, const std::string& state_dir, const std::string& base_dir, StoreSet& set) {
  for (ir::SystemId id = 0; id < program.systems.size(); ++id) {
    const std::string path = database_path(program, id, state_dir, base_dir);
    const bool known = std::ranges::any_of(set.stores, [&](const Store& store) { return store.path == path; });
    if (!path.empty() && !known) set.stores.push_back({fs::path(path).stem().string(), path});
  }
}

void add_stores_in(const std::string& state_dir, StoreSet& set) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(state_dir, error)) {
    if (entry.path().extension() == ".db") set.stores.push_back({entry.path().stem().string(), entry.path().string()});
  }
  std::ranges::sort(set.stores, {}, &Store::name);
}

const Store* store_of(const StoreSet& set, const std::string& path) {
  const auto found = std::ranges::find(set.stores, path, &Store::path);
  return found == set.stores.end() ? nullptr : &*found;
}

// The one of several stores that has it; more than one is ambiguous.
template <typename Found>
base::Result<Found> only_one(std::vector<Found> found, std::string_view what, const std::string& name, base::ErrorCode none) {
  if (found.size() == 1) return std::move(found.front());
  if (found.empty()) return base::failure(none, fmt::format("there is no {} `{}` here", what, name));
  std::vector<std::string> stores;
  for (const Found& each : found) stores.push_back(each.store.path);
  return base::failure(
      base::ErrorCode::CannotOpen,
      fmt::format("`{}` is ambiguous: {} have such a {}; name the FILE, or --state-dir", name, fmt::join(stores, " and "), what));
}

// Where something that FILE declares is kept.
struct Place {
  Store store;
  std::string object;
  std::map<std::string, std::string> options;
};

// By the name that FILE gives it, or else the store.
template <typename Declaration>
std::optional<Place> declared(const StoreSet& set, const std::vector<Declaration>& declarations, const std::string& name) {
  for (const bool by_object : {false, true}) {
    for (const Declaration& each : declarations) {
      const std::string object = object_of(each);
      if ((by_object ? object : each.name) != name) continue;
      const std::string path = database_path(set.compiled->program.value(), each.system, set.state_dir, set.base_dir);
      if (const Store* store = store_of(set, path)) return Place{*store, object, each.options};
      return std::nullopt;
    }
  }
  return std::nullopt;
}

std::int64_t partitions_in(const std::map<std::string, std::string>& options) {
  const auto found = options.find("partitions");
  std::int64_t result = 1;
  if (found != options.end()) std::from_chars(found->second.data(), found->second.data() + found->second.size(), result);
  return result;
}

}  // namespace

std::expected<StoreSet, Exit> open_stores(const Arguments& arguments, World& world) {
  StoreSet set;
  set.words = arguments.all("WORDS");
  set.state_dir = arguments.text("--state-dir", ".piperun");
  const auto file = std::ranges::find_if(set.words, [](const std::string& word) { return word.ends_with(".pipe"); });
  if (file == set.words.end()) {
    add_stores_in(set.state_dir, set);
    if (!set.stores.empty()) return set;
    return std::unexpected(misuse(world, fmt::format("there is no data in {}; name the FILE, or --state-dir", set.state_dir)));
  }
  const std::string path = std::move(*file);
  set.words.erase(file);
  auto options = compile_options(arguments, world);
  if (!options) return std::unexpected(misuse(world, options.error()));
  options->local = true;
  auto compiled = compile_or_tell(path, *options, world);
  if (!compiled) return std::unexpected(compiled.error());
  set.base_dir = folder_of(path);
  set.pipeline = compiled->program->id;
  add_stores_of(*compiled->program, set.state_dir, set.base_dir, set);
  set.compiled = std::move(*compiled);
  return set;
}

base::Result<void> each_store(const StoreSet& set, const VisitStore& visit) {
  for (const Store& store : set.stores) {
    if (!fs::exists(store.path)) continue;
    auto inspector = embedded::Inspector::open(store.path, Database::Access::Read);
    if (!inspector) return std::unexpected(inspector.error());
    if (auto visited = visit(store, *inspector); !visited) return visited;
  }
  return {};
}

base::Result<std::vector<StoredUnit>> stored_units(const StoreSet& set) {
  std::vector<StoredUnit> units;
  const auto done = each_store(set, [&](const Store& store, embedded::Inspector& inspector) -> base::Result<void> {
    auto ledgers = inspector.ledgers();
    if (!ledgers) return std::unexpected(ledgers.error());
    for (embedded::UnitLedger& ledger : *ledgers) {
      if (set.pipeline.empty() || ledger.pipeline == set.pipeline) units.push_back({store, std::move(ledger)});
    }
    return {};
  });
  if (!done) return std::unexpected(done.error());
  return units;
}

base::Result<FoundTopic> find_topic(const StoreSet& set, const std::string& name, bool missing_ok) {
  if (set.compiled) {
    const ir::Program& program = *set.compiled->program;
    auto place = declared(set, program.sources, name);
    if (!place) {
      std::vector<ir::Sink> topics = program.sinks;
      std::erase_if(topics, [](const ir::Sink& sink) { return !sink.is_topic; });
      place = declared(set, topics, name);
    }
    if (place && (missing_ok || fs::exists(place->store.path)))
      return FoundTopic{place->store, place->object, partitions_in(place->options)};
  }
  std::vector<FoundTopic> found;
  const auto done = each_store(set, [&](const Store& store, embedded::Inspector& inspector) -> base::Result<void> {
    const auto topics = inspector.topics();
    if (!topics) return std::unexpected(topics.error());
    if (std::ranges::count(*topics, name, &embedded::Topic::name) > 0) found.push_back({store, name, 0});
    return {};
  });
  if (!done) return std::unexpected(done.error());
  return only_one(std::move(found), "topic", name, base::ErrorCode::NoSuchTopic);
}

base::Result<FoundTable> find_table(const StoreSet& set, const std::string& name) {
  if (set.compiled) {
    const ir::Program& program = *set.compiled->program;
    auto place = declared(set, program.tables, name);
    if (!place) place = declared(set, program.sinks, name);
    if (place && fs::exists(place->store.path)) return FoundTable{place->store, place->object};
  }
  std::vector<FoundTable> found;
  const auto done = each_store(set, [&](const Store& store, embedded::Inspector& inspector) -> base::Result<void> {
    const auto tables = inspector.tables();
    if (!tables) return std::unexpected(tables.error());
    if (std::ranges::count(*tables, name, &embedded::StoredTable::name) > 0) found.push_back({store, name});
    return {};
  });
  if (!done) return std::unexpected(done.error());
  return only_one(std::move(found), "table", name, base::ErrorCode::NoSuchTable);
}

base::Result<StoredUnit> find_unit(const StoreSet& set, const std::string& name) {
  auto units = stored_units(set);
  if (!units) return std::unexpected(units.error());
  std::erase_if(*units, [&](const StoredUnit& unit) { return !name.empty() && unit.ledger.unit != name; });
  if (units->size() == 1) return std::move(units->front());
  if (units->empty())
    return base::failure(base::ErrorCode::CannotOpen,
                         name.empty() ? "no unit has run yet" : fmt::format("there is no unit `{}` here", name));
  std::vector<std::string> names;
  for (const StoredUnit& unit : *units)
    names.push_back(fmt::format("{} of {} in {}", unit.ledger.unit, unit.ledger.pipeline, unit.store.path));
  return base::failure(base::ErrorCode::CannotOpen,
                       fmt::format("which unit: {}? Say --unit NAME, or the FILE", fmt::join(names, "; ")));
}

namespace {

struct Kept {
  std::string declaration;  // `sink lines`
  std::string path, object;
};

std::vector<Kept> kept_in_files(const ir::Program& program, const std::string& state_dir, const std::string& base_dir) {
  std::vector<Kept> all;
  const auto add = [&](const char* kind, const auto& each) {
    const std::string path = database_path(program, each.system, state_dir, base_dir);
    if (!path.empty()) all.push_back({fmt::format("{} {}", kind, each.name), path, object_of(each)});
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
  auto inspector = embedded::Inspector::open(path, Database::Access::Read);
  if (!inspector) return names;
  const auto ledgers = inspector->ledgers();
  if (!ledgers) return names;
  for (const embedded::UnitLedger& ledger : *ledgers) {
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
