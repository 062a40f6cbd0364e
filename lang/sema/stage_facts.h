// What analysis found out about a stage: the record before and behind it, and what its words stand for.
#pragma once
#include <cstdint>
#include <variant>
#include <vector>

#include "lang/ast/ast.h"
#include "lang/sema/ids.h"
#include "lang/sema/row.h"

namespace piperun::sema {

using ast::ExprId;

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

}  // namespace piperun::sema
