// A whole program in its executable form: made by plan, printed by --emit=ir, explored by the prover, run by the engine.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lang/ir/dataflow.h"
#include "lang/ir/protocol.h"
#include "lang/value/arena.h"

namespace piperun::ir {

// An operator with durable state, named as users and upgrades know it.
struct StateSchema {
  std::string name;                 // `paid_lines.dedup`
  std::string kind;                 // `dedup`
  std::vector<std::string> key;     // types, as text
  std::int64_t within = 0;          // microseconds
  std::vector<std::string> fields = {};  // what the key is: `order_id`, `address.city`
};

// A part of the program with positions, keys, state, dead letters and output in one transaction of one system.
struct Unit {
  std::string name;                 // `<source connection>.<domain connection>`
  SystemId source_system = 0;
  SystemId domain = 0;
  std::vector<SourceId> sources;    // in name order
  std::vector<SinkId> sinks;
  std::vector<TableId> tables;
  Dataflow dataflow;
  std::vector<StateSchema> operators;
  Protocol protocol;
};

// An internal topic between two units of a chain.
struct Link {
  std::string topic;                // `<id>.<name>`
  SystemId system = 0;
  SinkId sink = 0;                  // of the writing unit
  SourceId source = 0;              // of the reading units
};

// Movable, not copyable: constants point into `memory`.
struct Program {
  std::string name;
  std::string id;                   // durable identity
  Delivery delivery = Delivery::AtLeastOnce;
  CommitMode commit_mode = CommitMode::Sync;
  std::int64_t commit_interval = 200'000;  // microseconds
  std::int64_t commit_records = 1'000;
  bool local = false;

  value::TypeTable types;
  std::unique_ptr<value::Arena> memory;
  std::map<value::TypeId, std::vector<FieldFormat>> records;  // per record type with declared formats, one per field
  std::vector<std::string> files;
  std::vector<std::string> natives;   // by name, `text.upper`; Call::index
  std::vector<std::vector<value::TypeId>> native_arguments;  // per entry of `natives`: types of the arguments, then of the result
  std::vector<FoldSpec> folds;
  std::vector<Function> functions;

  std::vector<System> systems;
  std::vector<Source> sources;
  std::vector<Table> tables;
  std::vector<Sink> sinks;
  std::vector<ErrorPolicy> policies;  // [0] is the pipeline's

  Dataflow graph;  // of all flows, before it is cut
  std::vector<Unit> units;  // a writer of a link before its readers, unless units feed each other
  std::vector<Link> links;
};

}  // namespace piperun::ir
