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

// What `from` names.
struct Stream {
  enum class Kind : std::uint8_t { Source, Flow } kind;
  std::uint32_t id;  // SourceId or FlowId
};

struct FromFact {
  std::vector<Stream> inputs;
  // Per input and output column: the column of the input's schema, converted to the output's type. -1: null.
  std::vector<std::vector<int>> columns;
};
// AST: condition. Columns that it proves to be there lose their `?` in `after`.
struct FilterFact {};
// AST: value; its `target` is the type set.
struct SetFact {
  ColumnPath target;    // in `after`. A new column is the last one
  bool is_new = false;  // the column did not exist before
};
// AST: entries; one column of `after` each, in the order of `after`.
struct MapFact {
  std::vector<ExprId> values;
};
struct DropFact {
  std::vector<ColumnPath> fields;  // in `before`; a nested one changes the record type of its column (see `after`)
};
// AST: list. `after` is `before` + element [+ int64 index].
struct FlattenFact {
  TypeId element;
};
struct DedupFact {
  std::vector<ColumnPath> keys;
  std::int64_t within = 0;  // microseconds
};
// AST: value, with one LookupRef inside. `after` is `before` + the column NAME.
struct EnrichFact {
  ExprId lookup;  // the Index
  TableId table = kNone;
};
struct KeyFact {
  std::vector<ColumnPath> keys;
};
// AST: condition.
struct DeleteFact {};
struct RouteFact {
  std::vector<SinkId> sinks;  // one per case of the AST
};
struct ToFact {
  SinkId sink = kNone;
  SinkId after = kNone;
};
// Not in this version, or faulty: reported.
struct OtherStage {};
using StageDetail = std::variant<OtherStage, FromFact, FilterFact, SetFact, MapFact, DropFact, FlattenFact, DedupFact, EnrichFact,
                                 KeyFact, DeleteFact, RouteFact, ToFact>;

struct StageFact {
  RowSchema before;  // of `from`: empty
  RowSchema after;
  StageDetail detail;
};

}  // namespace piperun::sema
