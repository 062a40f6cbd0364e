// What semantic analysis found out about a program, in tables beside the tree: plan lowers AST + Facts to the IR.
// Complete only if the report has no errors. Expressions are found by ExprId, declarations by the ids of ids.h.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "lang/ast/ast.h"
#include "lang/ir/choices.h"
#include "lang/sema/constant.h"
#include "lang/sema/expression_facts.h"
#include "lang/sema/ids.h"
#include "lang/sema/row.h"
#include "lang/sema/stage_facts.h"
#include "lang/value/type.h"

namespace piperun::sema {

// ---- Options and error policies

struct Secret {
  std::string name;  // variable, or NAME_FILE
};
struct OptionValue;
using OptionMap = std::map<std::string, OptionValue>;
struct OptionValue {
  // Constant: numbers, strings, durations, timestamps, bools, lists of strings; env() and $param are resolved.
  // string: a bare word of the catalog's list, `earliest`. ExprId: an expression over the record (headers, value, …).
  // vector: the fields of `key`, `version`, `event_time`. pair: a range of durations, microseconds. OptionMap: what braces hold.
  std::variant<Constant, std::string, Secret, ExprId, std::vector<std::string>, std::pair<std::int64_t, std::int64_t>, OptionMap>
      value;
  Span name_span;
  Span span;

  // Text of a string, word, number (as the program would print it), or "secret:NAME"; "" for the rest.
  std::string text(const value::TypeTable& types) const;
};

using ir::DeadLetter;
using ir::Original;
struct ErrorPolicy {
  std::int64_t retry = 5;
  std::int64_t backoff_min = 200'000, backoff_max = 30'000'000;  // microseconds
  std::int64_t pause = 30'000'000;
  bool give_up = false;  // `give_up = stop`
  DeadLetter dead_letter = DeadLetter::Stop;
  SinkId dead_letter_sink = kNone;
  Original original = Original::Keep;
};

// ---- Declarations

// `connection NAME = …`, or an inline connector named after its declaration. Two uses are the same system exactly if they have the
// same ConnectionId.
struct Connection {
  std::string name;
  std::string connector;  // catalog name: `kafka`
  OptionMap options;  // those written at the connection (inline: those of the declaration that concern the system)
  bool is_inline = false;
  Span where;
};

using ir::TimeUnit;
// How the data writes one field of a record type.
struct FieldFormat {
  std::string data_name;
  std::optional<Constant> absent;  // value when absent or null, of the field's type
  TimeUnit time = TimeUnit::Rfc3339;
};

enum class Format : std::uint8_t { Json, Csv, Raw, Avro, Protobuf };
using ir::Conflict;
using ir::DecimalForm;
using ir::ExtraFields;
using ir::NullForm;
using ir::Tombstone;

struct SourceFact {
  std::string name;
  ConnectionId connection = kNone;
  TypeId type;  // record
  std::string object;  // topic, path pattern, table of an outbox; "" for stdin, generate
  Format format = Format::Json;
  ExtraFields extra = ExtraFields::Ignore;
  Tombstone tombstone = Tombstone::Fail;
  std::vector<int> key;  // fields; of `key = …`, for tombstones
  int event_time = -1;  // field, a timestamp never null
  std::string start = "earliest";  // earliest | latest | none | RFC 3339
  std::string stop_at;
  std::string sample;  // as written: relative to the folder of the file that is run
  OptionMap options;  // all that were given, with those of the connection below them
  Span where;  // the name
};
struct TableFact {
  std::string name;
  ConnectionId connection = kNone;
  TypeId type;
  std::string object;
  std::vector<int> key;  // fields
  Format format = Format::Json;
  std::int64_t cache = 0;  // microseconds
  std::string sample;
  OptionMap options;
  Span where;
};
struct SinkFact {
  std::string name;
  ConnectionId connection = kNone;
  std::string object;
  // What flows in, as the first flow orders it; the others by name, T → T? where they differ, volatile if it is so in any. Empty
  // if only dead letters go there.
  Columns columns;
  std::vector<int> key;  // columns
  int version = -1;  // column
  Conflict on_conflict = Conflict::Error;
  Format format = Format::Json;
  DecimalForm decimals = DecimalForm::Number;
  NullForm nulls = NullForm::Write;
  std::vector<std::pair<std::string, ExprId>> headers;  // expressions over `columns`, strings
  ExprId payload;  // `value = …`; none: the columns are encoded
  ExprId idempotency_key;
  bool is_topic = false;  // `object` is a topic
  bool is_dead_letter_sink = false;
  bool is_used = false;
  bool takes_deletes = false;  // a keyed stream flows in
  OptionMap options;
  Span where;
};
struct ParamFact {
  std::string name;
  TypeId type;
  std::optional<Constant> value;  // given or default; absent: it is a secret (or missing, which was reported)
  std::optional<Secret> secret;
  Span where;
};
struct FunctionFact {
  std::string name;
  std::uint32_t module = 0;
  std::vector<std::string> parameter_names;
  std::vector<TypeId> parameters;
  TypeId result;
  ExprId body;  // none: native
  std::string native;  // `text.upper`
  bool can_fail = false;  // calls need `!` or `catch`
  bool is_volatile = false;
  Span where;
};
struct FlowFact {
  std::string name;
  std::uint32_t declaration = 0;  // index into the main module's declarations
  std::vector<StageFact> stages;  // one per stage of the AST
  RowSchema output;  // behind the last stage: what `from NAME` reads
  std::vector<FlowId> readers;
  ErrorPolicy policy;  // the pipeline's, with what this flow overrides
  bool has_policy = false;  // it overrides something
  Span where;
};

using ir::CommitMode;
using ir::Delivery;
struct PipelineFact {
  std::string name;
  std::string id;
  Delivery delivery = Delivery::AtLeastOnce;
  Span delivery_span;  // of the option's value; of the pipeline's name if there is none
  CommitMode commit_mode = CommitMode::Sync;
  std::int64_t commit_interval = 200'000;  // microseconds
  std::int64_t commit_records = 1'000;
  ErrorPolicy policy;
  Span where;
};

struct Facts {
  value::TypeTable types;
  std::vector<ExprFact> exprs;  // by ExprId; those of unused functions too. Never looked at: `type` is Error
  std::vector<Constant> constants;
  std::map<TypeId, std::vector<FieldFormat>> records;  // declared record types: one entry per field

  PipelineFact pipeline;
  std::vector<Connection> connections;
  std::vector<SourceFact> sources;
  std::vector<TableFact> tables;
  std::vector<SinkFact> sinks;
  std::vector<ParamFact> params;
  std::vector<FunctionFact> functions;
  std::vector<FlowFact> flows;  // in the order of the file
  std::vector<FlowId> flow_order;  // every flow behind those it reads

  const ExprFact& operator[](ExprId id) const { return exprs[id.index]; }
};

}  // namespace piperun::sema
