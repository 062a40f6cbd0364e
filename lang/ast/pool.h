// Owner of all expressions and type expressions of all files of one program; ids are unique across modules.
#pragma once
#include <vector>

#include "lang/ast/expr.h"

namespace piperun::ast {

// Grows only. References returned by [] are valid until the next add.
class Pool {
 public:
  ExprId add(ExprNode node, Span span) {
    exprs_.push_back({std::move(node), span});
    return {static_cast<std::uint32_t>(exprs_.size() - 1)};
  }
  TypeExprId add(TypeExpr type) {
    types_.push_back(std::move(type));
    return {static_cast<std::uint32_t>(types_.size() - 1)};
  }

  const Expr& operator[](ExprId id) const { return exprs_[id.index]; }
  const TypeExpr& operator[](TypeExprId id) const { return types_[id.index]; }

  // Sizes of tables beside the pool.
  std::size_t expr_count() const { return exprs_.size(); }
  std::size_t type_count() const { return types_.size(); }

 private:
  std::vector<Expr> exprs_;
  std::vector<TypeExpr> types_;
};

}  // namespace piperun::ast
