// Expressions become instructions: null is two registers, failure an edge, a branch not taken never runs.
#pragma once
#include <compare>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "lang/plan/lower_context.h"
#include "lang/plan/merge.h"

namespace piperun::plan {

// What an expression can name inside one row function.
struct Binding {
  enum class Kind : std::uint8_t { Column, Meta, Argument, Variable, Lookup } kind;
  std::uint32_t index = 0;
  std::uint32_t frame = 0;  // Argument: of which call
  friend auto operator<=>(const Binding&, const Binding&) = default;
};

// The values behind names. In the element function of a fold, what only the function around it has becomes a captured input.
class Bindings {
 public:
  explicit Bindings(ir::FunctionBuilder& builder, Bindings* outer = nullptr) : builder_(builder), outer_(outer) {}

  void bind(Binding name, ir::Value value) { values_[name] = value; }
  ir::Value find(Binding name);
  const std::vector<ir::Value>& captured() const { return captured_; }  // values of the function around it

 private:
  ir::FunctionBuilder& builder_;
  Bindings* outer_;
  std::map<Binding, ir::Value> values_;
  std::vector<ir::Value> captured_;
};

class ExprLowering {
 public:
  // `name` is that of the row function: its folds are called `name.sum`, …
  ExprLowering(LowerContext& context, ir::FunctionBuilder& builder, Bindings& bindings, std::string name)
      : context_(context), facts_(context.facts), b_(builder), bindings_(bindings), name_(std::move(name)) {}

  // The value of an expression, of the type that its context wants.
  ir::Value lower(ast::ExprId id);

  // The conversions that sema allows, and `T?` → T where it knows that the value is there.
  ir::Value convert(ir::Value value, value::TypeId to);

  ir::Value field(ir::Value record, std::size_t index);
  // The record with the field at the end of `path` (indices into `to` and the records inside it) replaced.
  ir::Value with_field(ir::Value record, value::TypeId to, const std::vector<int>& path, ir::Value value, std::size_t depth = 0);

 private:
  using TypeId = value::TypeId;
  using ExprId = ast::ExprId;

  ir::Value lower_node(ExprId id);
  ir::Value named(ExprId id, Binding name);
  ir::Value param(ExprId id);
  ir::Value member(ExprId id, const ast::Member& node);
  ir::Value index(ExprId id, const ast::Index& node);
  ir::Value call(ExprId id, const ast::Call& node);
  ir::Value inlined(const ast::Call& node, const sema::FunctionFact& function);
  ir::Value native(ExprId id, const ast::Call& node, const std::string& name);
  ir::Value operation(ExprId id, const ast::Call& node, const std::string& op);
  ir::Value rounded(ExprId id, const ast::Call& node);
  ir::Value fail(ExprId id, const ast::Call& node);
  ir::Value fold(ExprId id, const ast::Call& node, const sema::FoldCall& fold);
  ir::Value bang(const ast::Bang& node);
  ir::Value catching(ExprId id, const ast::Catch& node);
  ir::Value unary(ExprId id, const ast::Unary& node);
  ir::Value binary(ExprId id, const ast::Binary& node);
  ir::Value logic(ExprId id, const ast::Binary& node);
  ir::Value compare(ExprId id, const ast::Binary& node);
  ir::Value contains(ExprId id, const ast::Binary& node);
  ir::Value arithmetic(ExprId id, const ast::Binary& node);
  ir::Value null_test(ExprId id, const ast::NullTest& node);
  ir::Value coalesce(ExprId id, const ast::Coalesce& node);
  ir::Value conditional(ExprId id, const ast::If& node);
  ir::Value interpolation(ExprId id, const ast::Interpolation& node);
  ir::Value list(ExprId id, const ast::ListLiteral& node);
  ir::Value record(ExprId id, const ast::RecordLiteral& node);

  ir::Value convert_list(ir::Value list, TypeId to);
  ir::Value convert_record(ir::Value record, TypeId to);

  // `access` of the payload; null if `object` is.
  template <typename Access>
  ir::Value unless_null(ir::Value object, TypeId type_there, Access access);
  ir::Value payload(ir::Value value);
  ir::Value is_null(ir::Value value) { return b_.add(ir::Op::IsNull, boolean(), {value}); }
  ir::Value negated(ir::Value value) { return b_.add(ir::Op::Not, boolean(), {value}); }

  // An instruction of the expression `id`.
  ir::Value add(ExprId id, ir::Op op, TypeId type, std::vector<ir::Value> operands, std::uint32_t index = 0);

  const sema::ExprFact& fact(ExprId id) const { return facts_[id]; }
  const value::Type& type(TypeId id) const { return context_.type(id); }
  bool is_nullable(ir::Value value) const { return type(value.type).nullable; }
  TypeId boolean() { return b_.types().scalar(value::TypeKind::Bool); }
  const ast::Expr& node(ExprId id) const { return context_.files.pool[id]; }

  LowerContext& context_;
  const sema::Facts& facts_;
  ir::FunctionBuilder& b_;
  Bindings& bindings_;
  std::string name_;
  std::uint32_t frame_ = 0;      // of the call whose body is lowered
  std::uint32_t narrowings_ = 0;  // payloads taken because a null test came before
};

template <typename Access>
ir::Value ExprLowering::unless_null(ir::Value object, TypeId type_there, Access access) {
  if (!is_nullable(object)) return access(object);
  Merge merge(b_, b_.types().with_null(type_there));
  const ir::BlockId there = b_.new_block(), missing = b_.new_block();
  b_.branch(is_null(object), missing, there);
  b_.go_to(missing);
  merge.take_null();
  b_.go_to(there);
  merge.take(access(b_.payload(object)));
  return merge.value();
}

}  // namespace piperun::plan
