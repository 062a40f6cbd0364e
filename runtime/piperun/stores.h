// Where the data of a pipeline lies: database files of stand-ins and state stores below the state directory. With a FILE its
// connections are looked up, without one every database file there is searched.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "lang/ir/program.h"
#include "runtime/connectors/embedded/inspector.h"
#include "runtime/piperun/compile.h"

namespace piperun::cli {

// The file that holds a system that runs as an embedded database; "" for others.
std::string database_path(const ir::Program& program, ir::SystemId system, const std::string& state_dir,
                          const std::string& base_dir);
std::string folder_of(const std::string& path);  // "." if it names none

struct Store {
  std::string name;  // of the file, without `.db`
  std::string path;
};

// What `[FILE]`, --state-dir and the rest of the command line name.
struct StoreSet {
  std::vector<Store> stores;
  std::optional<Compiled> compiled;      // of FILE
  std::string pipeline;                  // its id; "": any
  std::string state_dir, base_dir;
  std::vector<std::string> words;        // the other positions
};

// `WORDS`: positions, of which one that ends in `.pipe` is the FILE. Prints what is wrong with it.
std::expected<StoreSet, Exit> open_stores(const Arguments& arguments, World& world);

// Calls `visit` for each store whose file is there, until one fails.
using VisitStore = std::function<base::Result<void>(const Store&, embedded::Inspector&)>;
base::Result<void> each_store(const StoreSet& set, const VisitStore& visit);

// One unit of one pipeline, in the file that holds its positions.
struct StoredUnit {
  Store store;
  embedded::UnitLedger ledger;
};
base::Result<std::vector<StoredUnit>> stored_units(const StoreSet& set);

// A topic by its name, or by that of a source or sink of FILE. `missing_ok`: with a FILE that names it, it need not be there yet.
struct FoundTopic {
  Store store;
  std::string topic;
  std::int64_t partitions = 0;  // that FILE gives a topic which is to be made; 0: nothing names this topic
};
base::Result<FoundTopic> find_topic(const StoreSet& set, const std::string& name, bool missing_ok = false);

// The same for a table.
struct FoundTable {
  Store store;
  std::string table;
};
base::Result<FoundTable> find_table(const StoreSet& set, const std::string& name);

// Who else uses the table that does not fit a sink, as words for whoever must give one of them another place. Nothing for other errors.
std::vector<std::string> sharers(const ir::Program& program, const std::string& state_dir, const std::string& base_dir,
                                 const base::Error& error);

// The one of these units that has that name; the only one if the name is "".
base::Result<StoredUnit> find_unit(const StoreSet& set, const std::string& name);

}  // namespace piperun::cli
