// Where the data of a pipeline lies. With a FILE: in the systems that it names, or with --local in their stand-ins. Without one every
// database file below the state directory is searched.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lang/ir/program.h"
#include "runtime/piperun/compile.h"
#include "runtime/piperun/stored_system.h"

namespace piperun::cli {

// The file that holds a system that runs as an embedded database; "" for others.
std::string database_path(const ir::Program& program, ir::SystemId system, const std::string& state_dir,
                          const std::string& base_dir);
std::string folder_of(const std::string& path);  // "." if it names none

struct Store {
  std::string place;  // for people: the path of a file, the name of a connection
  std::string path;  // of a file; "": a server
  std::vector<ir::SystemId> systems;  // of FILE that are this one
  std::unique_ptr<StoredSystem> data;

  bool is_there() const;  // a file may not have been made yet
};

// What `[FILE]`, --local, --state-dir and the rest of the command line name. What points to its stores stays valid when it is moved.
struct StoreSet {
  std::vector<Store> stores;
  std::unique_ptr<Compiled> compiled;  // of FILE; null without one
  std::string pipeline;  // its id, or that of --as; "": any
  std::string state_dir, base_dir;
  std::vector<std::string> words;  // the other positions

  const Store* of(ir::SystemId system) const;  // null: such a system stores nothing
};

// All systems of a program. `state_dir`, `base_dir`: as make_connectors takes them.
StoreSet stores_of(Compiled compiled, std::string state_dir, std::string base_dir, base::Clock& clock);

// `WORDS`: positions, of which one that ends in `.pipe` is the FILE; besides it one word if the command is about a `thing` (TOPIC,
// TABLE), else none. Prints what is wrong with it.
std::expected<StoreSet, Exit> open_stores(const Arguments& arguments, World& world, std::string_view thing = {});

// As `tell`; a server that does not answer may be one whose stand-in was meant.
Exit tell(const base::Error& error, const StoreSet& set, World& world);

// Calls `visit` for each store that is there, until one fails.
using VisitStore = std::function<base::Result<void>(const Store&)>;
base::Result<void> each_store(const StoreSet& set, const VisitStore& visit);

// One unit of one pipeline, in the store that holds its positions.
struct StoredUnit {
  const Store* store = nullptr;
  UnitLedger ledger;
};
using AwayStores = std::vector<std::pair<const Store*, base::Error>>;
// `away`: takes the systems that do not answer, of whose units nothing is known then; null: the first such is the error.
base::Result<std::vector<StoredUnit>> stored_units(const StoreSet& set, AwayStores* away = nullptr);
// The one of these units that has that name; the only one if the name is "". Prints what is wrong with it.
std::expected<StoredUnit, Exit> find_unit(const StoreSet& set, const std::string& name, World& world);

// A topic by its name, or by that of a source or sink of FILE. `missing_ok`: with a FILE that names it, it need not be there yet.
struct FoundTopic {
  const Store* store = nullptr;
  std::string name;
  std::int64_t partitions = 0;  // that FILE gives a topic which is to be made; 0: nothing names this topic
};
base::Result<FoundTopic> find_topic(const StoreSet& set, const std::string& name, bool missing_ok = false);

// The same for a table.
struct FoundTable {
  const Store* store = nullptr;
  std::string name;
};
base::Result<FoundTable> find_table(const StoreSet& set, const std::string& name);

}  // namespace piperun::cli
