// What analysis found out about an expression: what it names, its type, and what it may do.
#pragma once
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "lang/ast/ast.h"
#include "lang/ir/choices.h"
#include "lang/sema/ids.h"
#include "lang/value/type.h"

namespace piperun::sema {

using ast::ExprId;
using value::TypeId;

enum class Meta : std::uint8_t { Key, Headers, Timestamp, Topic, Partition, Offset };  // types: see meta_columns() in meta.h

using ir::FoldKind;

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

}  // namespace piperun::sema
