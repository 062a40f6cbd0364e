// What the language knows beside its grammar, as tables: connectors, options, formats, functions, and what is not in this version.
// Sema checks against them, `piperun lang` prints them. All texts live as long as the program; no table is ever changed.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace piperun::catalog {

// Where an option may stand, as bits.
using Roles = std::uint8_t;
inline constexpr Roles kConnection = 1, kSource = 2, kTable = 4, kSink = 8;
inline constexpr Roles kAnywhere = kConnection | kSource | kTable | kSink;

enum class Availability : std::uint8_t {
  Now,  // runs in this version
  Later,  // is checked, then reported as not in this version
};

// What is written behind `name =`.
enum class ValueKind : std::uint8_t {
  Text,  // "…", env("X"), $param
  TextOrList,  // also ["…", "…"]
  Address,  // text that may hold a password: then only secret("X")
  Secret,  // secret("X") only
  Integer,  // not negative
  Boolean,
  Duration,  // 5s
  Backoff,  // 200ms..30s
  Word,  // one of `words`
  Position,  // one of `words`, or a timestamp
  Time,  // a timestamp
  Field,  // name of one field of the record
  Fields,  // one, or a list of them
  Expression,  // over the record
  Expressions,  // { "name" = expression, … } over the record
  Settings,  // { "name" = "text", … }
  DeadLetter,  // one of `words`, or the name of a sink
};

struct Option {
  std::string_view name;
  Roles roles;
  ValueKind kind;
  std::string_view words;  // separated by blanks; of Settings the names that there are, "": any
  std::string_view fallback;  // as it would be written; "": none
  bool required;
  Availability available;
  std::string_view doc;  // one line
};

// Which transaction can hold the positions and the output of a unit.
enum class Domain : std::uint8_t { None, Kafka, Postgres, Embedded };

struct Connector {
  std::string_view name;
  Roles roles;  // as which declaration it may be used
  Domain domain;  // None: no transaction of its own
  bool replayable;  // its records can be read again from a position
  bool holds_positions;  // it can store positions (a consumer group counts)
  bool upserts;  // sink: a row with a key that is there already can replace it
  bool deletes;  // sink: rows can be deleted by key (a topic: tombstones)
  bool has_headers;  // its records have headers
  bool has_keys;  // its records have a key beside the value
  bool reads_topics;  // `topic =` names what is read and written
  bool has_format;  // its records are bytes in a format
  Availability available;
  std::string_view system_options;  // names of the options that concern the system itself, separated by blanks
  std::string_view doc;
  std::span<const Option> options;
};

std::span<const Connector> connectors();
const Connector* find_connector(std::string_view name);  // null: no such connector
// The option of that name that may stand in one of `roles` (0: whatever it says); null if there is none.
const Option* find_option(std::span<const Option> options, std::string_view name, Roles roles = 0);

// The parts of a text that are separated by blanks: of Option::words, of Connector::system_options.
std::vector<std::string> words(std::string_view text);

std::span<const Option> pipeline_options();
std::span<const Option> error_options();  // of `on error { … }`
std::span<const Option> format_options();  // of every connector that has a format

struct Format {
  std::string_view name;
  Availability available;
  std::string_view doc;
};
std::span<const Format> formats();

// A librdkafka setting that `properties` refuses, since the guarantee depends on it.
struct RefusedProperty {
  std::string_view name;
  std::string_view reason;
  std::string_view allowed_if;  // value that is allowed under at_most_once; "": none
};
std::span<const RefusedProperty> refused_properties();

// ---- Functions

enum class CallKind : std::uint8_t {
  Native,  // `target` is the name of a native of the standard library
  Op,  // `target` is the name of an operation that lowering knows
};

// One overload. In signatures `T` is any type (the same wherever it stands), `decimal` any decimal (the result: that of the first
// argument), `secret` a secret parameter, `number` a literal; a trailing `!` says that it can fail.
struct Function {
  std::string_view name;
  std::string_view signature;
  CallKind kind;
  std::string_view target;
  bool is_volatile;
  std::string_view doc;  // one line
  std::string_view example;
};
std::span<const Function> functions();

// A fold over a list: `sum(l.qty for l in lines if l.qty > 0)`, or `sum(quantities)`.
struct FoldFunction {
  std::string_view name;
  std::string_view signature;  // of the values folded, to the result
  std::string_view doc;
  std::string_view example;
};
std::span<const FoldFunction> fold_functions();

// ---- Not in this version

struct Missing {
  std::string_view feature;  // `window`, `http`, …
  std::string_view what;  // begins the message: "`window` stages"
  std::string_view instead;  // a help line; may be empty
};
std::span<const Missing> missing();
const Missing& find_missing(std::string_view feature);  // it must be there

}  // namespace piperun::catalog
