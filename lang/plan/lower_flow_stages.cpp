#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lang/plan/lower_flow.h"

namespace piperun::plan {

using value::TypeKind;

void FlowLowering::filter(const ast::FilterStage& node, const sema::StageFact& fact) {
  RowFunction function = begin("filter");
  Row row = row_after(fact.after, stream_.row);
  row.keeps_tombstone = stream_.row.keeps_tombstone;
  ir::FunctionBuilder& b = function.builder();
  const ir::BlockId keep = b.new_block(), drop = b.new_block();
  if (has_tombstones() && !is_known(node.condition)) {
    const ir::BlockId record = b.new_block();
    b.branch(function.at(stream_.row.find_hidden(ir::kDeleteColumn)), keep, record);
    b.go_to(record);
  }
  is_volatile_ = context_.facts[node.condition].is_volatile;
  const ir::Value condition = function.expr().lower(node.condition);
  b.branch(condition, keep, drop);
  b.go_to(drop);
  b.filtered();
  b.go_to(keep);
  function.emit(row, values_for(row, function, visible_values(function)));
  apply(function, std::move(row), "filter");
}

void FlowLowering::set(const ast::SetStage& node, const sema::StageFact& fact, const sema::SetFact& detail) {
  RowFunction function = begin("set");
  Row row = row_after(fact.after, stream_.row);
  std::vector<ir::Value> values = visible_values(function);
  const ir::Value value = guarded(function, node.value);
  const auto column = static_cast<std::size_t>(detail.target.column);
  if (column == values.size()) {
    values.push_back(value);
  } else if (detail.target.fields.empty()) {
    values[column] = value;
  } else {
    const value::TypeId type = row.column(column).type;
    values[column] = unless_tombstone(function, stream_.row.keeps_tombstone[column], type, [&] {
      return function.expr().with_field(values[column], type, detail.target.fields, value);
    });
  }
  std::copy(stream_.row.keeps_tombstone.begin(), stream_.row.keeps_tombstone.end(), row.keeps_tombstone.begin());
  row.keeps_tombstone[column] = is_known(node.value) && (detail.target.fields.empty() || row.keeps_tombstone[column]);
  function.emit(row, values_for(row, function, std::move(values)));
  std::string target;
  for (const ast::Name& part : node.target.parts) target += (target.empty() ? "" : ".") + part.text;
  apply(function, std::move(row), "set " + target);
}

void FlowLowering::map(const sema::StageFact& fact, const sema::MapFact& detail) {
  RowFunction function = begin("map");
  Row row = row_after(fact.after, stream_.row);
  std::vector<ir::Value> values;
  for (std::size_t i = 0; i < detail.values.size(); ++i) {
    values.push_back(guarded(function, detail.values[i]));
    row.keeps_tombstone[i] = is_known(detail.values[i]);
  }
  function.emit(row, values_for(row, function, std::move(values)));
  apply(function, std::move(row), "map");
}

void FlowLowering::drop(const sema::StageFact& fact, const sema::DropFact& detail) {
  RowFunction function = begin("drop");
  Row row = row_after(fact.after, stream_.row);
  std::vector<ir::Value> values;
  for (std::size_t i = 0; i < stream_.row.visible.size(); ++i) {
    const bool is_dropped = std::ranges::any_of(
        detail.fields, [&](const sema::ColumnPath& path) { return path.fields.empty() && path.column == static_cast<int>(i); });
    if (is_dropped) continue;
    row.keeps_tombstone[values.size()] = stream_.row.keeps_tombstone[i];
    values.push_back(converted(function, i, row.column(values.size()).type));  // its new type lacks the fields that are dropped
  }
  function.emit(row, values_for(row, function, std::move(values)));
  apply(function, std::move(row), "drop");
}

void FlowLowering::flatten(const ast::FlattenStage& node, const sema::StageFact& fact) {
  const std::string detail = "flatten as " + node.element.text;
  append(kListColumn, detail, fact.before, {[&](RowFunction& function) {
           refuse_tombstones(function, false, "flatten");
           is_volatile_ = context_.facts[node.list].is_volatile;
           return function.expr().lower(node.list);
         }});
  Row row = stream_.row;
  const value::TypeId element = context_.type(row.schema.back().type).element;
  row.hidden.erase(std::string(kListColumn));
  row.schema.pop_back();
  row.add_visible({node.element.text, element, is_volatile_});
  if (node.index) row.add_visible({node.index->text, context_.types().scalar(TypeKind::Int), false});
  const ir::NodeId id = add_node(detail, ir::Flatten{node.index.has_value()}, row.schema, stream_.ports);
  stream_ = {{{id, 0}}, std::move(row)};
}

void FlowLowering::dedup(const ast::Stage& stage, const sema::DedupFact& detail, const sema::StageFact& fact) {
  const auto is_plain = [&](const sema::ColumnPath& path) {
    return path.fields.empty() && stream_.row.column(static_cast<std::size_t>(path.column)).type == path.type;
  };
  ir::Dedup dedup;
  if (stage.durable_name) dedup.name = stage.durable_name->text;
  dedup.within = detail.within;
  for (const ast::Path& path : std::get<ast::DedupStage>(stage.node).keys) dedup.fields.push_back(ast::spelling(path));
  if (std::ranges::all_of(detail.keys, is_plain) && (!has_tombstones() || is_known(detail.keys))) {
    for (const sema::ColumnPath& path : detail.keys)
      dedup.key.push_back(stream_.row.visible[static_cast<std::size_t>(path.column)]);
  } else {
    std::vector<Computed> keys;
    for (const sema::ColumnPath& path : detail.keys) {
      keys.push_back([this, &path, &detail](RowFunction& function) {
        refuse_tombstones(function, is_known(detail.keys), "dedup");
        return path_value(function, path);
      });
    }
    dedup.key = append(kDedupColumn, "dedup", fact.before, keys);
  }
  dedup.time = stream_.row.find_hidden(ir::kTimeColumn);
  const ir::NodeId id = add_node("dedup", std::move(dedup), stream_.row.schema, stream_.ports);
  stream_.ports = {{id, 0}};
}

void FlowLowering::enrich(const ast::EnrichStage& node, const sema::StageFact& fact, const sema::EnrichFact& detail) {
  const std::string name = "enrich " + node.name.text;
  const auto& lookup = std::get<sema::LookupRef>(context_.facts[detail.lookup].names);
  const auto plain_column = [&](ast::ExprId id) {
    const sema::ExprFact& it = context_.facts[id];
    const auto* column = std::get_if<sema::ColumnRef>(&it.names);
    if (column == nullptr || it.narrowed || stream_.row.column(static_cast<std::size_t>(column->column)).type != it.target)
      return -1;
    return stream_.row.visible[static_cast<std::size_t>(column->column)];
  };
  ir::Enrich enrich{.table = detail.table, .key = {}};
  for (ast::ExprId id : lookup.keys) enrich.key.push_back(plain_column(id));
  if (std::ranges::find(enrich.key, -1) != enrich.key.end()) {
    std::vector<Computed> keys;
    for (ast::ExprId id : lookup.keys) keys.push_back([this, id](RowFunction& function) { return guarded(function, id); });
    enrich.key = append(kLookupColumn, name, fact.before, keys);
  }
  is_volatile_ = true;
  const value::TypeId found = context_.types().with_null(context_.facts.tables[detail.table].type);
  stream_.row.add_hidden(kFoundColumn, found, true);
  const ir::NodeId id = add_node(name, std::move(enrich), stream_.row.schema, stream_.ports);
  stream_.ports = {{id, 0}};

  RowFunction function = begin("enrich");
  function.bindings().bind({Binding::Kind::Lookup}, function.at(stream_.row.find_hidden(kFoundColumn)));
  Row row = row_after(fact.after, stream_.row);
  std::copy(stream_.row.keeps_tombstone.begin(), stream_.row.keeps_tombstone.end(), row.keeps_tombstone.begin());
  std::vector<ir::Value> values = visible_values(function);
  values.push_back(guarded(function, node.value));
  function.emit(row, values_for(row, function, std::move(values)));
  apply(function, std::move(row), name);
}

void FlowLowering::key(const sema::StageFact& fact, const sema::KeyFact& detail) {
  std::vector<Computed> keys;
  for (const sema::ColumnPath& path : detail.keys) {
    keys.push_back([this, &path, &detail](RowFunction& function) {
      refuse_tombstones(function, is_known(detail.keys), "key by");
      return path_value(function, path);
    });
  }
  sema::RowSchema without_key = fact.after;
  without_key.has_key = false;
  append(kKeyColumn, "key by", without_key, keys);
}

void FlowLowering::remove(const ast::DeleteStage& node, const sema::StageFact& fact) {
  RowFunction function = begin("delete");
  Row row = row_after(fact.after, stream_.row);
  row.keeps_tombstone = stream_.row.keeps_tombstone;
  std::vector<ir::Value> values = values_for(row, function, visible_values(function));
  ir::Value condition = guarded(function, node.condition);
  if (const int before = row.find_hidden(kDeleteWhenColumn); before >= 0) {
    ir::Value& old = values[static_cast<std::size_t>(before)];
    old = function.builder().add(ir::Op::Or, condition.type, {old, condition});
  } else {
    row.add_hidden(kDeleteWhenColumn, condition.type, is_volatile_);
    values.push_back(condition);
  }
  function.emit(row, std::move(values));
  apply(function, std::move(row), "delete when");
}

void FlowLowering::route(const ast::RouteStage& node, const sema::StageFact& fact, const sema::RouteFact& detail) {
  RowFunction function = begin("route");
  Row row = row_after(fact.before, stream_.row);
  row.keeps_tombstone = stream_.row.keeps_tombstone;
  const bool known =
      std::ranges::all_of(node.cases, [&](const ast::RouteCase& each) { return !each.condition || is_known(each.condition); });
  refuse_tombstones(function, known, "route");
  ir::FunctionBuilder& b = function.builder();
  for (const ast::RouteCase& each : node.cases) {
    const ir::BlockId next = b.new_block();
    if (each.condition) {
      is_volatile_ = is_volatile_ || context_.facts[each.condition].is_volatile;
      const ir::BlockId taken = b.new_block();
      b.branch(function.expr().lower(each.condition), taken, next);
      b.go_to(taken);
    }
    function.emit(row, values_for(row, function, visible_values(function)));
    b.go_to(next);
  }
  apply(function, std::move(row), "route");
  const Stream routed = stream_;
  for (std::size_t i = 0; i < detail.sinks.size(); ++i) {
    stream_ = {{{routed.ports[0].node, static_cast<std::uint32_t>(i)}}, routed.row};
    to(detail.sinks[i]);
  }
  stream_ = {};
}

}  // namespace piperun::plan
