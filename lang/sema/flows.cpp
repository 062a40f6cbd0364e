// Flows: their stages one after the other, from where to where, and in which order flows depend on each other.
#include <fmt/format.h>

#include <algorithm>

#include "lang/ast/match.h"
#include "lang/sema/analysis.h"

namespace piperun::sema {

namespace {

constexpr std::size_t kMostCarried = 1'000'000;  // fields, in the records of all stages of a flow together

}  // namespace

std::optional<FlowId> Analysis::flow(Symbol symbol, Span used_at) {
  const FlowId id = ids_.at(symbol);
  if (known_flows_.contains(id)) return id;
  if (!open_.insert(symbol).second) {
    context_.error(Code::P0210, used_at, fmt::format("flow `{}` reads its own output", context_[symbol].name.text))
        .secondary(context_[symbol].name.span, "declared here");
    return std::nullopt;
  }
  check_flow(symbol, id);
  open_.erase(symbol);
  return id;
}

void Analysis::check_flow(Symbol symbol, FlowId id) {
  const auto& declaration = std::get<ast::FlowDecl>(context_[symbol].node);
  Flowing flowing;
  flowing.is_known = false;
  bool has_begun = false;
  bool was_ended = false;
  std::size_t carried = 0;
  std::vector<StageFact> facts;
  for (const ast::Stage& each : declaration.stages) {
    StageFact fact;
    fact.before = flowing.row;
    const bool is_from = std::holds_alternative<ast::FromStage>(each.node);
    const bool is_error = std::holds_alternative<ast::ErrorStage>(each.node);
    if (!has_begun && !is_from && !is_error) {
      context_.error(Code::P0221, each.keyword, "a flow begins with `from`").help("`from` names what is read: sources and flows");
    } else if (has_begun && is_from) {
      context_.error(Code::P0221, each.keyword, "`from` stands once, at the beginning").help("several inputs: `from a, b as T`");
      has_begun = true;
      facts.push_back(std::move(fact));
      continue;
    }
    if (flowing.is_ended && !was_ended) {
      was_ended = true;
      context_.error(Code::P0221, each.keyword, "nothing arrives behind `route`: each record has gone to a sink");
    }
    has_begun = true;
    fact.detail = stage(each, flowing, id);
    carried += flowing.row.columns.size();
    if (carried > kMostCarried) {
      context_
          .error(Code::P0231, each.keyword,
                 fmt::format("flow `{}` grows too large: the records of its stages have more than {} fields together",
                             context_[symbol].name.text, kMostCarried))
          .help("leave behind what is not needed any more: `map { … }`, `drop …`");
      flowing.is_known = false;
      flowing.has_output = true;
      break;
    }
    fact.after = flowing.row;
    facts.push_back(std::move(fact));
  }
  FlowFact& fact = context_.facts.flows[id];
  fact.stages = std::move(facts);
  fact.output = flowing.row;
  known_flows_[id] = flowing.is_known && !flowing.is_ended;
  if (declaration.stages.empty())
    context_.error(Code::P0221, context_[symbol].name.span, fmt::format("flow `{}` is empty", fact.name));
  if (flowing.has_output) context_.use(symbol);
}

void Analysis::order_flows() {
  auto& flows = context_.facts.flows;
  for (FlowId id = 0; id < flows.size(); ++id) {
    for (const StageFact& each : flows[id].stages) {
      const auto* from_fact = std::get_if<FromFact>(&each.detail);
      if (from_fact == nullptr) continue;
      for (const Stream& stream : from_fact->inputs) {
        if (stream.kind == Stream::Kind::Flow) flows[stream.id].readers.push_back(id);
      }
    }
  }
  std::vector<bool> is_done(flows.size());
  const auto visit = [&](auto&& self, FlowId id) -> void {
    if (is_done[id]) return;
    is_done[id] = true;
    for (const StageFact& each : flows[id].stages) {
      const auto* from_fact = std::get_if<FromFact>(&each.detail);
      if (from_fact == nullptr) continue;
      for (const Stream& stream : from_fact->inputs) {
        if (stream.kind == Stream::Kind::Flow) self(self, stream.id);
      }
    }
    context_.facts.flow_order.push_back(id);
  };
  for (FlowId id = 0; id < flows.size(); ++id) visit(visit, id);
  for (const FlowFact& each : flows) {
    const ast::Declaration& it = context_.program.modules[0].module.declarations[each.declaration];
    if (context_.is_used({0, each.declaration}) || std::get<ast::FlowDecl>(it.node).stages.empty()) continue;
    const auto& last = std::get<ast::FlowDecl>(it.node).stages.back();
    if (std::holds_alternative<ast::ErrorStage>(last.node)) continue;
    context_.error(Code::P0221, each.where, fmt::format("flow `{}` leads nowhere", each.name))
        .help("end it in `to SINK` or `route`, or read it in another flow");
  }
}

Scope Analysis::scope(Flowing& flowing) const {
  return {.row = &flowing.row, .is_row_known = flowing.is_known, .lost = &flowing.lost, .present = flowing.present};
}

// The fields of a record type as columns; of another type none.
Columns Analysis::fields_of(TypeId record, Span where) const {
  Columns columns;
  for (const value::Field& field : context_.type(record).fields) columns.push_back({field.name, field.type, false, where});
  return columns;
}

void Analysis::forget(std::set<std::string>& present, const std::string& path) {
  present.erase(path);
  present.erase(present.lower_bound(path + '.'), present.lower_bound(path + static_cast<char>('.' + 1)));
}

void Analysis::lose(Flowing& flowing, std::string name, Span where) {
  forget(flowing.present, name);
  flowing.lost[std::move(name)] = where;
}

void Analysis::lose_meta(Flowing& flowing, Span where) {
  if (flowing.row.has_meta) lose(flowing, "meta", where);
  flowing.row.has_meta = false;
}

void Analysis::not_yet(std::string_view feature, const ast::Stage& stage, Flowing& flowing) {
  context_.not_yet(feature, stage.keyword);
  flowing.is_known = false;
}

StageDetail Analysis::stage(const ast::Stage& stage, Flowing& flowing, FlowId id) {
  const auto late = [&](const std::optional<ast::Late>& policy) {
    if (policy && policy->sink) sink(*policy->sink);
  };
  return ast::match(
      stage.node,
      [&](const ast::ErrorStage&) -> StageDetail {
        flowing.is_known = false;
        flowing.has_output = true;  // it may have been a `to`
        return OtherStage{};
      },
      [&](const ast::FromStage& it) { return from(it, stage, flowing, id); },
      [&](const ast::FilterStage& it) { return filter(it, flowing); }, [&](const ast::SetStage& it) { return set(it, flowing); },
      [&](const ast::MapStage& it) { return map(it, stage, flowing); },
      [&](const ast::DropStage& it) { return drop(it, stage, flowing); },
      [&](const ast::FlattenStage& it) { return flatten(it, flowing); },
      [&](const ast::DedupStage& it) { return dedup(it, stage, flowing); },
      [&](const ast::EnrichStage& it) { return enrich(it, flowing); },
      [&](const ast::KeyStage& it) -> StageDetail {
        KeyFact fact{keys(it.keys, flowing, "the key of a record")};
        flowing.row.has_key = true;
        return fact;
      },
      [&](const ast::DeleteStage& it) -> StageDetail {
        Scope here = scope(flowing);
        expressions_.condition(it.condition, here, "the condition of `delete when`");
        flowing.row.is_keyed = true;
        return DeleteFact{};
      },
      [&](const ast::RouteStage& it) { return route(it, flowing); }, [&](const ast::ToStage& it) { return to(it, flowing); },
      [&](const ast::WindowStage& it) -> StageDetail {
        late(it.late);
        not_yet("window", stage, flowing);
        return OtherStage{};
      },
      [&](const ast::JoinStage& it) -> StageDetail {
        late(it.late);
        input(it.stream, id);
        not_yet("join", stage, flowing);
        return OtherStage{};
      },
      [&](const ast::AggregateStage& it) -> StageDetail {
        if (flowing.is_known) keys(it.by, flowing, "the key of a group");
        not_yet("aggregate", stage, flowing);
        return OtherStage{};
      },
      [&](const ast::TopStage& it) -> StageDetail {
        if (flowing.is_known) keys(it.per, flowing, "the key of a group");
        not_yet("top", stage, flowing);
        return OtherStage{};
      },
      [&](const ast::TimeStage& it) -> StageDetail {
        Scope here = scope(flowing);
        if (flowing.is_known) expressions_.check_as(it.by, here, context_.scalar(TypeKind::Timestamp), "the time of a record");
        not_yet("time", stage, flowing);
        return OtherStage{};
      });
}

std::optional<Analysis::Input> Analysis::input(const ast::Name& name, FlowId reader) {
  if (name.text.empty()) return std::nullopt;
  const Symbol* symbol = context_.find(0, name.text);
  if (symbol == nullptr) {
    auto& found = context_.error(Code::P0200, name.span, fmt::format("there is no source or flow `{}`", name.text));
    std::vector<std::string> names = context_.names_of<ast::SourceDecl>(0);
    std::ranges::move(context_.names_of<ast::FlowDecl>(0), std::back_inserter(names));
    context_.suggest(found, name.span, name.text, names);
    return std::nullopt;
  }
  const ast::DeclarationNode& node = context_[*symbol].node;
  if (std::holds_alternative<ast::ErrorDecl>(node)) return std::nullopt;
  Input result;
  if (std::holds_alternative<ast::SourceDecl>(node)) {
    const SourceId source_id = ids_.at(*symbol);
    const SourceFact& source = context_.facts.sources[source_id];
    result.stream = {Stream::Kind::Source, source_id};
    result.is_known = context_.kind(source.type) == TypeKind::Record;
    result.row.columns = fields_of(source.type, source.where);
    result.row.has_meta = true;
    result.row.has_extra = source.extra == ExtraFields::Keep;
    result.row.is_keyed = source.tombstone == Tombstone::Delete;
    return result;
  }
  if (std::holds_alternative<ast::FlowDecl>(node)) {
    const auto flow_id = flow(*symbol, name.span);
    if (!flow_id || *flow_id == reader) return std::nullopt;
    result.stream = {Stream::Kind::Flow, *flow_id};
    result.is_known = known_flows_[*flow_id];
    result.row = context_.facts.flows[*flow_id].output;
    for (const StageFact& each : context_.facts.flows[*flow_id].stages) {
      if (!std::holds_alternative<RouteFact>(each.detail)) continue;
      context_.error(Code::P0208, name.span, fmt::format("flow `{}` ends in `route`: nothing comes out of it", name.text));
    }
    return result;
  }
  auto& found = context_.error(Code::P0208, name.span,
                               fmt::format("`{}` is {}, and `from` reads sources and flows", name.text, kind_name(node)));
  found.secondary(context_[*symbol].name.span, "declared here");
  if (std::holds_alternative<ast::TableDecl>(node)) found.help(fmt::format("look rows up: `enrich x = {}[key]`", name.text));
  return std::nullopt;
}

StageDetail Analysis::from(const ast::FromStage& from_stage, const ast::Stage&, Flowing& flowing, FlowId id) {
  std::vector<Input> inputs;
  bool is_fine = true;
  for (const ast::Name& name : from_stage.inputs) {
    auto found = input(name, id);
    is_fine &= found.has_value() && found->is_known;
    if (found) inputs.push_back(std::move(*found));
  }
  if (!is_fine) {
    FromFact fact;
    for (const Input& each : inputs) fact.inputs.push_back(each.stream);
    if (from_stage.as) types_.read(from_stage.as, 0);
    return fact;
  }
  return unite(from_stage, inputs, flowing);
}

// For each column of `row` the column of the input, -1 for a null; nullopt: it does not fit, which was reported.
std::optional<std::vector<int>> Analysis::fit(const ast::FromStage& from_stage, const ast::Name& name, const Input& input,
                                              RowSchema& row) {
  const auto differs = [&](const Column& wanted, std::string message) {
    auto& found = context_.error(Code::P0216, name.span, std::move(message));
    found.secondary(wanted.where,
                    from_stage.as ? "the type that all must fit" : fmt::format("`{}` comes first", from_stage.inputs[0].text));
    return std::nullopt;
  };
  std::vector<int> columns;
  for (Column& wanted : row.columns) {
    const int place = input.row.columns.index_of(wanted.name);
    if (place < 0) {
      if (!from_stage.as || !context_.is_nullable(wanted.type))
        return differs(wanted, fmt::format("`{}` has no field `{}`", name.text, wanted.name));
      columns.push_back(-1);
      continue;
    }
    const Column& found = input.row.columns[place];
    const bool is_error = context_.is_error(found.type) || context_.is_error(wanted.type);
    const bool fits = is_error || (from_stage.as ? converts(context_, found.type, wanted.type) : found.type == wanted.type);
    if (!fits) {
      return differs(wanted, fmt::format("`{}` differs in the field `{}`: it is {} here, and {} is wanted", name.text,
                                         wanted.name, context_.name(found.type), context_.name(wanted.type)));
    }
    wanted.is_volatile |= found.is_volatile;
    columns.push_back(place);
  }
  return columns;
}

// A field that the others do not have; reported.
bool Analysis::has_surplus(const ast::FromStage& from_stage, const ast::Name& name, const Input& input, const RowSchema& row) {
  for (const Column& more : input.row.columns) {
    if (row.columns.contains(more.name)) continue;
    context_
        .error(Code::P0216, name.span,
               fmt::format("`{}` has a field `{}`, and `{}` has none", name.text, more.name, from_stage.inputs[0].text))
        .help("name the type that all fit: `from a, b as T`");
    return true;
  }
  return false;
}

StageDetail Analysis::unite(const ast::FromStage& from_stage, const std::vector<Input>& inputs, Flowing& flowing) {
  FromFact fact;
  RowSchema& row = flowing.row;
  row = inputs.front().row;
  if (from_stage.as) {
    const TypeId type = record_type(from_stage.as, "a union");
    if (context_.is_error(type)) return fact;
    row.columns = fields_of(type, context_.program.pool[from_stage.as].span);
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Input& each = inputs[i];
    const ast::Name& name = from_stage.inputs[i];
    fact.inputs.push_back(each.stream);
    row.has_meta &= each.row.has_meta;
    row.has_extra &= each.row.has_extra;
    row.has_key &= each.row.has_key;
    row.is_keyed |= each.row.is_keyed;
    auto columns = fit(from_stage, name, each, row);
    if (!columns || (!from_stage.as && has_surplus(from_stage, name, each, row))) return fact;
    fact.columns.push_back(std::move(*columns));
  }
  flowing.is_known = true;
  return fact;
}

}  // namespace piperun::sema
