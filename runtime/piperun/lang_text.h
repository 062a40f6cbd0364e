// The parts of `piperun lang` that no table of the compiler holds: declarations, stages, types, operators, layout; tests.
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

// Behind what the tables hold.
inline constexpr std::string_view kTestText =
    R"(# Tests beside a file (orders.pipetest; `piperun test [PATH…] [--update] [-k NAME]`)

  # Repeats are dropped, and a crash does not write twice.
  -- test --
  pipeline = orders.pipe
  now      = 2026-01-31T12:00:00Z
  param min_total = 0.00
  -- table customers --
  {"id":7,"name":"Ada"}
  -- input --
  orders {"order_id":"a1","customer_id":7,"total":"19.98"}
  orders key="a1" partition=1 {"order_id":"a1","customer_id":7,"total":"19.98"}
  @crash after write
  orders {broken
  -- output order_lines --
  {"order_id":"a1","name":"Ada","total":19.98}
  -- dead letters subset --
  {"code":"P1001","partition":0,"offset":1}
  -- ledger --
  orders.shop: read 3, used 1, duplicates 1, dead 1
  order_lines: rows 1

  The pipeline runs as with --local, on a clock that stands still unless it is told to go, until its input is used up.
  Without sections for it nothing is compared; `--update` writes what was there. `#` begins a comment at the start of a line.

  -- test [NAME] --                     begins a test, with its settings: `pipeline = FILE`, `now = TIME`, `param NAME = V`,
                                        `env NAME = V`, `local = false` (for sections about the text alone)
  -- NAME.pipe --                       a file of the test's own; `pipeline = NAME.pipe` runs it
  -- table NAME --                      the rows of a table, one JSON object a line
  -- input --                           records, and orders to the world around them
  -- output SINK --                     its rows; without a `key` what was written, in order
  -- dead letters --   -- ledger --     as `dlq show` and a run tell them
  -- error --                           how the run ends: `P2013: …`; without it such an end fails the test
  -- diagnostics --   -- explain --     what `check` and `explain` say; for this project's own tests also ast and ir
    … subset --                         behind any of these but `test`, `table` and `input`: only what is given is compared

  SOURCE VALUE                          a record; before the value may stand key="…" partition=N time=T header.NAME="…"
  SOURCE null key="…"                   a record without a value; `base64:…` instead of the value is any bytes
  @batch                                the batch ends here
  @fail SINK 2, @fail SINK 2m           the next two writes fail, or all of this time
  @crash after STEP                     the process is killed behind a step that `piperun explain` names: write, write SINK, commit
  @clock 25h, @time T                   the clock goes on; the time of the records that come is T
  @replay                               all dead letters are processed again
  @pipeline FILE [keep|migrate|reset]   goes on with another version of the program

)";

}  // namespace piperun::cli
