#include "lang/sema/stages.h"

#include <fmt/format.h>

#include "lang/ast/match.h"
#include "lang/ast/parts.h"
#include "lang/sema/paths.h"

namespace piperun::sema {

StageDetail Stages::read(const ast::Stage& stage, Flowing& flowing) {
  const auto late = [&](const std::optional<ast::Late>& policy) {
    if (policy && policy->sink) sinks_.find(*policy->sink);
  };
  return ast::match(
      stage.node,
      [&](const ast::ErrorStage&) -> StageDetail {
        flowing.is_known = false;
        flowing.has_output = true;  // it may have been a `to`
        return OtherStage{};
      },
      [](const ast::FromStage&) -> StageDetail { return OtherStage{}; },  // is read by Flows
      [&](const ast::FilterStage& it) { return filter(it, flowing); },
      [&](const ast::SetStage& it) { return fields_.set(it, flowing); },
      [&](const ast::MapStage& it) { return fields_.map(it, stage, flowing); },
      [&](const ast::DropStage& it) { return fields_.drop(it, stage, flowing); },
      [&](const ast::FlattenStage& it) { return flatten(it, flowing); },
      [&](const ast::DedupStage& it) { return dedup(it, stage, flowing); },
      [&](const ast::EnrichStage& it) { return enrich(it, flowing); },
      [&](const ast::KeyStage& it) { return key_by(it, flowing); },
      [&](const ast::DeleteStage& it) { return delete_when(it, flowing); },
      [&](const ast::RouteStage& it) { return route(it, flowing); },  //
      [&](const ast::ToStage& it) { return to(it, flowing); },
      [&](const ast::WindowStage& it) {
        late(it.late);
        return not_yet("window", stage, flowing);
      },
      [&](const ast::JoinStage& it) {
        late(it.late);
        return not_yet("join", stage, flowing);
      },
      [&](const ast::AggregateStage& it) {
        find_keys(context_, it.by, flowing, "the key of a group");
        return not_yet("aggregate", stage, flowing);
      },
      [&](const ast::TopStage& it) {
        find_keys(context_, it.per, flowing, "the key of a group");
        return not_yet("top", stage, flowing);
      },
      [&](const ast::TimeStage& it) {
        Scope here = flowing.scope();
        if (flowing.is_known) expressions_.check_as(it.by, here, context_.scalar(TypeKind::Timestamp), "the time of a record");
        return not_yet("time", stage, flowing);
      });
}

// It has the form of a stage, but what flows on is not known.
StageDetail Stages::not_yet(std::string_view feature, const ast::Stage& stage, Flowing& flowing) {
  context_.not_yet(feature, stage.keyword);
  flowing.is_known = false;
  return OtherStage{};
}

StageDetail Stages::filter(const ast::FilterStage& filter, Flowing& flowing) {
  Scope here = flowing.scope();
  expressions_.condition(filter.condition, here, "the condition of `filter`");
  expressions_.narrow(filter.condition, true, flowing.present);
  for (Column& column : flowing.row.columns) {
    if (flowing.present.contains(column.name)) column.type = context_.base(column.type);
  }
  return FilterFact{};
}

StageDetail Stages::flatten(const ast::FlattenStage& flatten_stage, Flowing& flowing) {
  FlattenFact fact;
  Scope here = flowing.scope();
  const TypeId type = expressions_.check(flatten_stage.list, here);
  const bool is_volatile = expressions_.fact(flatten_stage.list).is_volatile;
  const Span span = context_.program.pool[flatten_stage.list].span;
  if (!context_.is_error(type) && context_.is_nullable(type)) {
    context_.error(Code::P0300, span, "what `flatten` takes apart cannot be null, but this may be")
        .label(context_.name(type))
        .help(fmt::format("`flatten {} ?? [] as {}`", context_.sources.text(span), flatten_stage.element.text));
  } else if (context_.kind(type) == TypeKind::List) {
    fact.element = context_.type(type).element;
  } else if (!context_.is_error(type)) {
    context_.error(Code::P0204, span, fmt::format("`flatten` takes a list apart, and this is {}", context_.name(type)));
  }
  if (!flowing.is_known) return fact;
  fields_.add_column(flowing, flatten_stage.element, fact.element, is_volatile);
  if (flatten_stage.index) fields_.add_column(flowing, *flatten_stage.index, context_.scalar(TypeKind::Int), false);
  return fact;
}

StageDetail Stages::dedup(const ast::DedupStage& dedup_stage, const ast::Stage& stage, Flowing& flowing) {
  DedupFact fact;
  fact.keys = find_keys(context_, dedup_stage.keys, flowing, "a key of `dedup`");
  if (!dedup_stage.within.value) {
    if (!dedup_stage.within.span.empty()) context_.not_yet("forever", dedup_stage.within.span);
    else
      context_.error(Code::P0500, stage.keyword, "`dedup` needs a `within`").help("`within 24h`: how long a key is remembered");
  } else {
    Scope here{};
    const auto within = expressions_.evaluate(dedup_stage.within.value, here, context_.scalar(TypeKind::Duration), "`within`");
    if (within) fact.within = std::get<std::int64_t>(within->value);
    if (within && fact.within <= 0) context_.error(Code::P0500, dedup_stage.within.span, "`within` is longer than nothing");
  }
  flowing.lose_meta(stage.keyword);
  return fact;
}

namespace {

// All look-ups in an expression.
void find_lookups(const ast::Pool& pool, const Facts& facts, ExprId id, std::vector<ExprId>& found) {
  if (std::holds_alternative<LookupRef>(facts[id].names)) found.push_back(id);
  for (const ExprId part : ast::parts_of(pool[id])) find_lookups(pool, facts, part, found);
}

}  // namespace

StageDetail Stages::enrich(const ast::EnrichStage& enrich_stage, Flowing& flowing) {
  EnrichFact fact;
  Scope here = flowing.scope();
  here.may_look_up = true;
  const TypeId type = expressions_.check(enrich_stage.value, here);
  std::vector<ExprId> lookups;
  find_lookups(context_.program.pool, context_.facts, enrich_stage.value, lookups);
  if (lookups.size() == 1) {
    fact.lookup = lookups.front();
    fact.table = std::get<LookupRef>(context_.facts[fact.lookup].names).table;
  } else if (lookups.size() > 1) {
    context_.error(Code::P0225, context_.program.pool[lookups[1]].span, "one `enrich` reads one table once")
        .secondary(context_.program.pool[lookups[0]].span, "the first look-up")
        .help("write a stage for each");
  } else if (!context_.is_error(type)) {
    context_
        .error(Code::P0225, context_.program.pool[enrich_stage.value].span, "`enrich` looks a row up in a table: `table[key]`")
        .help("a value that needs no table is computed by `set`");
  }
  if (flowing.is_known) fields_.add_column(flowing, enrich_stage.name, type, true);
  return fact;
}

StageDetail Stages::key_by(const ast::KeyStage& key, Flowing& flowing) {
  KeyFact fact{find_keys(context_, key.keys, flowing, "the key of a record")};
  flowing.row.has_key = true;
  return fact;
}

StageDetail Stages::delete_when(const ast::DeleteStage& remove, Flowing& flowing) {
  Scope here = flowing.scope();
  expressions_.condition(remove.condition, here, "the condition of `delete when`");
  flowing.row.is_keyed = true;
  return DeleteFact{};
}

StageDetail Stages::route(const ast::RouteStage& route_stage, Flowing& flowing) {
  RouteFact fact;
  Scope here = flowing.scope();
  for (const ast::RouteCase& each : route_stage.cases) {
    if (each.condition) {
      expressions_.condition(each.condition, here, "the condition of `when`");
      expressions_.narrow(each.condition, false, here.present);
    }
    const auto target = sinks_.find(each.sink);
    fact.sinks.push_back(target.value_or(kNone));
    if (target) sinks_.feed(*target, flowing, each.sink.span);
  }
  const auto last = route_stage.cases.empty() ? nullptr : &route_stage.cases.back();
  if (last != nullptr && last->condition) {
    context_.error(Code::P0221, last->span, "`route` needs an `else`").help("`else to SINK`: where the rest goes");
  }
  flowing.is_ended = true;
  flowing.has_output = true;
  return fact;
}

StageDetail Stages::to(const ast::ToStage& to_stage, Flowing& flowing) {
  ToFact fact;
  flowing.has_output = true;
  if (const auto target = sinks_.find(to_stage.sink)) {
    fact.sink = *target;
    sinks_.feed(*target, flowing, to_stage.sink.span);
  }
  if (to_stage.after) {
    if (const auto after = sinks_.find(*to_stage.after)) fact.after = *after;
    if (fact.after != kNone && fact.after == fact.sink)
      context_.error(Code::P0614, to_stage.after->span, fmt::format("`{}` cannot be written after itself", to_stage.sink.text));
  }
  return fact;
}

}  // namespace piperun::sema
