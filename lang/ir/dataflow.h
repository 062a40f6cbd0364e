// The dataflow half of a program: sources, operators and sinks as a graph, and what each of them must know.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "lang/ir/choices.h"
#include "lang/ir/function.h"

namespace piperun::ir {

using SystemId = std::uint32_t;
using SourceId = std::uint32_t;
using TableId = std::uint32_t;
using SinkId = std::uint32_t;
using NodeId = std::uint32_t;

enum class SystemKind : std::uint8_t { Kafka, Postgres, Embedded, File, Stdin, Stdout, Generate, Http, StateStore };

// A connection. Two uses are the same system exactly if they have the same id. `stand_in`: under --local an embedded database
// `<state dir>/<name>.db` does its work; the plan stays the same.
struct System {
  std::string name;
  SystemKind kind;
  std::map<std::string, std::string> options;  // resolved; a secret is kept as "secret:NAME" and read when connecting
  bool stand_in = false;
};

// How the data writes one field of a record type.
struct FieldFormat {
  std::string data_name;
  std::optional<Constant> absent;  // value when absent or null
  TimeUnit time = TimeUnit::Rfc3339;
};

enum class Format : std::uint8_t { Json, Csv, Raw };

struct Source {
  std::string name;
  SystemId system = 0;
  std::string object;                          // topic, path pattern
  value::TypeId type;                          // record type of the data
  Format format = Format::Json;
  ExtraFields extra = ExtraFields::Ignore;     // Keep: column #extra
  Tombstone tombstone = Tombstone::Fail;
  std::vector<int> key;                        // fields that make the key of a tombstone = delete
  int event_time = -1;                         // field, or -1: the log's timestamp
  std::string start = "earliest";              // earliest | latest | none | an RFC 3339 time
  std::string stop_at;                         // "" or an RFC 3339 time
  std::string sample;                          // file that fills the topic under --local; "" for none
  std::map<std::string, std::string> options;  // the connector's own, by name
  bool replayable = true;                      // false: stdin
  Site site;
};

struct Table {
  std::string name;
  SystemId system = 0;
  std::string object;                          // table, path
  value::TypeId type;                          // record
  std::vector<int> key;                        // fields
  Format format = Format::Json;
  std::int64_t cache = 0;                      // microseconds; 0: every batch reads anew
  std::string sample;
  std::map<std::string, std::string> options;
  Site site;
};

struct Sink {
  std::string name;
  SystemId system = 0;
  std::string object;                          // table, topic, path
  Schema columns;                              // what flows in, without hidden columns
  std::vector<int> key;                        // columns; rows with the same key are one row
  int version = -1;                            // column: the newer row wins; -1: the later write wins
  Conflict on_conflict = Conflict::Error;
  Format format = Format::Json;
  DecimalForm decimals = DecimalForm::Number;
  NullForm nulls = NullForm::Write;
  bool is_topic = false;                       // appends records; else rows of a table, or lines of a file
  bool is_keyed = false;                       // takes deletes
  std::vector<std::string> headers;            // names; columns #header.NAME carry the values
  bool idempotent_by_key = false;              // http with idempotency_key
  std::map<std::string, std::string> options;
  Site site;
};

// ---- Operators. A row is the cells of its schema in order; `columns` are indices into the input schema.

// Output: the decoded fields that are read (all are checked), in the order of the type and by name; then the hidden columns that are
// read: #time timestamp (the event time field, which is then among the decoded ones; else the log's timestamp) · #extra json (one object
// of the undeclared fields) · #delete bool (a tombstone: only the source's key fields have values, all others are zero, null where they may be) ·
// #meta.key, #meta.headers, #meta.timestamp, #meta.topic, #meta.partition, #meta.offset (types: as the column says).
struct Input {
  SourceId source;
};
// stateless; port = the Emit's port
struct Apply {
  FunctionId function;
};
// input's last column is the list; output: the others, the element[, its number from 0]
struct Flatten {
  bool with_index = false;
};
struct Dedup {
  std::string name;  // durable: `paid_lines.dedup`
  std::vector<int> key;
  int time = -1;  // column, timestamp
  std::int64_t within = 0;  // microseconds
  std::vector<std::string> fields = {};  // what the key is, as programs write it: `order_id`, `address.city`
};
struct Enrich {
  TableId table;
  std::vector<int> key;  // output: input, then the table's record, null if there is no such row
};
struct Output {
  SinkId sink;
  std::vector<int> columns;  // one per Sink::columns
  std::vector<int> headers;  // one per Sink::headers
  int remove = -1;  // bool column: delete the key instead of writing; -1: never
  std::vector<int> message_key;  // of a topic record; empty: the sink's key, else none
  int value = -1;  // column that is the whole value (`value = payload`); -1: encode the columns
  int extra = -1;  // column #extra: undeclared fields to carry along
  int idempotency = -1;  // column with the id a receiver ignores twice (`idempotency_key = e`)
};

struct ErrorPolicy {
  int retry = 5;
  std::int64_t backoff_min = 200'000, backoff_max = 30'000'000;  // microseconds
  std::int64_t pause = 30'000'000;
  bool give_up = false;  // stop instead of pausing
  DeadLetter dead_letter = DeadLetter::Stop;
  SinkId dead_letter_sink = kNone;
  using Original = ir::Original;
  Original original = Original::Keep;
};

struct Edge {
  NodeId to;
};
struct Node {
  std::string flow;  // flow and stage it comes from, for explain and dead letters
  std::string stage;
  std::variant<Input, Apply, Flatten, Dedup, Enrich, Output> op;
  std::vector<std::vector<Edge>> next;  // per port; one port unless Apply has more
  Schema output;  // of port 0
  bool is_volatile = false;  // computes from now() or a look-up
  std::uint32_t policy = 0;  // index into Program::policies
  Site site;
};

// Nodes are in topological order: an edge leads to a greater id.
struct Dataflow {
  std::vector<Node> nodes;
};

}  // namespace piperun::ir
