#include "runtime/piperun/stores.h"

#include <fmt/ostream.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <set>

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

// A name as FILE declares it, or as the store calls it.
template <typename Declaration>
std::optional<std::pair<std::string, ir::SystemId>> declared(const std::vector<Declaration>& declarations,
                                                             const std::string& name) {
  for (const bool by_object : {false, true}) {
    for (const Declaration& each : declarations) {
      const std::string object = each.object.empty() ? each.name : each.object;
      if ((by_object ? object : each.name) == name) return std::pair(object, each.system);
    }
  }
  return std::nullopt;
}

std::optional<std::pair<Store, std::string>> declared_in(const StoreSet& set,
                                                         const std::optional<std::pair<std::string, ir::SystemId>>& found) {
  if (!found) return std::nullopt;
  const ir::Program& program = *set.compiled->program;
  const std::string name = database_path(program, found->second, set.state_dir, set.base_dir);
  const Store* store = store_of(set, name);
  return store ? std::optional(std::pair(*store, found->first)) : std::nullopt;
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
    fmt::print(world.err, "piperun: there is no data in {}; name the FILE, or --state-dir\n", set.state_dir);
    return std::unexpected(Exit::Usage);
  }
  const std::string path = *file;
  set.words.erase(file);
  auto options = compile_options(arguments, world);
  if (!options) {
    fmt::print(world.err, "piperun: {}\n", options.error());
    return std::unexpected(Exit::Usage);
  }
  options->local = true;
  auto compiled = compile_or_tell(path, *options, world);
  if (!compiled) return std::unexpected(compiled.error());
  set.base_dir = folder_of(path);
  set.pipeline = compiled->program->id;
  add_stores_of(*compiled->program, set.state_dir, set.base_dir, set);
  set.compiled = std::move(*compiled);
  return set;
}

base::Result<std::vector<StoredUnit>> stored_units(const StoreSet& set) {
  std::vector<StoredUnit> units;
  for (const Store& store : set.stores) {
    if (!fs::exists(store.path)) continue;
    auto inspector = embedded::Inspector::open(store.path, Database::Access::Read);
    if (!inspector) return std::unexpected(inspector.error());
    auto ledgers = inspector->ledgers();
    if (!ledgers) return std::unexpected(ledgers.error());
    for (embedded::UnitLedger& ledger : *ledgers) {
      if (set.pipeline.empty() || ledger.pipeline == set.pipeline) units.push_back({store, std::move(ledger)});
    }
  }
  return units;
}

base::Result<FoundTopic> find_topic(const StoreSet& set, const std::string& name, bool missing_ok) {
  if (set.compiled) {
    const ir::Program& program = *set.compiled->program;
    auto place = declared_in(set, declared(program.sources, name));
    if (!place) {
      std::vector<ir::Sink> topics;
      for (const ir::Sink& sink : program.sinks)
        if (sink.is_topic) topics.push_back(sink);
      place = declared_in(set, declared(topics, name));
    }
    if (place && (missing_ok || fs::exists(place->first.path))) return FoundTopic{place->first, place->second};
  }
  std::vector<FoundTopic> found;
  for (const Store& store : set.stores) {
    if (!fs::exists(store.path)) continue;
    auto inspector = embedded::Inspector::open(store.path, Database::Access::Read);
    if (!inspector) return std::unexpected(inspector.error());
    const auto topics = inspector->topics();
    if (!topics) return std::unexpected(topics.error());
    for (const embedded::Topic& topic : *topics) {
      if (topic.name == name) found.push_back({store, name});
    }
  }
  return only_one(std::move(found), "topic", name, base::ErrorCode::NoSuchTopic);
}

base::Result<FoundTable> find_table(const StoreSet& set, const std::string& name) {
  if (set.compiled) {
    const ir::Program& program = *set.compiled->program;
    auto place = declared_in(set, declared(program.tables, name));
    if (!place) place = declared_in(set, declared(program.sinks, name));
    if (place && fs::exists(place->first.path)) return FoundTable{place->first, place->second};
  }
  std::vector<FoundTable> found;
  for (const Store& store : set.stores) {
    if (!fs::exists(store.path)) continue;
    auto inspector = embedded::Inspector::open(store.path, Database::Access::Read);
    if (!inspector) return std::unexpected(inspector.error());
    const auto tables = inspector->tables();
    if (!tables) return std::unexpected(tables.error());
    for (const embedded::StoredTable& table : *tables) {
      if (table.name == name) found.push_back({store, name});
    }
  }
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

}  // namespace piperun::cli
