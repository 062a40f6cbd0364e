#include "runtime/piperun/stores.h"

#include <fmt/ostream.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>

#include "lang/diag/suggest.h"
#include "lang/ir/declared.h"
#include "runtime/piperun/lost_positions.h"
#include "runtime/piperun/secrets.h"

namespace piperun::cli {

namespace fs = std::filesystem;

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

bool Store::is_there() const { return path.empty() || fs::exists(path); }

const Store* StoreSet::of(ir::SystemId system) const {
  const auto found =
      std::ranges::find_if(stores, [&](const Store& store) { return std::ranges::count(store.systems, system) > 0; });
  return found == stores.end() ? nullptr : &*found;
}

namespace {

bool is_server(const ir::System& system) {
  return !system.stand_in && (system.kind == ir::SystemKind::Kafka || system.kind == ir::SystemKind::Postgres);
}

std::unique_ptr<StoredSystem> open_server(const StoreSet& set, ir::SystemId id, base::Clock& clock) {
  const ir::Program& program = *set.compiled->program;
  return program.systems[id].kind == ir::SystemKind::Kafka ? open_cluster_store(program, id, set.state_dir, set.base_dir, clock)
                                                           : open_database_store(program, id);
}

// Connections to one system are one store: the same file, or a server that is reached with the same options.
void add_stores_of(StoreSet& set, base::Clock& clock) {
  const ir::Program& program = *set.compiled->program;
  for (ir::SystemId id = 0; id < program.systems.size(); ++id) {
    const ir::System& system = program.systems[id];
    const std::string path = database_path(program, id, set.state_dir, set.base_dir);
    if (path.empty() && !is_server(system)) continue;
    const auto known = std::ranges::find_if(set.stores, [&](const Store& store) {
      const ir::System& other = program.systems[store.systems.front()];
      return path.empty() ? store.path.empty() && other.kind == system.kind && other.options == system.options
                          : store.path == path;
    });
    if (known != set.stores.end()) known->systems.push_back(id);
    else if (path.empty()) set.stores.push_back({system.name, "", {id}, open_server(set, id, clock)});
    else set.stores.push_back({path, path, {id}, open_file_store(path, clock)});
  }
}

void add_stores_in(const std::string& state_dir, StoreSet& set, base::Clock& clock) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(state_dir, error)) {
    const std::string path = entry.path().string();
    if (path.ends_with(".db")) set.stores.push_back({path, path, {}, open_file_store(path, clock)});
  }
  std::ranges::sort(set.stores, {}, &Store::path);
}

// `; did you mean …?` or what there is instead.
std::string instead(const std::string& name, std::vector<std::string> names) {
  constexpr std::size_t kMostNames = 8;
  std::ranges::sort(names);
  names.erase(std::ranges::unique(names).begin(), names.end());
  if (const auto near = diag::suggest(name, names)) return fmt::format("; did you mean `{}`?", *near);
  if (names.empty() || names.size() > kMostNames) return "";
  return fmt::format("; there is {}", fmt::join(names, ", "));
}

// The one of several stores that has it; more than one is ambiguous. `names`: of all that are there.
template <typename Found>
base::Result<Found> only_one(std::vector<Found> found, std::string_view what, const std::string& name, base::ErrorCode none,
                             std::vector<std::string> names) {
  if (found.size() == 1) return std::move(found.front());
  if (found.empty())
    return base::failure(none, fmt::format("there is no {} `{}` here{}", what, name, instead(name, std::move(names))));
  std::vector<std::string> places;
  for (const Found& each : found) places.push_back(each.store->place);
  return base::failure(
      base::ErrorCode::CannotOpen,
      fmt::format("`{}` is ambiguous: {} have such a {}; name the FILE, or --state-dir", name, fmt::join(places, " and "), what));
}

// Where something that FILE declares is kept.
struct Place {
  const Store* store = nullptr;
  std::string object;
  std::map<std::string, std::string> options;
};

// By the name that FILE gives it, or else the store.
template <typename Declaration>
std::optional<Place> declared(const StoreSet& set, const std::vector<Declaration>& declarations, const std::string& name) {
  for (const bool by_object : {false, true}) {
    for (const Declaration& each : declarations) {
      const std::string object = ir::object_of(each);
      if ((by_object ? object : each.name) != name) continue;
      if (const Store* store = set.of(each.system)) return Place{store, object, each.options};
      return std::nullopt;
    }
  }
  return std::nullopt;
}

// Nobody makes a topic of a server by mistake: there the number of partitions has to be said.
std::int64_t partitions_in(const Place& place) {
  const auto& options = place.options;
  const auto found = options.find("partitions");
  std::int64_t result = place.store->path.empty() ? 0 : 1;
  if (found != options.end()) std::from_chars(found->second.data(), found->second.data() + found->second.size(), result);
  return result;
}

