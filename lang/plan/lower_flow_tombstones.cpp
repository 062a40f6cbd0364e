// What becomes of tombstones between a source and a sink: they have the fields of their key and nothing else.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "lang/ast/match.h"
#include "lang/plan/lower_flow.h"

namespace piperun::plan {
namespace {

// All columns that an expression reads, through whatever it calls with them.
void columns_of(const LowerContext& context, ast::ExprId id, std::set<int>& columns) {
  if (!id) return;
  const sema::ExprFact& fact = context.facts[id];
  if (fact.constant != sema::kNone) return;
  if (const auto* column = std::get_if<sema::ColumnRef>(&fact.names)) columns.insert(column->column);
  const auto visit = [&](ast::ExprId part) { columns_of(context, part, columns); };
  ast::match(
      context.files.pool[id].node, [&](const ast::Member& n) { visit(n.object); },
      [&](const ast::Index& n) {
        if (!std::holds_alternative<sema::LookupRef>(fact.names)) visit(n.object);
        visit(n.index);
      },
      [&](const ast::Call& n) {
        for (const ast::Argument& argument : n.arguments) {
          visit(argument.value);
          if (argument.fold) visit(argument.fold->list), visit(argument.fold->condition);
        }
      },
      [&](const ast::Bang& n) { visit(n.operand); }, [&](const ast::Unary& n) { visit(n.operand); },
      [&](const ast::Binary& n) { visit(n.left), visit(n.right); }, [&](const ast::NullTest& n) { visit(n.operand); },
      [&](const ast::Coalesce& n) { visit(n.operand), visit(n.otherwise); },
      [&](const ast::Catch& n) { visit(n.operand), visit(n.otherwise); },
      [&](const ast::If& n) { visit(n.condition), visit(n.yes), visit(n.no); },
      [&](const ast::Interpolation& n) {
        for (const auto& part : n.parts) {
          if (const auto* expression = std::get_if<ast::ExprId>(&part)) visit(*expression);
        }
      },
      [&](const ast::ListLiteral& n) {
        for (ast::ExprId each : n.elements) visit(each);
      },
      [&](const ast::RecordLiteral& n) {
        for (const ast::Entry& each : n.entries) visit(each.value);
      },
      [](const auto&) {});
}

}  // namespace

bool FlowLowering::is_known(ast::ExprId id) const {
  std::set<int> columns;
  columns_of(context_, id, columns);
  return std::ranges::all_of(columns, [&](int column) { return stream_.row.keeps_tombstone[static_cast<std::size_t>(column)]; });
}

bool FlowLowering::is_known(const std::vector<sema::ColumnPath>& paths) const {
  return std::ranges::all_of(
      paths, [&](const sema::ColumnPath& path) { return stream_.row.keeps_tombstone[static_cast<std::size_t>(path.column)]; });
}

ir::Value FlowLowering::guarded(RowFunction& function, ast::ExprId id) {
  is_volatile_ = is_volatile_ || context_.facts[id].is_volatile;
  return unless_tombstone(function, is_known(id), context_.facts[id].target, [&] { return function.expr().lower(id); });
}

ir::Value FlowLowering::unless_tombstone(RowFunction& function, bool is_known, value::TypeId type,
                                         const std::function<ir::Value()>& compute) const {
  if (!has_tombstones() || is_known) return function.expr().convert(compute(), type);
  ir::FunctionBuilder& b = function.builder();
  const ir::Value result = b.fresh(type);
  const ir::BlockId tombstone = b.new_block(), record = b.new_block(), join = b.new_block();
  b.branch(function.at(stream_.row.find_hidden(kTombstone)), tombstone, record);
  b.go_to(tombstone);
  b.copy(b.constant(context_.zero(type)), result);
  b.jump(join);
  b.go_to(record);
  b.copy(function.expr().convert(compute(), type), result);
  b.jump(join);
  b.go_to(join);
  return result;
}

ir::Value FlowLowering::converted(RowFunction& function, std::size_t column, value::TypeId to) const {
  const ir::Value value = function.visible(column);
  if (value.type == to) return value;
  return unless_tombstone(function, stream_.row.keeps_tombstone[column], to, [&] { return value; });
}

void FlowLowering::refuse_tombstones(RowFunction& function, bool is_known, const std::string& what) const {
  if (!has_tombstones() || is_known) return;
  ir::FunctionBuilder& b = function.builder();
  const ir::BlockId tombstone = b.new_block(), record = b.new_block();
  b.branch(function.at(stream_.row.find_hidden(kTombstone)), tombstone, record);
  b.go_to(tombstone);
  b.set_site(site_);
  b.fail(b.constant(
      context_.constant(std::string_view(fmt::format("a tombstone has only its key: `{}` cannot decide about it", what)))));
  b.go_to(record);
}

}  // namespace piperun::plan
