// What semantic analysis found out about a program, in tables beside the tree: plan lowers AST + Facts to the IR.
// Complete only if the report has no errors. Expressions are found by ExprId, declarations by the ids below.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "lang/ast/ast.h"
#include "lang/sema/constant.h"
#include "lang/value/type.h"

namespace piperun::sema {

using ast::ExprId;
using source::Span;
using value::TypeId;

// Indices into the vectors of Facts.
using ConnectionId = std::uint32_t;
using SourceId = std::uint32_t;
using TableId = std::uint32_t;
using SinkId = std::uint32_t;
using FlowId = std::uint32_t;
using FunctionId = std::uint32_t;
using ParamId = std::uint32_t;
inline constexpr std::uint32_t kNone = ~std::uint32_t{0};

// ---- Expressions

enum class Meta : std::uint8_t { Key, Headers, Timestamp, Topic, Partition, Offset };  // types: see meta_columns() in meta.h

enum class FoldKind : std::uint8_t { Count, Sum, Min, Max, Avg, Any, All, First, Last, List, Join };

// What an expression names. Compositional: of `customer.name` the NameRef `customer` is a ColumnRef and the Member a FieldRef.
// of the stage's `before` schema; in a sink's options: of SinkFact::columns
struct ColumnRef {
  int column;
};
// the Member `meta.key`; its object has no fact. `meta.headers["x"]` is a MapRef on it
struct MetaRef {
  Meta column;
};
// Member: field of a record value
struct FieldRef {
  int field;
};
struct MapRef {};                             // Member or Index into a map; the result is nullable
struct JsonRef {};                            // Member or Index (by string or int64) into json; can fail
struct ListRef {};                            // Index into a list; can fail
struct ConstantRef {};                        // const, enum value or `$param` (not secret): ExprFact::constant has it
// `$param` that is a secret: only an argument of a function that takes one
struct SecretRef {
  ParamId param;
};
// in a function's body
struct ArgumentRef {
  int parameter;
};
// of a fold: FoldCall::variable
struct VariableRef {
  std::uint32_t variable;
};
struct LookupRef {                            // Index `table[key]`: the row, of the table's record type, nullable
  TableId table;
  std::vector<ExprId> keys;                   // one per key field of the table; `target` is the field's type
};
// declared with a body: to be inlined; arguments as written
struct FunctionCall {
  FunctionId function;
};
// `intrinsic fn` or built-in: `text.upper`; arguments as written
struct NativeCall {
  std::string name;
};
// built-in with instructions of its own; `op` is catalog::Function::op (`round`, `now`, …)
struct OpCall {
  std::string op;
};
struct FailCall {};                           // fail("…"): argument 0 is the message, a string
struct FoldCall {  // sum(x for x in xs if c), or sum(xs): then the Argument has no Fold and x stands for itself
  FoldKind kind;
  std::uint32_t variable;  // VariableRef::variable of the element
  TypeId element;  // type of the list's elements
};
using Resolution = std::variant<std::monostate, ColumnRef, MetaRef, FieldRef, MapRef, JsonRef, ListRef, ConstantRef, SecretRef,
                                ArgumentRef, VariableRef, LookupRef, FunctionCall, NativeCall, OpCall, FailCall, FoldCall>;

struct ExprFact {
  TypeId type;  // of its value. A narrowed name (`ref` after `ref is not null`) has the type without `?`
  TypeId target;  // what its context wants: equal to `type`, or wider. Conversions are exactly: T → T?, Null → T?,
      // Never → T, int64 → decimal, decimal → wider decimal, and these inside lists, maps and records
      // (records: field by name)
  Resolution names;
  std::uint32_t constant =
      kNone;  // Facts::constants: its value is known here, already of type `target`. Set on literals, consts,
      // enum values and params, and what analysis folded; lower the constant and do not look below it
  bool narrowed = false;  // the thing named is stored as `T?`, here it is known to be there: take the payload
  bool can_fail = false;  // a failure of it or of a part is neither caught nor `!`ed inside (overflow does not count)
  bool is_volatile = false;  // now(), a look-up, a volatile column, and all that is computed from them
  bool is_secret = false;
};
// Binary operators: the operands' `target` are the types the operation works on. Arithmetic: result type is `type`; for + - % of
// decimals both targets have the result's scale, for * they keep their own. Comparison and `in`: both (or the element) have one type.
// `=`/`!=` with a nullable side: both targets are nullable. `/` of decimals: `type` is the declared result.

// ---- Records while they flow

struct Column {
  std::string name;
  TypeId type;
  bool is_volatile = false;
  Span where;  // where it came into being, for labels
};

struct RowSchema {
  std::vector<Column> columns;  // what users see, in order
  bool has_meta = false;  // meta.* may be read here (until map, a stateful stage or a keyed stream ends it)
  bool has_extra = false;  // undeclared fields are carried (source option extra = keep, until map)
  bool is_keyed = false;  // behind `delete when`
  bool has_key = false;  // behind `key by`
};

// A column, or a field of records inside it: `address.city`.
struct ColumnPath {
  int column = -1;
  std::vector<int> fields;  // one per further part
  TypeId type;  // of what it ends at, without `?` if `narrowed`; never null in a key
  bool narrowed = false;  // a field on the way or at its end is stored as `T?` but known to be there
};

struct Stream {  // what `from` names
  enum class Kind : std::uint8_t { Source, Flow } kind;
  std::uint32_t id;  // SourceId or FlowId
};

struct FromFact {
  std::vector<Stream> inputs;
  // Per input and output column: the column of the input's schema, converted to the output's type. -1: null.
  std::vector<std::vector<int>> columns;
};
struct FilterFact {};  // AST: condition. Columns that it proves to be there lose their `?` in `after`
struct SetFact {  // AST: value; its `target` is the type set
  ColumnPath target;  // in `after`. A new column is the last one
  bool is_new = false;  // the column did not exist before
};
struct MapFact {  // AST: entries; one column of `after` each, in the order of `after`
  std::vector<ExprId> values;
};
struct DropFact {
  std::vector<ColumnPath> fields;  // in `before`; a nested one changes the record type of its column (see `after`)
};
struct FlattenFact {  // AST: list. `after` = before + element [+ int64 index]
  TypeId element;
};
struct DedupFact {
  std::vector<ColumnPath> keys;
  std::int64_t within = 0;  // microseconds
};
struct EnrichFact {  // AST: value, with one LookupRef inside; `after` = before + the column NAME
  ExprId lookup;  // the Index
  TableId table = kNone;
};
struct KeyFact {
  std::vector<ColumnPath> keys;
};
struct DeleteFact {};  // AST: condition
struct RouteFact {
  std::vector<SinkId> sinks;  // one per case of the AST
};
struct ToFact {
  SinkId sink = kNone;
  SinkId after = kNone;
};
struct OtherStage {};  // [T] or faulty: reported
using StageDetail = std::variant<OtherStage, FromFact, FilterFact, SetFact, MapFact, DropFact, FlattenFact, DedupFact, EnrichFact,
                                 KeyFact, DeleteFact, RouteFact, ToFact>;

struct StageFact {
  RowSchema before;  // of `from`: empty
  RowSchema after;
  StageDetail detail;
};

// ---- Options and error policies

struct Secret {
  std::string name;  // variable, or NAME_FILE
};
struct OptionValue;
using OptionMap = std::map<std::string, OptionValue>;
struct OptionValue {
  // Constant: numbers, strings, durations, timestamps, bools, lists of strings; env() and $param are resolved.
  // string (alone): a bare word of the catalog's list, `earliest`. ExprId: an expression over the record (headers, value, …).
  // paths: `key`, `version`, `event_time`. pair: a range of durations, microseconds.
  std::variant<Constant, std::string, Secret, ExprId, std::vector<std::string>, std::pair<std::int64_t, std::int64_t>, OptionMap>
      value;
  Span name_span;
  Span span;

