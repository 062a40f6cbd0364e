// Which types go where: implicit conversions, the common type of two, types as users write them.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lang/sema/context.h"
#include "lang/value/decimal.h"

namespace piperun::sema {

// Whether a value of one type becomes the other without a word; exactly the conversions that ExprFact::target lists.
bool converts(Context& context, TypeId from, TypeId to);

// The narrowest type both convert to; nullopt: there is none.
std::optional<TypeId> common_type(Context& context, TypeId a, TypeId b);

value::DecimalType decimal_type(const value::Type& type);  // of Decimal and Int
TypeId decimal(Context& context, value::DecimalType type);
// The types that are one word; nullopt: it is no such type.
std::optional<TypeKind> scalar_named(std::string_view word);
std::vector<std::string> scalar_names();

bool is_numeric(TypeKind kind);   // Int, Decimal, Float
bool is_ordered(TypeKind kind);   // `<` works on it
bool is_flat(TypeKind kind);      // one csv column holds it
bool may_be_key(TypeKind kind);   // neither float, json nor a collection

// For suggestions: the names of a record's fields.
std::vector<std::string> names_of(const value::Type& record);
std::vector<std::string> names_of(const Columns& columns);

// The fields of a record type as columns; of another type none.
Columns columns_of(const Context& context, TypeId record, Span where);

// The constant as a value of another type, if it is exactly one: numbers adapt, null fits every `T?`.
std::optional<Constant> adapted(Context& context, const Constant& constant, TypeId to);

// A text given from outside (`--param`, an environment variable) as a value; nullopt: it is none.
std::optional<Constant> parsed(Context& context, std::string_view text, TypeId type);

// Types that are written in the program; reports what is unknown, and then is Error.
class TypeReader {
 public:
  explicit TypeReader(Context& context) : context_(context) {}
  // `timestamp(ms)` is a mistake here: only a field of a declared type may have a unit.
  TypeId read(ast::TypeExprId id, std::uint32_t module);
  TypeId read(ast::TypeExprId id, std::uint32_t module, TimeUnit* unit);  // of such a field; without a unit `*unit` stays
  TypeId declared(Symbol symbol, Span used_at);  // a `type` or `enum`
  // The type of records of the main file; `what` they are for is part of the message: "a source".
  TypeId record(ast::TypeExprId id, std::string_view what);

 private:
  TypeId read_named(const ast::TypeExpr& type, std::uint32_t module);
  TypeId read_collection(const ast::TypeExpr& type, std::uint32_t module);
  void unknown_type(const ast::TypeExpr& type, std::uint32_t module);
  TypeId read_decimal(const ast::TypeExpr& type);
  std::size_t width_of(const std::vector<value::Field>& fields) const;
  TypeId read_record(Symbol symbol, const ast::TypeDecl& declaration, Span used_at);

  Context& context_;
  std::map<Symbol, TypeId> done_;
  std::vector<Symbol> open_;
  std::map<std::string, std::size_t> widths_;  // by name of a record type: fields, those of inner types among them
};

}  // namespace piperun::sema
