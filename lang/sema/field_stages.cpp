#include "lang/sema/field_stages.h"

#include <fmt/format.h>

#include <algorithm>

#include "lang/sema/paths.h"

namespace piperun::sema {

namespace {

std::string whole_name(const ast::Path& path) {
  std::string whole;
  for (const ast::Name& part : path.parts) whole += (whole.empty() ? "" : ".") + part.text;
  return whole;
}

}  // namespace

void FieldStages::add_column(Flowing& flowing, const ast::Name& name, TypeId type, bool is_volatile) {
  if (name.text.empty()) return;
  if (const int place = flowing.row.columns.index_of(name.text); place >= 0) {
    context_.error(Code::P0201, name.span, fmt::format("there is a field `{}` already", name.text))
        .secondary(flowing.row.columns[place].where, "it comes from here")
        .help("take another name");
    return;
  }
  flowing.row.columns.push_back({name.text, type, is_volatile, name.span});
  flowing.lost.erase(name.text);
}

StageDetail FieldStages::set(const ast::SetStage& set_stage, Flowing& flowing) {
  SetFact fact;
  const ast::Path& target = set_stage.target;
  const TypeId before = type_at(target, flowing.row);
  Scope here = flowing.scope();
  const TypeId found = expressions_.check(set_stage.value, here, before);
  if (!flowing.is_known) return fact;
  const TypeId type = type_set(set_stage.value, found, before);
  expressions_.coerce(set_stage.value, type, "the value");
  const bool is_volatile = expressions_.fact(set_stage.value).is_volatile;
  flowing.forget(whole_name(target));

  const ast::Name& name = target.parts.front();
  Columns& columns = flowing.row.columns;
  if (target.parts.size() == 1) {
    const int place = columns.index_of(name.text);
    fact.is_new = place < 0;
    fact.target.type = type;
    fact.target.column = fact.is_new ? static_cast<int>(columns.size()) : place;
    if (fact.is_new) add_column(flowing, name, type, is_volatile);
    else columns[place] = {name.text, type, is_volatile, target.span};
    return fact;
  }
  const auto outermost = find_path(context_, {{name}, name.span}, flowing);
  if (!outermost) return fact;
  fact.target = *outermost;
  fact.target.type = type;
  Column& column = columns[outermost->column];
  column.type = set_inside(column.type, target, 1, type, fact.target);
  column.is_volatile |= is_volatile;
  return fact;
}

// What a path holds before it is set: Error if it is not there yet.
TypeId FieldStages::type_at(const ast::Path& path, const RowSchema& row) const {
  const int place = row.columns.index_of(path.parts.front().text);
  TypeId type = place < 0 ? TypeId{} : row.columns[place].type;
  for (std::size_t i = 1; i < path.parts.size(); ++i) {
    const value::Type& record = context_.type(type);
    const int index = field_index(record, path.parts[i].text);
    type = index < 0 ? TypeId{} : record.fields[static_cast<std::size_t>(index)].type;
  }
  return type;
}

// The type that a field has from now on: `null` and `fail` have none of their own and take that from `before`.
TypeId FieldStages::type_set(ExprId value, TypeId type, TypeId before) {
  const Span span = context_.program.pool[value].span;
  if (context_.kind(type) == TypeKind::Null) {
    if (context_.is_nullable(before)) return before;
    context_.error(Code::P0304, span, "`null` alone has no type here");
    return {};
  }
  if (context_.kind(type) != TypeKind::Never) return type;
  if (context_.is_error(before)) {
    context_.error(Code::P0304, span, "`fail` alone is no value, so this has no type")
        .help("a condition says which records are dead: `if … then fail(\"…\") else …`");
  }
  return before;
}

// The record type with the field that the path from `part` on names set to `type`.
TypeId FieldStages::set_inside(TypeId record_id, const ast::Path& path, std::size_t part, TypeId type, ColumnPath& target) {
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

// One field of a `map`, which must be a field of `wanted` unless that is Error. Nullopt: reported, and the field is left out.
std::optional<Column> FieldStages::map_entry(const ast::Entry& entry, TypeId wanted, const Columns& fields, Scope& here) {
  const int index = fields.index_of(entry.name.text);
  const TypeId target = index < 0 ? TypeId{} : fields[index].type;
  TypeId type = expressions_.check(entry.value, here, target);
  if (!context_.is_error(wanted) && index < 0) {
    auto& found = context_.error(Code::P0205, entry.name.span,
                                 fmt::format("`{}` has no field `{}`", context_.type(wanted).name, entry.name.text));
    context_.suggest(found, entry.name.span, entry.name.text, names_of(fields));
    return std::nullopt;
  }
  if (index >= 0) {
    expressions_.coerce(entry.value, target, fmt::format("the field `{}`", entry.name.text));
    type = target;
  } else if (context_.kind(type) == TypeKind::Null || context_.kind(type) == TypeKind::Never) {
    context_.error(Code::P0304, context_.program.pool[entry.value].span, "this has no type of its own");
    type = {};
  }
  return Column{entry.name.text, type, expressions_.fact(entry.value).is_volatile, entry.name.span};
}

void FieldStages::check_complete(TypeId wanted, const Columns& fields, const Columns& columns, Span where) {
  for (const Column& field : fields) {
    if (columns.contains(field.name)) continue;
    context_.error(Code::P0207, where, fmt::format("the field `{}` of `{}` is missing", field.name, context_.type(wanted).name))
        .help(context_.is_nullable(field.type) ? fmt::format("`{} = null`", field.name) : fmt::format("`{} = …`", field.name));
    return;
  }
}

// All fields of a `map` that are right, in the order of `wanted` if there is one.
std::vector<std::pair<Column, ExprId>> FieldStages::map_entries(const ast::MapStage& map_stage, TypeId wanted,
                                                                const Columns& fields, Scope& here) {
  std::vector<std::pair<Column, ExprId>> entries;
  std::map<std::string, Span> first;
  for (const ast::Entry& entry : map_stage.entries) {
    const auto column = map_entry(entry, wanted, fields, here);
    if (!column) continue;
    if (const auto [same, is_new] = first.try_emplace(column->name, column->where); !is_new) {
      context_.error(Code::P0201, column->where, fmt::format("`map` has two fields `{}`", column->name))
          .secondary(same->second, "the first one");
      continue;
    }
    entries.emplace_back(*column, entry.value);
  }
  if (!fields.empty()) std::ranges::sort(entries, {}, [&](const auto& entry) { return fields.index_of(entry.first.name); });
  return entries;
}

StageDetail FieldStages::map(const ast::MapStage& map_stage, const ast::Stage& stage, Flowing& flowing) {
  const TypeId wanted = map_stage.type ? types_.record(map_stage.type, "a `map`") : TypeId{};
  const Columns fields = columns_of(context_, wanted, {});
  Scope here = flowing.scope();
  MapFact fact;
  Columns columns;
  for (const auto& [column, value] : map_entries(map_stage, wanted, fields, here)) {
    columns.push_back(column);
    fact.values.push_back(value);
  }
  if (map_stage.entries.empty() && !map_stage.type && flowing.is_known && !context_.report.has_errors()) {
    context_.error(Code::P0227, stage.keyword, "nothing is left of the record").help("name fields: `map { id, total = … }`");
    flowing.is_known = false;
    return fact;
  }
  if (flowing.is_known) check_complete(wanted, fields, columns, stage.keyword);
  flowing.present.clear();
  for (const Column& column : flowing.row.columns) {
    if (!columns.contains(column.name)) flowing.lose(column.name, stage.keyword);
  }
  flowing.lose_meta(stage.keyword);
  for (const Column& column : columns) flowing.lost.erase(column.name);
  flowing.row.columns = std::move(columns);
  flowing.row.has_extra = false;
  return fact;
}

StageDetail FieldStages::drop(const ast::DropStage& drop_stage, const ast::Stage& stage, Flowing& flowing) {
  DropFact fact;
  const RowSchema before = flowing.row;
  std::set<std::string> gone;
  for (const ast::Path& each : drop_stage.fields) {
    const std::string& name = each.parts.front().text;
    if (each.parts.size() == 1 && gone.contains(name)) {
      context_.error(Code::P0201, each.span, fmt::format("`{}` is dropped twice", name));
      continue;
    }
    const auto found = find_path(context_, each, flowing);
    if (!found) continue;
    fact.fields.push_back(path_in(before, each, *found));
    if (each.parts.size() == 1) {
      gone.insert(name);
    } else {
      Column& column = flowing.row.columns[found->column];
      column.type = drop_inside(column.type, *found, 0);
    }
  }
  flowing.row.columns.erase(gone);
  for (const std::string& name : gone) flowing.lose(name, stage.keyword);
  if (flowing.is_known && flowing.row.columns.empty()) {
    context_.error(Code::P0227, stage.keyword, "nothing is left of the record");
    flowing.is_known = false;
  }
  return fact;
}

// What was `found` behind other drops, with the places that its parts have in `row`, where nothing is gone yet.
ColumnPath FieldStages::path_in(const RowSchema& row, const ast::Path& path, ColumnPath found) const {
  TypeId type = row.columns[found.column].type;
  for (std::size_t i = 1; i < path.parts.size(); ++i) {
    const value::Type& record = context_.type(type);
    const int index = field_index(record, path.parts[i].text);
    found.fields[i - 1] = index;
    type = record.fields[static_cast<std::size_t>(index)].type;
  }
  return found;
}

TypeId FieldStages::drop_inside(TypeId record_id, const ColumnPath& path, std::size_t part) {
  value::Type record = context_.type(record_id);
  const auto index = static_cast<std::size_t>(path.fields[part]);
  if (part + 1 == path.fields.size()) record.fields.erase(record.fields.begin() + static_cast<std::ptrdiff_t>(index));
  else record.fields[index].type = drop_inside(record.fields[index].type, path, part + 1);
  const TypeId type = context_.facts.types.record("", std::move(record.fields));
  return record.nullable ? context_.nullable(type) : type;
}

}  // namespace piperun::sema
