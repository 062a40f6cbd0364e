// The stages of a flow. What is optional and absent is an id of none, an empty list or nullopt.
#pragma once
#include <optional>
#include <variant>
#include <vector>

#include "lang/ast/expr.h"

namespace piperun::ast {

struct ErrorStage {};  // a mistake was reported here: what flows on is unknown

// `within` of dedup (a duration) and join (a duration or a Range).
struct Within {
  Span span;
  ExprId value;  // none for `forever`
};

struct Late {  // `late drop`, `late to sink`
  Span span;
  std::optional<Name> sink;  // nullopt: drop
};

struct FromStage {  // from a, b [as T]
  std::vector<Name> inputs;
  TypeExprId as;
};
struct FilterStage {
  ExprId condition;
};
struct SetStage {  // set address.city = value
  Path target;
  ExprId value;
};
struct MapStage {  // map [T] { a, b = e }
  TypeExprId type;
  std::vector<Entry> entries;
};
struct DropStage {
  std::vector<Path> fields;
};
struct FlattenStage {  // flatten list as element [at index]
  ExprId list;
  Name element;
  std::optional<Name> index;
};
struct DedupStage {
  std::vector<Path> keys;
  Within within;
};
struct EnrichStage {  // enrich name = table[key] …
  Name name;
  ExprId value;
};
struct KeyStage {  // key by a, b
  std::vector<Path> keys;
};
struct DeleteStage {  // delete when condition
  ExprId condition;
};
struct RouteCase {
  Span span;
  ExprId condition;  // none: `else`
  Name sink;
};
struct RouteStage {
  std::vector<RouteCase> cases;
};
struct ToStage {  // to sink [after other]
  Name sink;
  std::optional<Name> after;
};
enum class WindowKind : std::uint8_t { Tumbling, Hopping, Sliding, Session };
struct WindowStage {
  WindowKind kind;
  ExprId size;   // of a session: the gap
  ExprId every;  // Hopping
  ExprId max;    // Session, optional
  ExprId grace;  // optional
  std::optional<Late> late;
};
enum class JoinKind : std::uint8_t { Inner, Left, Full };
struct JoinStage {  // [left|full] join name = stream on condition within R [late …]
  JoinKind kind;
  Name name;
  Name stream;
  ExprId on;
  Within within;
  std::optional<Late> late;
};
struct AggregateStage {  // aggregate [by a, b] { n = count() }
  std::vector<Path> by;
  std::vector<Entry> entries;
};
struct TopStage {  // top count by e [asc] [per a, b] [with ties]
  ExprId count;
  ExprId by;
  bool ascending;
  std::vector<Path> per;
  bool with_ties;
};
struct TimeStage {  // time by e
  ExprId by;
};

using StageNode =
    std::variant<ErrorStage, FromStage, FilterStage, SetStage, MapStage, DropStage, FlattenStage, DedupStage, EnrichStage,
                 KeyStage, DeleteStage, RouteStage, ToStage, WindowStage, JoinStage, AggregateStage, TopStage, TimeStage>;

struct Stage {
  StageNode node;
  Span span;                         // of the whole stage
  Span keyword;                      // of its first word
  std::optional<Name> durable_name;  // `as NAME`
};

}  // namespace piperun::ast