// One that FILE has may not have run yet; another name is a mistake. `stored`: the names of all that have.
Exit tell_no_unit(const StoreSet& set, const std::string& name, std::vector<std::string> stored, World& world) {
  const bool is_declared = set.compiled && std::ranges::count(set.compiled->program->units, name, &ir::Unit::name) > 0;
  if (name.empty()) return tell({base::ErrorCode::CannotOpen, "no unit has run yet", {}, -1}, set, world);
  if (is_declared)
    return tell({base::ErrorCode::CannotOpen, fmt::format("the unit `{}` has not run yet", name), {}, -1}, set, world);
  return misuse(world, fmt::format("there is no unit `{}` here{}", name, instead(name, std::move(stored))));
}

// What is wrong with the words beside the FILE; "": nothing.
std::string misread(const std::vector<std::string>& words, std::string_view thing) {
  const std::size_t wanted = thing.empty() ? 0 : 1;
  if (words.size() == wanted) return "";
  if (words.size() < wanted) return fmt::format("say which {}, as in `… {} [FILE]`", thing, thing);
  return words.back().ends_with(".pipe") ? fmt::format("`{}`: one FILE is enough", words.back())
                                         : fmt::format("`{}` is no FILE: its name does not end in .pipe", words.back());
}

}  // namespace

StoreSet stores_of(Compiled compiled, std::string state_dir, std::string base_dir, base::Clock& clock) {
  StoreSet set;
  set.state_dir = std::move(state_dir);
  set.base_dir = std::move(base_dir);
  set.pipeline = compiled.program->id;
  set.compiled = std::make_unique<Compiled>(std::move(compiled));
  add_stores_of(set, clock);
  return set;
}

std::expected<StoreSet, Exit> open_stores(const Arguments& arguments, World& world, std::string_view thing) {
  StoreSet set;
  set.words = arguments.all("WORDS");
  set.state_dir = arguments.text("--state-dir", ".piperun");
  const auto file = std::ranges::find_if(set.words, [](const std::string& word) { return word.ends_with(".pipe"); });
  const std::string path = file == set.words.end() ? "" : std::move(*file);
  if (file != set.words.end()) set.words.erase(file);
  if (const std::string wrong = misread(set.words, thing); !wrong.empty()) return std::unexpected(misuse(world, wrong));
  auto options = compile_options(arguments, world);
  if (!options) return std::unexpected(misuse(world, options.error()));
  if (path.empty()) {
    if (options->range) return std::unexpected(misuse(world, "--as NAME is a run of a FILE's pipeline: name the FILE"));
    add_stores_in(set.state_dir, set, world.clock);
    if (!set.stores.empty()) return set;
    return std::unexpected(misuse(world, fmt::format("there is no data in {}; name the FILE, or --state-dir", set.state_dir)));
  }
  options->run = !options->local;  // what env() says is where the data is
  auto compiled = compile_file(path, *options);
  if (!compiled) return std::unexpected(tell(compiled.error(), world));
  if (!compiled->ok()) {  // warnings are for who runs it
    world.err << diag::render(compiled->report, *compiled->sources, {.colour = world.colour});
    return std::unexpected(Exit::WrongFile);
  }
  StoreSet found = stores_of(std::move(*compiled), std::move(set.state_dir), folder_of(path), world.clock);
  found.words = std::move(set.words);
  return found;
}

Exit tell(const base::Error& error, const StoreSet& set, World& world) {
  std::vector<std::string> helps;
  const bool is_unreachable = error.code == base::ErrorCode::SystemUnavailable || error.code == base::ErrorCode::CannotOpen ||
                              error.code == base::ErrorCode::SecretMissing;
  for (ir::SystemId id = 0; set.compiled && is_unreachable && id < set.compiled->program->systems.size(); ++id) {
    const ir::System& system = set.compiled->program->systems[id];
    const std::string stand_in = (fs::path(set.state_dir) / (system.name + ".db")).string();
    if (!is_server(system) || !fs::exists(stand_in)) continue;
    helps.push_back(fmt::format("with `--local`, what a run with --local has stored in {} is looked at", stand_in));
    break;
  }
  // Who asks for a secret learns no more than that there is none.
  const bool lacks_secret = set.compiled && error.code == base::ErrorCode::SecretMissing;
  const std::string why = lacks_secret ? unusable_secrets(*set.compiled->program) : "";
  return why.empty() ? tell(error, world, helps) : tell({error.code, why, {}, -1}, world, helps);
}

