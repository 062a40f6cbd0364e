// Functions: signatures as written, bodies checked once, with the types of their parameters.
#pragma once
#include <map>
#include <optional>
#include <set>

#include "lang/sema/types.h"

namespace piperun::sema {

class Expressions;

class Functions {
 public:
  Functions(Context& context, TypeReader& types, Expressions& expressions)
      : context_(context), types_(types), expressions_(expressions) {}

  // The function, checked when it is first needed; nullopt: reported.
  std::optional<FunctionId> find(Symbol symbol, Span used_at);

 private:
  FunctionId enter(Symbol symbol, const ast::FnDecl& declaration);
  void check_body(FunctionId id, ExprId body, std::uint32_t module);
  void check_growth(Symbol symbol);

  Context& context_;
  TypeReader& types_;
  Expressions& expressions_;
  std::set<Symbol> open_;                    // being checked: meeting one again is a recursion
  std::set<Symbol> failed_;                  // reported; silent from now on
  std::map<FunctionId, std::size_t> calls_;  // that a call of it brings with it, itself among them
  std::size_t calls_here_ = 0;               // of the function that is being checked
};

}  // namespace piperun::sema