  // Text of a string, word, number (as the program would print it), or "secret:NAME"; "" for the rest.
  std::string text(const value::TypeTable& types) const;
};

enum class DeadLetter : std::uint8_t { Keep, Skip, Stop, Sink };
enum class Original : std::uint8_t { Keep, Hash, Omit };
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

struct Connection {  // `connection NAME = …`, or an inline connector named after its declaration
  std::string name;  // two uses are the same system exactly if they have the same ConnectionId
  std::string connector;  // catalog name: `kafka`
  OptionMap options;  // those written at the connection (inline: those of the declaration that concern the system)
  bool is_inline = false;
  Span where;
};

enum class TimeUnit : std::uint8_t { Rfc3339, Seconds, Millis, Micros };
struct FieldFormat {  // how the data writes one field of a record type
  std::string data_name;
  std::optional<Constant> absent;  // value when absent or null, of the field's type
  TimeUnit time = TimeUnit::Rfc3339;
};

enum class Format : std::uint8_t { Json, Csv, Raw, Avro, Protobuf };
enum class ExtraFields : std::uint8_t { Ignore, Error, Keep };
enum class Tombstone : std::uint8_t { Fail, Skip, Delete };
enum class DecimalForm : std::uint8_t { Number, String };
enum class NullForm : std::uint8_t { Write, Omit };
enum class Conflict : std::uint8_t { Error, Update, Ignore };

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
  std::vector<Column> columns;  // what flows in, as the first flow orders it (others: by name, T → T? where they differ);
      // is_volatile if it is so in any flow. Empty if only dead letters go there
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

enum class Delivery : std::uint8_t { AtMostOnce, AtLeastOnce, ExactlyOnce };
enum class CommitMode : std::uint8_t { Sync, Async, Hybrid };
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
