// Word lists: the keywords that begin items, and what users of other languages write instead.
#pragma once
#include <array>
#include <string_view>

namespace piperun::syntax {

inline constexpr std::array<std::string_view, 13> kDeclarations = {
    "pipeline", "param", "const", "enum", "type", "connection", "source", "table", "sink", "fn", "flow", "intrinsic", "use"};

inline constexpr std::array<std::string_view, 20> kStages = {"from",   "filter", "set",       "map",   "drop", "flatten", "dedup",
                                                             "enrich", "key",    "delete",    "route", "to",   "window",  "join",
                                                             "left",   "full",   "aggregate", "top",   "time", "on"};

// Not in this version.
struct StageOfLater {
  std::string_view word;
  std::string_view feature;  // in catalog::missing()
  std::string_view form;
};
inline constexpr std::array kStagesOfLater = {
    StageOfLater{"window", "window", "`window tumbling 5m`, `hopping 10m every 1m`, `sliding 10m` or `session gap 30m`"},
    StageOfLater{"join", "join", "`join p = payments on p.order_id == order_id within 15m`"},
    StageOfLater{"left", "join", "`left join p = payments on p.order_id == order_id within 15m`"},
    StageOfLater{"full", "join", "`full join p = payments on p.order_id == order_id within 15m`"},
    StageOfLater{"aggregate", "aggregate", "`aggregate by country { lines = count(), amount = sum(amount) }`"},
    StageOfLater{"top", "top", "`top 10 by amount per country`"},
    StageOfLater{"time", "time", "`time by paid_at`"},
};

struct Synonym {
  std::string_view word;
  std::string_view ours;
  bool is_declaration;
};
inline constexpr std::array kSynonyms = {
    Synonym{"where", "filter", false},
    Synonym{"select", "map", false},
    Synonym{"project", "map", false},
    Synonym{"group", "aggregate", false},
    Synonym{"let", "set", false},
    Synonym{"derive", "set", false},
    Synonym{"distinct", "dedup … within …", false},
    Synonym{"lookup", "enrich", false},
    Synonym{"explode", "flatten", false},
    Synonym{"unnest", "flatten", false},
    Synonym{"into", "to", false},
    Synonym{"insert", "to", false},
    Synonym{"limit", "top", false},
    Synonym{"order", "top … by …", false},
    Synonym{"sort", "top … by …", false},
    Synonym{"count", "aggregate", false},
    Synonym{"sum", "aggregate", false},
    Synonym{"inner", "join", false},
    Synonym{"right", "left join", false},
    Synonym{"outer", "full join", false},
    Synonym{"cross", "join", false},
    Synonym{"tumbling", "window tumbling", false},
    Synonym{"tumble", "window tumbling", false},
    Synonym{"hopping", "window hopping", false},
    Synonym{"sliding", "window sliding", false},
    Synonym{"session", "window session", false},
    Synonym{"union", "from a, b", false},
    Synonym{"remove", "drop", false},
    Synonym{"switch", "route", false},
    Synonym{"import", "use", true},
    Synonym{"include", "use", true},
    Synonym{"let", "const", true},
    Synonym{"var", "const", true},
    Synonym{"def", "fn", true},
    Synonym{"function", "fn", true},
    Synonym{"struct", "type", true},
    Synonym{"record", "type", true},
    Synonym{"stream", "source or flow", true},
    Synonym{"output", "sink", true},
    Synonym{"input", "source", true},
};

struct UnitWord {
  std::string_view word;
  std::string_view unit;
};
inline constexpr std::array kUnitWords = {
    UnitWord{"us", "us"},    UnitWord{"ms", "ms"},     UnitWord{"s", "s"},     UnitWord{"sec", "s"}, UnitWord{"secs", "s"},
    UnitWord{"second", "s"}, UnitWord{"seconds", "s"}, UnitWord{"m", "m"},     UnitWord{"min", "m"}, UnitWord{"mins", "m"},
    UnitWord{"minute", "m"}, UnitWord{"minutes", "m"}, UnitWord{"h", "h"},     UnitWord{"hr", "h"},  UnitWord{"hrs", "h"},
    UnitWord{"hour", "h"},   UnitWord{"hours", "h"},   UnitWord{"d", "d"},     UnitWord{"day", "d"}, UnitWord{"days", "d"},
    UnitWord{"w", "w"},      UnitWord{"week", "w"},    UnitWord{"weeks", "w"},
};

struct ForeignSign {
  std::string_view sign;
  std::string_view ours;  // what to write in its place; empty: `advice` alone
  std::string_view advice;
  bool only_for_values = false;  // where a value is expected
};
inline constexpr std::array kForeignSigns = {
    ForeignSign{"===", "==", "write `==`"},
    ForeignSign{"!~", "", "a text is held against a pattern by a function: `not regex_matches(x, r\"^a\")`"},
    ForeignSign{"~", "", "a text is held against a pattern by a function: `regex_matches(x, r\"^a\")`"},
    ForeignSign{"!==", "!=", "write `!=`"},
    ForeignSign{"&&", "and", "write `and`"},
    ForeignSign{"||", "or", "write `or`"},
    ForeignSign{"<>", "!=", "write `!=`"},
    ForeignSign{"=>", ">=", "write `>=`"},
    ForeignSign{"=<", "<=", "write `<=`"},
    ForeignSign{"++", "", "values are put together in one string: \"{a}{b}\"", true},
    ForeignSign{"--", "", "a comment begins with `#`"},
    ForeignSign{"**", "", "there is no power operator; use a function", true},
    ForeignSign{"//", "#", "a comment begins with `#`"},
    ForeignSign{"/*", "", "a comment begins with `#`"},
    ForeignSign{"'", "", "a string stands in double quotes: \"…\""},
    ForeignSign{";", "", "a newline ends a line; nothing else is needed"},
    ForeignSign{"@", "", "a parameter is `$name`; a timestamp is written as it is"},
    ForeignSign{"?", "", "a choice is written `if a then b else c`"},
    ForeignSign{"!", "not ", "write `not`", true},
    ForeignSign{"|", "", "stages stand on lines of their own; in an expression write `or`"},
    ForeignSign{"&", "", "write `and`"},
};

// Words that users of other languages write between two operands or before one.
struct ForeignOperator {
  std::string_view word;
  std::string_view ours;  // what to write in its place; empty: `advice` alone
  std::string_view advice;
};
inline constexpr std::array kForeignOperators = {
    ForeignOperator{"AND", "and", "write `and`"},
    ForeignOperator{"OR", "or", "write `or`"},
    ForeignOperator{"IN", "in", "write `in`"},
    ForeignOperator{"IS", "is", "write `is`"},
    ForeignOperator{"eq", "==", "write `==`"},
    ForeignOperator{"equals", "==", "write `==`"},
    ForeignOperator{"mod", "%", "write `%`"},
    ForeignOperator{"div", "/", "write `/`"},
    ForeignOperator{"between", "", "write both comparisons: `low <= x and x <= high`"},
    ForeignOperator{"BETWEEN", "", "write both comparisons: `low <= x and x <= high`"},
    ForeignOperator{"like", "", "call a function: `starts_with(x, \"a\")`, `contains(x, \"a\")`, `regex_matches(x, r\"^a\")`"},
    ForeignOperator{"LIKE", "", "call a function: `starts_with(x, \"a\")`, `contains(x, \"a\")`, `regex_matches(x, r\"^a\")`"},
    ForeignOperator{"matches", "", "call the function: `regex_matches(x, r\"^a\")`"},
    ForeignOperator{"contains", "", "call the function: `contains(x, \"a\")`"},
    ForeignOperator{"AS", "", "a new field is written `name = value`"},
    ForeignOperator{"as", "", "a new field is written `name = value`"},
    ForeignOperator{"when", "", "a choice is written `if a then b else c`"},
};

}  // namespace piperun::syntax
