// What declarations give as values: consts, params, and what a field is when the data has none. Consts and params are found out when
// they are first needed.
#pragma once
#include <map>
#include <optional>
#include <set>

#include "lang/sema/types.h"

namespace piperun::sema {

class Expressions;

class Values {
 public:
  Values(Context& context, TypeReader& types, Expressions& expressions)
      : context_(context), types_(types), expressions_(expressions) {}

  const Constant* constant(Symbol symbol, Span used_at);  // of a const; null: reported
  ParamId param(Symbol symbol);

  // The values of the absent fields of a record type.
  void read_absent_fields(Symbol symbol, const ast::TypeDecl& declaration);
  // Reports what was given for params that are not declared.
  void check_given_params();

 private:
  void read_param(Symbol symbol);
  void read_secret(ParamId id, const ast::ParamDecl& declaration, std::uint32_t module);
  std::optional<Constant> given(const ast::Name& name, TypeId type);
  std::optional<Constant> written_default(const ast::Name& name, ExprId written, TypeId type, std::uint32_t module,
                                          bool is_given);
  Constant missing(const ast::Name& name, TypeId type);
  std::string_view function_called(ExprId id) const;

  Context& context_;
  TypeReader& types_;
  Expressions& expressions_;
  std::map<Symbol, Constant> constants_;
  std::set<Symbol> open_;  // consts being resolved: meeting one again is a circle
  std::set<Symbol> failed_;  // consts whose mistake was reported; silent from now on
};

}  // namespace piperun::sema
