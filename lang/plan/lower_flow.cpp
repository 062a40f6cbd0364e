#include "lang/plan/lower_flow.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lang/ast/match.h"
#include "lang/plan/after.h"
#include "lang/plan/choices.h"

namespace piperun::plan {

using value::TypeKind;

namespace {

// Whether a hidden column is there behind a stage; what a stage computed for itself is not.
bool lives_on(std::string_view name, const sema::RowSchema& after) {
  if (name.starts_with(ir::kMetaColumns)) return after.has_meta;
  if (name.starts_with(kKeyColumn)) return after.has_key;
  if (name == ir::kExtraColumn) return after.has_extra;
  return name == ir::kTimeColumn || name == ir::kDeleteColumn || name == kDeleteWhenColumn;
}

}  // namespace

FlowLowering::FlowLowering(LowerContext& context)
    : context_(context), sources_(context.facts.sources.size()), flows_(context.facts.flows.size()) {
  for (const sema::ExprFact& fact : context.facts.exprs) {
    const auto* meta = std::get_if<sema::MetaRef>(&fact.names);
    if (meta != nullptr && std::ranges::find(used_meta_, meta->column) == used_meta_.end()) used_meta_.push_back(meta->column);
  }
  std::ranges::sort(used_meta_);
  for (const sema::FlowFact& flow : context.facts.flows) {
    for (const sema::StageFact& stage : flow.stages)
      needs_time_ = needs_time_ || std::holds_alternative<sema::DedupFact>(stage.detail);
  }
}

void FlowLowering::run() {
  for (sema::FlowId id : context_.facts.flow_order) flow(id);
}

void FlowLowering::flow(sema::FlowId id) {
  flow_ = &context_.facts.flows[id];
  policy_ = 0;
  if (flow_->has_policy) {
    policy_ = static_cast<std::uint32_t>(context_.program.policies.size());
    context_.program.policies.push_back(chosen(flow_->policy));
  }
  const ast::Declaration& declaration = context_.files.modules[0].module.declarations[flow_->declaration];
  const auto& stages = std::get<ast::FlowDecl>(declaration.node).stages;
  stream_ = {};
  for (std::size_t i = 0; i < stages.size(); ++i) {
    site_ = context_.site(stages[i].span);
    is_volatile_ = false;
    stage(stages[i], flow_->stages[i]);
  }
  flows_[id] = std::move(stream_);
}

void FlowLowering::stage(const ast::Stage& stage, const sema::StageFact& fact) {
  ast::match(
      fact.detail, [](const sema::OtherStage&) {}, [&](const sema::FromFact& d) { from(fact, d); },
      [&](const sema::FilterFact&) { filter(std::get<ast::FilterStage>(stage.node), fact); },
      [&](const sema::SetFact& d) { set(std::get<ast::SetStage>(stage.node), fact, d); },
      [&](const sema::MapFact& d) { map(fact, d); }, [&](const sema::DropFact& d) { drop(fact, d); },
      [&](const sema::FlattenFact&) { flatten(std::get<ast::FlattenStage>(stage.node), fact); },
      [&](const sema::DedupFact& d) { dedup(stage, d, fact); },
      [&](const sema::EnrichFact& d) { enrich(std::get<ast::EnrichStage>(stage.node), fact, d); },
      [&](const sema::KeyFact& d) { key(fact, d); },
      [&](const sema::DeleteFact&) { remove(std::get<ast::DeleteStage>(stage.node), fact); },
      [&](const sema::RouteFact& d) { route(std::get<ast::RouteStage>(stage.node), fact, d); },
      [&](const sema::ToFact& d) {
        to(d.sink);
        if (d.after != sema::kNone) write_after(context_.program.sinks[d.sink], context_.program.sinks[d.after]);
      });
}

RowFunction FlowLowering::begin(std::string_view kind) const {
  return {context_, fmt::format("{}.{}", flow_->name, kind), stream_.row, site_};
}

ir::NodeId FlowLowering::add_node(std::string detail, decltype(ir::Node::op) op, ir::Schema output,
                                  const std::vector<Port>& inputs) {
  auto& nodes = context_.program.graph.nodes;
  const auto id = static_cast<ir::NodeId>(nodes.size());
  ir::Node node;
  node.flow = flow_->name;
  node.stage = std::move(detail);
  node.op = std::move(op);
  node.output = std::move(output);
  node.is_volatile = is_volatile_;
  node.policy = policy_;
  node.site = site_;
  if (const auto* applied = std::get_if<ir::Apply>(&node.op))
    node.next.resize(context_.program.functions[applied->function].outputs.size());
  else if (!std::holds_alternative<ir::Output>(node.op)) node.next.resize(1);
  nodes.push_back(std::move(node));
  for (const Port& from : inputs) nodes[from.node].next[from.port].push_back({id});
  return id;
}

void FlowLowering::apply(RowFunction& function, Row row, std::string detail) {
  const ir::FunctionId id = function.finish();
  const ir::NodeId node = add_node(std::move(detail), ir::Apply{id}, row.schema, stream_.ports);
  stream_ = {{{node, 0}}, std::move(row)};
}

Row FlowLowering::row_after(const sema::RowSchema& after, const Row& before) const {
  Row row;
  for (const sema::Column& column : after.columns) row.add_visible({column.name, column.type, column.is_volatile});
  for (const auto& [name, place] : before.hidden) {
    if (lives_on(name, after)) row.add_hidden(before.schema[static_cast<std::size_t>(place)]);
  }
  return row;
}

std::vector<ir::Value> FlowLowering::values_for(const Row& row, RowFunction& function, std::vector<ir::Value> visible) const {
  for (std::size_t i = visible.size(); i < row.schema.size(); ++i) {
    const int place = stream_.row.find_hidden(row.schema[i].name);
    if (place >= 0) visible.push_back(function.at(place));
  }
  return visible;
}

std::vector<ir::Value> FlowLowering::visible_values(const RowFunction& function) const {
  std::vector<ir::Value> values;
  for (std::size_t i = 0; i < stream_.row.visible.size(); ++i) values.push_back(function.visible(i));
  return values;
}

ir::Value FlowLowering::path_value(RowFunction& function, const sema::ColumnPath& path) const {
  ir::Value value = function.visible(static_cast<std::size_t>(path.column));
  for (int field : path.fields) {
    if (context_.type(value.type).nullable) value = function.builder().payload(value);
    value = function.expr().field(value, static_cast<std::size_t>(field));
  }
  return function.expr().convert(value, path.type);
}

std::vector<int> FlowLowering::append(std::string_view name, const std::string& detail, const sema::RowSchema& schema,
                                      const std::vector<Computed>& values) {
  RowFunction function = begin(name.substr(1));
  Row row = row_after(schema, stream_.row);
  row.keeps_tombstone = stream_.row.keeps_tombstone;
  std::vector<ir::Value> emitted = values_for(row, function, visible_values(function));
  std::vector<int> places;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const ir::Value value = values[i](function);
    places.push_back(static_cast<int>(row.schema.size()));
    row.add_hidden(part_of(name, i), value.type, is_volatile_);
    emitted.push_back(value);
  }
  function.emit(row, std::move(emitted));
  apply(function, std::move(row), detail);
  return places;
}

}  // namespace piperun::plan
