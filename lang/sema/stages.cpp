// What each stage does to the record that flows through it.
#include <fmt/format.h>

#include <algorithm>

#include "lang/ast/match.h"
#include "lang/sema/analysis.h"

namespace piperun::sema {

StageDetail Analysis::filter(const ast::FilterStage& filter, Flowing& flowing) {
  Scope here = scope(flowing);
  expressions_.condition(filter.condition, here, "the condition of `filter`");
  expressions_.narrow(filter.condition, true, flowing.present);
  for (Column& column : flowing.row.columns) {
    if (flowing.present.contains(column.name)) column.type = context_.base(column.type);
  }
  return FilterFact{};
}

bool Analysis::add_column(Flowing& flowing, const ast::Name& name, TypeId type, bool is_volatile) {
  if (name.text.empty()) return false;
  const auto found = std::ranges::find(flowing.row.columns, name.text, &Column::name);
  if (found != flowing.row.columns.end()) {
    context_.error(Code::P0201, name.span, fmt::format("there is a field `{}` already", name.text))
        .secondary(found->where, "it comes from here")
        .help("take another name");
    return false;
  }
  flowing.row.columns.push_back({name.text, type, is_volatile, name.span});
  flowing.lost.erase(name.text);
  return true;
}

StageDetail Analysis::set(const ast::SetStage& set_stage, Flowing& flowing) {
  SetFact fact;
  Scope here = scope(flowing);
  const ast::Path& target = set_stage.target;
  const std::string& name = target.parts.front().text;
  const auto existing = std::ranges::find(flowing.row.columns, name, &Column::name);
  const bool is_there = existing != flowing.row.columns.end();
  TypeId hint;
  if (is_there) hint = existing->type;
  for (std::size_t i = 1; i < target.parts.size(); ++i) {
    const value::Type record = context_.type(hint);
    const int index = field_index(record, target.parts[i].text);
    hint = index < 0 ? TypeId{} : record.fields[static_cast<std::size_t>(index)].type;
  }
  TypeId type = expressions_.check(set_stage.value, here, hint);
  if (!flowing.is_known) return fact;
  if (context_.kind(type) == TypeKind::Null) {
    if (!context_.is_nullable(hint)) {
      context_.error(Code::P0304, context_.program.pool[set_stage.value].span, "`null` alone has no type here");
      type = {};
    } else {
      type = hint;
    }
  }
  if (context_.kind(type) == TypeKind::Never) type = hint;
  expressions_.coerce(set_stage.value, type, "the value");
  const bool is_volatile = expressions_.fact(set_stage.value).is_volatile;
  std::string whole;
  for (const ast::Name& part : target.parts) whole += (whole.empty() ? "" : ".") + part.text;
  std::erase_if(flowing.present, [&](const std::string& each) { return each == whole || each.starts_with(whole + "."); });
  if (target.parts.size() == 1) {
    fact.target.type = type;
    fact.is_new = !is_there;
    fact.target.column = static_cast<int>(existing - flowing.row.columns.begin());
    if (is_there) *existing = {name, type, is_volatile, target.span};
    else add_column(flowing, target.parts.front(), type, is_volatile);
    return fact;
  }
  const auto column_path = path({{target.parts.front()}, target.parts.front().span}, flowing);
  if (!column_path) return fact;
  fact.target = *column_path;
  fact.target.type = type;
  Column& column = flowing.row.columns[static_cast<std::size_t>(column_path->column)];
  const TypeId before = column.type;
  const TypeId after = set_inside(before, target, 1, type, fact.target);
  Column& again = flowing.row.columns[static_cast<std::size_t>(column_path->column)];
  again.type = after;
  again.is_volatile |= is_volatile;
  return fact;
}

// The record type with the field that the path from `part` on names set to `type`.
TypeId Analysis::set_inside(TypeId record_id, const ast::Path& path, std::size_t part, TypeId type, ColumnPath& target) {
  if (context_.is_error(record_id)) return record_id;
  value::Type record = context_.type(record_id);
  const ast::Name& name = path.parts[part];
  if (record.kind != TypeKind::Record || record.nullable) {
    const ast::Name& object = path.parts[part - 1];
    auto& found = context_.error(record.nullable ? Code::P0300 : Code::P0205, object.span,
                                 record.nullable ? fmt::format("`{}` may be null, so nothing can be set in it", object.text)
                                                 : fmt::format("`{}` is {}: it has no field `{}`", object.text, context_.name(record_id), name.text));
    if (record.nullable) found.help(fmt::format("`filter {} is not null` before", object.text));
    return record_id;
  }
  int index = field_index(record, name.text);
  if (index < 0) {
    index = static_cast<int>(record.fields.size());
    record.fields.push_back({name.text, {}});
  }
  target.fields.push_back(index);
  value::Field& field = record.fields[static_cast<std::size_t>(index)];
  const TypeId inner = part + 1 == path.parts.size() ? type : set_inside(field.type, path, part + 1, type, target);
  if (inner == field.type) return record_id;
  field.type = inner;
  return context_.facts.types.record("", std::move(record.fields));
}

StageDetail Analysis::map(const ast::MapStage& map_stage, const ast::Stage& stage, Flowing& flowing) {
  MapFact fact;
  Scope here = scope(flowing);
  const TypeId wanted_id = map_stage.type ? record_type(map_stage.type, "a `map`") : TypeId{};
  const value::Type wanted = context_.type(wanted_id);
  std::vector<Column> columns;
  for (const ast::Entry& entry : map_stage.entries) {
    const int index = field_index(wanted, entry.name.text);
    const TypeId target = index < 0 ? TypeId{} : wanted.fields[static_cast<std::size_t>(index)].type;
    TypeId type = expressions_.check(entry.value, here, target);
    if (!context_.is_error(wanted_id) && index < 0) {
      auto& found = context_.error(Code::P0205, entry.name.span, fmt::format("`{}` has no field `{}`", wanted.name, entry.name.text));
      std::vector<std::string> names;
      for (const value::Field& field : wanted.fields) names.push_back(field.name);
      context_.suggest(found, entry.name.span, entry.name.text, names);
      continue;
    }
    if (index >= 0) {
      expressions_.coerce(entry.value, target, fmt::format("the field `{}`", entry.name.text));
      type = target;
    } else if (context_.kind(type) == TypeKind::Null || context_.kind(type) == TypeKind::Never) {
      context_.error(Code::P0304, context_.program.pool[entry.value].span, "this has no type of its own");
      type = {};
    }
    if (const auto first = std::ranges::find(columns, entry.name.text, &Column::name); first != columns.end()) {
      context_.error(Code::P0201, entry.name.span, fmt::format("`map` has two fields `{}`", entry.name.text)).secondary(first->where, "the first one");
      continue;
    }
    columns.push_back({entry.name.text, type, expressions_.fact(entry.value).is_volatile, entry.name.span});
    fact.values.push_back(entry.value);
  }
  for (const value::Field& field : wanted.fields) {
    if (std::ranges::find(columns, field.name, &Column::name) != columns.end() || !flowing.is_known) continue;
    context_.error(Code::P0207, stage.keyword, fmt::format("the field `{}` of `{}` is missing", field.name, wanted.name))
        .help(context_.is_nullable(field.type) ? fmt::format("`{} = null`", field.name) : fmt::format("`{} = …`", field.name));
    break;
  }
  if (!context_.is_error(wanted_id) && columns.size() == wanted.fields.size()) {
    const auto place = [&](const std::string& name) { return field_index(wanted, name); };
    std::vector<std::size_t> order(columns.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::ranges::sort(order, {}, [&](std::size_t i) { return place(columns[i].name); });
    std::vector<Column> sorted;
    std::vector<ExprId> values;
    for (const std::size_t i : order) {
      sorted.push_back(columns[i]);
      values.push_back(fact.values[i]);
    }
    columns = std::move(sorted);
    fact.values = std::move(values);
  }
  for (const Column& column : flowing.row.columns) {
    if (std::ranges::find(columns, column.name, &Column::name) == columns.end()) lose(flowing, column.name, stage.keyword);
  }
  lose_meta(flowing, stage.keyword);
  for (const Column& column : columns) flowing.lost.erase(column.name);
  flowing.present.clear();
  flowing.row.columns = std::move(columns);
  flowing.row.has_extra = false;
  return fact;
}

std::optional<ColumnPath> Analysis::path(const ast::Path& written, Flowing& flowing) {
  if (!flowing.is_known) return std::nullopt;
  const ast::Name& first = written.parts.front();
  const auto found = std::ranges::find(flowing.row.columns, first.text, &Column::name);
  if (first.text.empty()) return std::nullopt;
  if (found == flowing.row.columns.end()) {
    if (const auto lost = flowing.lost.find(first.text); lost != flowing.lost.end()) {
      context_.error(Code::P0209, first.span, fmt::format("the field `{}` is gone by now", first.text))
          .secondary(lost->second, fmt::format("this did not keep `{}`", first.text))
          .help("keep it there, or use it before");
      return std::nullopt;
    }
    auto& report = context_.error(Code::P0200, first.span, fmt::format("there is no field `{}`", first.text));
    std::vector<std::string> names;
    for (const Column& column : flowing.row.columns) names.push_back(column.name);
    context_.suggest(report, first.span, first.text, names);
    return std::nullopt;
  }
  ColumnPath result{static_cast<int>(found - flowing.row.columns.begin()), {}, found->type, false};
  std::string whole = first.text;
  for (std::size_t i = 1; i < written.parts.size(); ++i) {
    const ast::Name& part = written.parts[i];
    const value::Type record = context_.type(result.type);
    if (record.kind == TypeKind::Error) return std::nullopt;
    if (record.nullable && !flowing.present.contains(whole)) {
      context_.error(Code::P0306, written.parts[i - 1].span, fmt::format("`{}` may be null", whole))
          .help(fmt::format("`filter {} is not null` before", whole));
      return std::nullopt;
    }
    const int index = record.kind == TypeKind::Record ? field_index(record, part.text) : -1;
    if (index < 0) {
      auto& report = context_.error(Code::P0205, part.span, fmt::format("`{}` has no field `{}`", whole, part.text));
      std::vector<std::string> names;
      for (const value::Field& field : record.fields) names.push_back(field.name);
      context_.suggest(report, part.span, part.text, names);
      return std::nullopt;
    }
    result.narrowed |= record.nullable;
    result.fields.push_back(index);
    result.type = record.fields[static_cast<std::size_t>(index)].type;
    whole += "." + part.text;
  }
  if (context_.is_nullable(result.type) && flowing.present.contains(whole)) {
    result.narrowed = true;
    result.type = context_.base(result.type);
  }
  return result;
}

std::vector<ColumnPath> Analysis::keys(const std::vector<ast::Path>& paths, Flowing& flowing, std::string_view what) {
  std::vector<ColumnPath> result;
  for (const ast::Path& each : paths) {
    const auto found = path(each, flowing);
    if (!found) continue;
    const std::string_view text = context_.sources.text(each.span);
    if (context_.is_nullable(found->type)) {
      context_.error(Code::P0302, each.span, fmt::format("{} is never null, but `{}` may be", what, text))
          .label(context_.name(found->type))
          .help(fmt::format("before: `filter {} is not null`, or `set {} = {} ?? …`", text, text, text));
    } else if (!may_be_key(context_.kind(found->type))) {
      auto& report = context_.error(Code::P0211, each.span, fmt::format("`{}` cannot be {}: it is {}", text, what, context_.name(found->type)));
      if (context_.kind(found->type) == TypeKind::Float) report.note("equal floats need not look equal; make it a decimal or a string");
    } else if (const Column& column = flowing.row.columns[static_cast<std::size_t>(found->column)]; column.is_volatile) {
      context_.error(Code::P0212, each.span, fmt::format("`{}` cannot be {}: on a replay it may differ", text, what))
          .secondary(column.where, "computed from `now()` or from a look-up here");
    } else {
      result.push_back(*found);
    }
  }
  return result;
}

StageDetail Analysis::drop(const ast::DropStage& drop_stage, const ast::Stage& stage, Flowing& flowing) {
  DropFact fact;
  const RowSchema before = flowing.row;
  std::set<std::string> gone;
  for (const ast::Path& each : drop_stage.fields) {
    if (each.parts.size() == 1 && gone.contains(each.parts[0].text)) {
      context_.error(Code::P0201, each.span, fmt::format("`{}` is dropped twice", each.parts[0].text));
      continue;
    }
    const auto found = path(each, flowing);
    if (!found) continue;
    if (each.parts.size() > 1) {
      Column& column = flowing.row.columns[static_cast<std::size_t>(found->column)];
      const TypeId type = drop_inside(column.type, *found, 0);
      flowing.row.columns[static_cast<std::size_t>(found->column)].type = type;
    } else {
      gone.insert(each.parts[0].text);
    }
    // Indices count in `before`, where nothing is gone yet.
    auto original = *found;
    TypeId type = before.columns[static_cast<std::size_t>(found->column)].type;
    for (std::size_t i = 1; i < each.parts.size(); ++i) {
      const value::Type record = context_.type(type);
      const int index = field_index(record, each.parts[i].text);
      original.fields[i - 1] = index;
      type = record.fields[static_cast<std::size_t>(index)].type;
    }
    fact.fields.push_back(original);
  }
  for (const std::string& name : gone) {
    std::erase_if(flowing.row.columns, [&](const Column& column) { return column.name == name; });
    lose(flowing, name, stage.keyword);
  }
  if (flowing.is_known && flowing.row.columns.empty()) {
    context_.error(Code::P0227, stage.keyword, "nothing is left of the record");
    flowing.is_known = false;
  }
  return fact;
}

TypeId Analysis::drop_inside(TypeId record_id, const ColumnPath& path, std::size_t part) {
  value::Type record = context_.type(record_id);
  const auto index = static_cast<std::size_t>(path.fields[part]);
  if (part + 1 == path.fields.size()) record.fields.erase(record.fields.begin() + static_cast<std::ptrdiff_t>(index));
  else record.fields[index].type = drop_inside(record.fields[index].type, path, part + 1);
  const TypeId type = context_.facts.types.record("", std::move(record.fields));
  return record.nullable ? context_.nullable(type) : type;
}

StageDetail Analysis::flatten(const ast::FlattenStage& flatten_stage, Flowing& flowing) {
  FlattenFact fact;
  Scope here = scope(flowing);
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
  add_column(flowing, flatten_stage.element, fact.element, is_volatile);
  if (flatten_stage.index) add_column(flowing, *flatten_stage.index, context_.scalar(TypeKind::Int), false);
  return fact;
}

StageDetail Analysis::dedup(const ast::DedupStage& dedup_stage, const ast::Stage& stage, Flowing& flowing) {
  DedupFact fact;
  fact.keys = keys(dedup_stage.keys, flowing, "a key of `dedup`");
  if (!dedup_stage.within.value) {
    if (!dedup_stage.within.span.empty()) context_.not_yet("forever", dedup_stage.within.span);
    else context_.error(Code::P0500, stage.keyword, "`dedup` needs a `within`").help("`within 24h`: how long a key is remembered");
  } else {
    Scope here{};
    const auto within = expressions_.evaluate(dedup_stage.within.value, here, context_.scalar(TypeKind::Duration), "`within`");
    if (within) fact.within = std::get<std::int64_t>(within->value);
    if (within && fact.within <= 0) context_.error(Code::P0500, dedup_stage.within.span, "`within` is longer than nothing");
  }
  lose_meta(flowing, stage.keyword);
  return fact;
}

namespace {

// All look-ups in an expression.
void find_lookups(const ast::Pool& pool, const Facts& facts, ExprId id, std::vector<ExprId>& found) {
  if (!id) return;
  const auto visit = [&](ExprId part) { find_lookups(pool, facts, part, found); };
  if (std::holds_alternative<LookupRef>(facts[id].names)) found.push_back(id);
  ast::match(
      pool[id].node, [&](const ast::Interpolation& n) {
        for (const auto& part : n.parts) {
          if (const auto* expression = std::get_if<ExprId>(&part)) visit(*expression);
        }
      },
      [&](const ast::ListLiteral& n) { for (const ExprId each : n.elements) visit(each); },
      [&](const ast::RecordLiteral& n) { for (const ast::Entry& each : n.entries) visit(each.value); },
      [&](const ast::Member& n) { visit(n.object); },
      [&](const ast::Index& n) {
        visit(n.object);
        visit(n.index);
      },
      [&](const ast::Call& n) {
        for (const ast::Argument& each : n.arguments) {
          visit(each.value);
          if (each.fold) visit(each.fold->list);
        }
      },
      [&](const ast::Bang& n) { visit(n.operand); }, [&](const ast::Unary& n) { visit(n.operand); },
      [&](const ast::Binary& n) {
        visit(n.left);
        visit(n.right);
      },
      [&](const ast::NullTest& n) { visit(n.operand); },
      [&](const ast::Coalesce& n) {
        visit(n.operand);
        visit(n.otherwise);
      },
      [&](const ast::Catch& n) {
        visit(n.operand);
        visit(n.otherwise);
      },
      [&](const ast::If& n) {
        visit(n.condition);
        visit(n.yes);
        visit(n.no);
      },
      [](const auto&) {});
}

}  // namespace

StageDetail Analysis::enrich(const ast::EnrichStage& enrich_stage, Flowing& flowing) {
  EnrichFact fact;
  Scope here = scope(flowing);
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
    context_.error(Code::P0225, context_.program.pool[enrich_stage.value].span, "`enrich` looks a row up in a table: `table[key]`")
        .help("a value that needs no table is computed by `set`");
  }
  if (flowing.is_known) add_column(flowing, enrich_stage.name, type, true);
  return fact;
}

StageDetail Analysis::route(const ast::RouteStage& route_stage, Flowing& flowing) {
  RouteFact fact;
  Scope here = scope(flowing);
  for (const ast::RouteCase& each : route_stage.cases) {
    if (each.condition) {
      expressions_.condition(each.condition, here, "the condition of `when`");
      expressions_.narrow(each.condition, false, here.present);
    }
    const auto target = sink(each.sink);
    fact.sinks.push_back(target.value_or(kNone));
    if (target) feed(*target, flowing, each.sink.span);
  }
  const auto last = route_stage.cases.empty() ? nullptr : &route_stage.cases.back();
  if (last != nullptr && last->condition) {
    context_.error(Code::P0221, last->span, "`route` needs an `else`").help("`else to SINK`: where the rest goes");
  }
  flowing.is_ended = true;
  flowing.has_output = true;
  return fact;
}

StageDetail Analysis::to(const ast::ToStage& to_stage, Flowing& flowing) {
  ToFact fact;
  flowing.has_output = true;
  if (const auto target = sink(to_stage.sink)) {
    fact.sink = *target;
    feed(*target, flowing, to_stage.sink.span);
  }
  if (to_stage.after) {
    if (const auto after = sink(*to_stage.after)) fact.after = *after;
    context_.not_yet("after", to_stage.after->span);
  }
  return fact;
}

}  // namespace piperun::sema