base::Result<void> each_store(const StoreSet& set, const VisitStore& visit) {
  for (const Store& store : set.stores) {
    if (!store.is_there()) continue;
    if (auto visited = visit(store); !visited) return visited;
  }
  return {};
}

base::Result<std::vector<StoredUnit>> stored_units(const StoreSet& set, AwayStores* away) {
  std::vector<StoredUnit> units;
  const auto done = each_store(set, [&](const Store& store) -> base::Result<void> {
    auto ledgers = store.data->ledgers(set.pipeline);
    if (!ledgers && away != nullptr && base::traits(ledgers.error().code).error_class == base::ErrorClass::Transient) {
      away->emplace_back(&store, std::move(ledgers.error()));
      return {};
    }
    if (!ledgers) return std::unexpected(ledgers.error());
    for (UnitLedger& ledger : *ledgers) {
      const bool is_known = std::ranges::any_of(units, [&](const StoredUnit& unit) {  // two connections may lead to one server
        return set.compiled && unit.ledger.pipeline == ledger.pipeline && unit.ledger.unit == ledger.unit;
      });
      if (!is_known) units.push_back({&store, std::move(ledger)});
    }
    return {};
  });
  if (!done) return std::unexpected(done.error());
  return units;
}

std::expected<StoredUnit, Exit> find_unit(const StoreSet& set, const std::string& name, World& world) {
  auto units = stored_units(set);
  if (!units) return std::unexpected(tell(units.error(), set, world));
  std::vector<std::string> all;
  for (const StoredUnit& unit : *units) all.push_back(unit.ledger.unit);
  std::erase_if(*units, [&](const StoredUnit& unit) { return !name.empty() && unit.ledger.unit != name; });
  if (units->size() > 1) {  // what is left of a unit that went elsewhere; not one whose positions were lost
    base::Result<void> asked;
    std::erase_if(*units, [&](const StoredUnit& unit) {
      if (!unit.ledger.positions.empty()) return false;
      const auto lost = lost_topics(set, unit);
      if (!lost) asked = std::unexpected(lost.error());
      return lost && lost->empty();
    });
    if (!asked) return std::unexpected(tell(asked.error(), set, world));
  }
  if (units->size() == 1) return std::move(units->front());
  if (units->empty()) return std::unexpected(tell_no_unit(set, name, std::move(all), world));
  std::vector<std::string> names;
  for (const StoredUnit& unit : *units)
    names.push_back(fmt::format("{} of {} in {}", unit.ledger.unit, unit.ledger.pipeline, unit.store->place));
  return std::unexpected(misuse(
      world, fmt::format("which unit: {}? Say --unit NAME{}", fmt::join(names, "; "), set.compiled ? "" : ", or the FILE")));
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
    if (!place) {
      std::vector<ir::Table> topics = program.tables;  // of a cluster; in a stand-in they are tables
      std::erase_if(topics, [&](const ir::Table& table) {
        const ir::System& system = program.systems[table.system];
        return system.kind != ir::SystemKind::Kafka || system.stand_in;
      });
      place = declared(set, topics, name);
    }
    if (place && (missing_ok || place->store->is_there())) return FoundTopic{place->store, place->object, partitions_in(*place)};
  }
  std::vector<FoundTopic> found;
  std::vector<std::string> names;
  const auto done = each_store(set, [&](const Store& store) -> base::Result<void> {
    const auto topics = store.data->topics();
    if (!topics) return std::unexpected(topics.error());
    for (const ListedTopic& topic : *topics) names.push_back(topic.name);
    if (std::ranges::count(*topics, name, &ListedTopic::name) > 0) found.push_back({&store, name, 0});
    return {};
  });
  if (!done) return std::unexpected(done.error());
  return only_one(std::move(found), "topic", name, base::ErrorCode::NoSuchTopic, std::move(names));
}

base::Result<FoundTable> find_table(const StoreSet& set, const std::string& name) {
  if (set.compiled) {
    const ir::Program& program = *set.compiled->program;
    auto place = declared(set, program.tables, name);
    if (!place) place = declared(set, program.sinks, name);
    if (place && place->store->is_there()) return FoundTable{place->store, place->object};
  }
  std::vector<FoundTable> found;
  std::vector<std::string> names;
  const auto done = each_store(set, [&](const Store& store) -> base::Result<void> {
    const auto tables = store.data->tables();
    if (!tables) return std::unexpected(tables.error());
    for (const ListedTable& table : *tables) names.push_back(table.name);
    if (std::ranges::count(*tables, name, &ListedTable::name) > 0) found.push_back({&store, name});
    return {};
  });
  if (!done) return std::unexpected(done.error());
  return only_one(std::move(found), "table", name, base::ErrorCode::NoSuchTable, std::move(names));
}

}  // namespace piperun::cli
