// Stages that change the fields of a record: set, map, drop.
#include <fmt/format.h>

#include <algorithm>

#include "lang/sema/analysis.h"

namespace piperun::sema {

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
    auto& found = context_.error(
        record.nullable ? Code::P0300 : Code::P0205, object.span,
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

// One field of a `map`; `wanted`: the type that it must fit, or null. Nullopt: reported, and the field is left out.
std::optional<Column> Analysis::map_entry(const ast::Entry& entry, const value::Type* wanted, const std::vector<Column>& before,
                                          Scope& here) {
  const int index = wanted == nullptr ? -1 : field_index(*wanted, entry.name.text);
  const TypeId target = index < 0 ? TypeId{} : wanted->fields[static_cast<std::size_t>(index)].type;
  TypeId type = expressions_.check(entry.value, here, target);
  if (wanted != nullptr && index < 0) {
    auto& found =
        context_.error(Code::P0205, entry.name.span, fmt::format("`{}` has no field `{}`", wanted->name, entry.name.text));
    std::vector<std::string> names;
    for (const value::Field& field : wanted->fields) names.push_back(field.name);
    context_.suggest(found, entry.name.span, entry.name.text, names);
    return std::nullopt;
  }
  if (index >= 0) {
    expressions_.coerce(entry.value, target, fmt::format("the field `{}`", entry.name.text));
    type = target;
  } else if (context_.kind(type) == TypeKind::Null || context_.kind(type) == TypeKind::Never) {
    context_.error(Code::P0304, context_.program.pool[entry.value].span, "this has no type of its own");
    type = {};
  }
  if (const auto first = std::ranges::find(before, entry.name.text, &Column::name); first != before.end()) {
    context_.error(Code::P0201, entry.name.span, fmt::format("`map` has two fields `{}`", entry.name.text))
        .secondary(first->where, "the first one");
    return std::nullopt;
  }
  return Column{entry.name.text, type, expressions_.fact(entry.value).is_volatile, entry.name.span};
}

void Analysis::check_complete(const value::Type& wanted, const std::vector<Column>& columns, Span where) {
  for (const value::Field& field : wanted.fields) {
    if (std::ranges::find(columns, field.name, &Column::name) != columns.end()) continue;
    context_.error(Code::P0207, where, fmt::format("the field `{}` of `{}` is missing", field.name, wanted.name))
        .help(context_.is_nullable(field.type) ? fmt::format("`{} = null`", field.name) : fmt::format("`{} = …`", field.name));
    return;
  }
}

StageDetail Analysis::map(const ast::MapStage& map_stage, const ast::Stage& stage, Flowing& flowing) {
  Scope here = scope(flowing);
  const TypeId wanted_id = map_stage.type ? record_type(map_stage.type, "a `map`") : TypeId{};
  const value::Type wanted = context_.type(wanted_id);
  const bool is_typed = !context_.is_error(wanted_id);
  std::vector<std::pair<Column, ExprId>> fields;
  std::vector<Column> columns;
  for (const ast::Entry& entry : map_stage.entries) {
    const auto column = map_entry(entry, is_typed ? &wanted : nullptr, columns, here);
    if (!column) continue;
    columns.push_back(*column);
    fields.emplace_back(*column, entry.value);
  }
  if (map_stage.entries.empty() && !map_stage.type && flowing.is_known && !context_.report.has_errors()) {
    context_.error(Code::P0227, stage.keyword, "nothing is left of the record").help("name fields: `map { id, total = … }`");
    flowing.is_known = false;
    return MapFact{};
  }
  if (flowing.is_known) check_complete(wanted, columns, stage.keyword);
  if (is_typed) std::ranges::sort(fields, {}, [&](const auto& field) { return field_index(wanted, field.first.name); });
  for (const Column& column : flowing.row.columns) {
    if (std::ranges::find(columns, column.name, &Column::name) == columns.end()) lose(flowing, column.name, stage.keyword);
  }
  lose_meta(flowing, stage.keyword);
  flowing.present.clear();
  flowing.row.columns.clear();
  flowing.row.has_extra = false;
  MapFact fact;
  for (const auto& [column, value] : fields) {
    flowing.lost.erase(column.name);
    flowing.row.columns.push_back(column);
    fact.values.push_back(value);
  }
  return fact;
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

}  // namespace piperun::sema
