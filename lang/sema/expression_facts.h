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

// A column of the stage's `before`; in a sink's options, of SinkFact::columns.
struct ColumnRef {
  int column;
};
// The Member `meta.key`, whose object has no fact; `meta.headers["x"]` is a MapRef on it.
struct MetaRef {
  Meta column;
};
// A Member: the field of a record value.
struct FieldRef {
  int field;
};
// A Member or an Index into a map; the result is nullable.
struct MapRef {};
// A Member or an Index (by string or int64) into json; it can fail.
struct JsonRef {};
// An Index into a list; it can fail.
struct ListRef {};
// A const, an enum value, or a `$param` that is no secret: ExprFact::constant has it.
struct ConstantRef {};
// A `$param` that is a secret: only an argument of a function that takes one.
struct SecretRef {
  ParamId param;
};
// A parameter, in a function's body.
struct ArgumentRef {
  int parameter;
};
// The variable of a fold: FoldCall::variable.
struct VariableRef {
  std::uint32_t variable;
};
// The Index `table[key]`: the row, of the table's record type, nullable.
struct LookupRef {
  TableId table;
  std::vector<ExprId> keys;  // one per key field of the table; `target` is the field's type
};
// A function that is declared with a body, to be inlined; arguments as written.
struct FunctionCall {
  FunctionId function;
};
// An `intrinsic fn`, or a built-in that is one: `text.upper`; arguments as written.
struct NativeCall {
  std::string name;
};
// A built-in with instructions of its own: catalog::Function::target (`round`, `now`, …).
struct OpCall {
  std::string op;
};
// `fail("…")`: argument 0 is the message, a string.
struct FailCall {};
// `sum(x for x in xs if c)`; of `sum(xs)` the Argument has no Fold, and x stands for itself.
struct FoldCall {
  FoldKind kind;
  std::uint32_t variable;  // VariableRef::variable of the element
  TypeId element;          // of the list
};
using Resolution = std::variant<std::monostate, ColumnRef, MetaRef, FieldRef, MapRef, JsonRef, ListRef, ConstantRef, SecretRef,
                                ArgumentRef, VariableRef, LookupRef, FunctionCall, NativeCall, OpCall, FailCall, FoldCall>;

// Binary operators: the operands' `target` are the types that the operation works on. Arithmetic: the result type is `type`; for
// + - % of decimals both targets have the result's scale, for * they keep their own. Comparison and `in`: both (or the element)
// have one type. `==` and `!=` with a nullable side: both targets are nullable. `/` of decimals: `type` is the declared result.
struct ExprFact {
  // Of its value. A narrowed name (`ref` behind `ref is not null`) has the type without `?`.
  TypeId type;

  // What its context wants: equal to `type`, or wider. The conversions are exactly T → T?, Null → T?, Never → T, int64 → decimal,
  // decimal → wider decimal, and these inside lists, maps and records (field by name).
  TypeId target;

  Resolution names;

  // In Facts::constants: the value is known here, already of type `target`. Set on literals, consts, enum values, params, and on
  // what analysis folded; lower the constant and do not look below it. kNone: it is not known.
  std::uint32_t constant = kNone;

  bool narrowed = false;  // the thing named is stored as `T?`, and here it is known to be there: take the payload
  bool can_fail = false;  // a failure of it or of a part is neither caught nor `!`ed inside (overflow does not count)
  bool is_volatile = false;  // now(), a look-up, a volatile column, and all that is computed from them
  bool is_secret = false;
};

}  // namespace piperun::sema
