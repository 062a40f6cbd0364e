// The part of `piperun lang` that no table of the compiler holds: declarations, stages, types, operators, layout.
#pragma once
#include <string_view>

namespace piperun::cli {

inline constexpr std::string_view kLanguageText = R"(# A file

  pipeline NAME { … }                   one per file: what is promised, and what becomes of failures
  param NAME: T = v                     set by `--param NAME=…` or PIPE_PARAM_NAME, used as `$NAME`; required without `= v`
  const NAME = v                        a value known before the first record
  enum NAME { a, b }                    its values are written `NAME.a`
  type NAME { field: T … }              a record: `x: T`, `x: T?` may be absent, `x: T = v`, `x: T from "name in the data"`
  connection NAME = CONNECTOR { … }     options that several declarations share; one connection is one system
  source NAME: T = CONNECTOR { … }      a stream of T that can be read again
  table NAME: T = CONNECTOR { … }       rows that `enrich` looks up by `key`
  sink NAME = CONNECTOR { … }           where records go
  fn NAME(a: T, …) -> T = expression    a pure function, without recursion
  flow NAME { … }                       a chain of stages, one on each line; other flows can read it: `from NAME`
  use std.text / use "./f.pipe" as m    the functions of a module: `text.f(…)`, `m.f(…)`

  `:` gives a type, `=` gives a value, `{}` groups. `#` begins a comment, `##` words about the declaration below it.
  A line ends an item; it goes on inside of `()` and `[]`, behind an operator or `=`, and is indented deeper then.
  Several values of an option are a list: `key = [a, b]`. `env("X", "default")` and `secret("X")` stand in options and
  defaults of params; a secret is the variable X or the file that X_FILE names.

# Stages

  from a[, b] [as T]                    streams that flow in
  filter cond                           goes on with records for which it is true
  set x = e                             a field, new or changed; nested ones too: `set address.city = …`
  map [T] { a, b = e }                  a record of exactly these fields
  drop x, y                             without these fields
  flatten xs as x [at i]                one record per element of a list; i counts from 0
  dedup k[, k2] within D                drops what repeats a key within that time
  enrich x = table[key]                 the row of a table, or null: `?? fail("…")`, `x?.field`
  key by k[, k2]                        the key of the output records
  delete when cond                      deletes the key from the sinks below
  route { when c to s … else to s }     the first that fits; a line for each `when` and for `else`
  to sink                               where records go; the last stage, several are allowed
  to sink after other                   what goes to `sink` is seen only when what went to `other` is committed
  on error { … }                        what becomes of failures, for this flow

# Types

  bool int64 float64 string bytes       `true`, `1_000`, `1.5e3`, `"text {expression}"`, `r"raw text, for regular expressions"`
  decimal(p, s)                         exact: p digits, s of them behind the point; `10.50`
  timestamp duration                    `2026-01-31T12:00:00Z`, `90s`; units us ms s m h d. In a type that is read:
                                        timestamp(s | ms | us) is a number of epoch units, timestamp alone RFC 3339 text
  list<T> map<string, T>                `[1, 2]`, `xs[0]!`, `m["key"] ?? …`
  json                                  a tree of any form; every access may fail: `to_string(j.user.name!)!`
  a type or enum of the file            `{ city = x }` makes a record
  T?                                    may be null

# Expressions, the loosest first

  if c then a else b
  x catch v                             v if x fails; one operand, or parentheses
  or, and, not
  == != < <= > >= in, not in, is null, is not null     they do not chain
  + -                                   numbers and times; texts are put together by `"{a}{b}"`
  * / %                                 `/` of int64 drops what is behind the point; `/` of decimals needs a result type:
                                        `to_decimal(a / b, 12, 2)!`
  x ?? v                                v if x is null; one operand, or parentheses
  x.y x?.y f(x) x[i] x!                 `!`: if x fails, the record is dead; `?.` gives null if x is null
  count(x for l in lines if c)          folds over a list, see below
  meta.key meta.headers["x"] meta.timestamp meta.topic meta.partition meta.offset     until a `map`

)";

}  // namespace piperun::cli
