// Expressions and type expressions. A node holds the ids of its children; precedence is settled, brackets are gone.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lang/ast/ids.h"

namespace piperun::ast {

// ---- Literals

struct ErrorExpr {};  // a mistake was reported here: type it as Error, say nothing more
struct NullLiteral {};
struct BoolLiteral {
  bool value;
};
struct IntLiteral {
  std::int64_t value;  // negative only for the smallest int64, written `-9223372036854775808`
};
struct DecimalLiteral {
  std::string text;  // digits, a point, digits: exact, without `_`
};
struct FloatLiteral {
  double value;
  std::string text;  // as written, without `_`
};
struct DurationLiteral {
  std::int64_t micros;
};
struct TimestampLiteral {
  std::int64_t micros;  // since 1970-01-01T00:00:00Z
};
struct StringLiteral {
  std::string text;  // escapes resolved
  bool raw;          // written r"…"
};
struct Interpolation {  // a string with at least one {expr}
  using Part = std::variant<std::string, ExprId>;
  std::vector<Part> parts;
};

// ---- Names and collections

struct ParamRef {  // `$name`
  Name name;
};
struct NameRef {  // a field, const, enum, table, function, … : sema knows
  Name name;
};
struct ListLiteral {
  std::vector<ExprId> elements;
};
struct Entry {  // `name = value`; also of `map` and `aggregate`
  Name name;
  ExprId value;    // for the shorthand `{ a }`: a NameRef
  bool shorthand;
};
struct RecordLiteral {
  std::vector<Entry> entries;
};

// ---- Operators

struct Member {  // `object.name`, `object?.name`
  ExprId object;
  Name name;
  bool safe;  // `?.`
};
struct Index {  // `object[index]`
  ExprId object;
  ExprId index;
};
struct Fold {  // `… for variable in list [if condition]`
  Name variable;
  ExprId list;
  ExprId condition;  // may be none
};
struct Argument {
  ExprId value;
  std::optional<Fold> fold;
};
struct Call {
  ExprId callee;  // a NameRef, or Members over one: `text.upper(x)`, `meta.f(x)`
  std::vector<Argument> arguments;
};
struct Bang {  // `operand!`: if it fails, the record is dead
  ExprId operand;
  Span sign;
};
enum class UnaryOp : std::uint8_t { Minus, Not };
struct Unary {
  UnaryOp op;
  ExprId operand;
  Span sign;
};
enum class BinaryOp : std::uint8_t {
  // of bools
  Or,
  And,
  // comparisons: they do not chain
  Equal,
  NotEqual,
  Less,
  LessEqual,
  Greater,
  GreaterEqual,
  In,
  NotIn,
  // arithmetic
  Add,
  Subtract,
  Multiply,
  Divide,
  Remainder,
};
struct Binary {
  BinaryOp op;
  ExprId left;
  ExprId right;
  Span sign;
};
struct NullTest {  // `operand is [not] null`
  ExprId operand;
  bool negated;
};
struct Coalesce {  // `operand ?? otherwise`: if null
  ExprId operand;
  ExprId otherwise;
  Span sign;
};
struct Catch {  // `operand catch otherwise`: if it fails
  ExprId operand;
  ExprId otherwise;
  Span sign;
};
struct If {  // `if condition then yes else no`
  ExprId condition;
  ExprId yes;
  ExprId no;
};
struct Range {  // `low..high`; only as the value of an option and after `within`
  ExprId low;
  ExprId high;
};

using ExprNode = std::variant<ErrorExpr, NullLiteral, BoolLiteral, IntLiteral, DecimalLiteral, FloatLiteral, DurationLiteral,
                              TimestampLiteral, StringLiteral, Interpolation, ParamRef, NameRef, ListLiteral, RecordLiteral,
                              Member, Index, Call, Bang, Unary, Binary, NullTest, Coalesce, Catch, If, Range>;

struct Expr {
  ExprNode node;
  Span span;  // of the node with all its children, without brackets round it
};

// ---- Types

// `decimal(12, 2)`, `timestamp(ms)`, `list<Line>`, `money.Amount?`. An empty `name` stands for a type that was reported.
struct TypeExpr {
  Path name;
  std::vector<Name> parameters;       // in ( ): numbers and words as written
  std::vector<TypeExprId> arguments;  // in < >
  bool nullable = false;              // `?`
  Span span;
};

// `+`, `and`, `not in`, … as written.
std::string_view spelling(BinaryOp op);
std::string_view spelling(UnaryOp op);
std::string spelling(const Name& name);  // in quotes where it is no identifier
std::string spelling(const Path& path);  // `address.city`, without white space

}  // namespace piperun::ast
