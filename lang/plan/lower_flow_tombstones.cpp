// What becomes of tombstones between a source and a sink: they have the fields of their key and nothing else.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "lang/ast/parts.h"
#include "lang/plan/lower_flow.h"

namespace piperun::plan {
namespace {

// All columns that an expression reads, through whatever it calls with them.
void columns_of(const LowerContext& context, ast::ExprId id, std::set<int>& columns) {
  const sema::ExprFact& fact = context.facts[id];
  if (fact.constant != sema::kNone) return;
  if (const auto* column = std::get_if<sema::ColumnRef>(&fact.names)) columns.insert(column->column);
  for (const ast::ExprId part : ast::parts_of(context.files.pool[id])) columns_of(context, part, columns);
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
  Merge merge(b, type);
  const ir::BlockId tombstone = b.new_block(), record = b.new_block();
  b.branch(function.at(stream_.row.find_hidden(ir::kDeleteColumn)), tombstone, record);
  b.go_to(tombstone);
  merge.take(b.constant(context_.zero(type)));
  b.go_to(record);
  merge.take(function.expr().convert(compute(), type));
  return merge.value();
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
  b.branch(function.at(stream_.row.find_hidden(ir::kDeleteColumn)), tombstone, record);
  b.go_to(tombstone);
  b.set_site(site_);
  b.fail(b.constant(
      context_.constant(std::string_view(fmt::format("a tombstone has only its key: `{}` cannot decide about it", what)))));
  b.go_to(record);
}

}  // namespace piperun::plan
