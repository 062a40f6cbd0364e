// Stages that change the fields of a record: set, map, drop.
#include <fmt/format.h>

#include <algorithm>

#include "lang/sema/analysis.h"

namespace piperun::sema {

bool Analysis::add_column(Flowing& flowing, const ast::Name& name, TypeId type, bool is_volatile) {
  if (name.text.empty()) return false;
  if (const int place = flowing.row.columns.index_of(name.text); place >= 0) {
    context_.error(Code::P0201, name.span, fmt::format("there is a field `{}` already", name.text))
        .secondary(flowing.row.columns[place].where, "it comes from here")
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
  const int place = flowing.row.columns.index_of(name);
  const bool is_there = place >= 0;
  TypeId hint;
  if (is_there) hint = flowing.row.columns[place].type;
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
  if (context_.kind(type) == TypeKind::Never) {
    if (context_.is_error(hint)) {
      context_.error(Code::P0304, context_.program.pool[set_stage.value].span, "`fail` alone is no value, so this has no type")
          .help("a condition says which records are dead: `if … then fail(\"…\") else …`");
    }
    type = hint;
  }
  expressions_.coerce(set_stage.value, type, "the value");
  const bool is_volatile = expressions_.fact(set_stage.value).is_volatile;
  std::string whole;
  for (const ast::Name& part : target.parts) whole += (whole.empty() ? "" : ".") + part.text;
  forget(flowing.present, whole);
  if (target.parts.size() == 1) {
    fact.target.type = type;
    fact.is_new = !is_there;
    fact.target.column = is_there ? place : static_cast<int>(flowing.row.columns.size());
    if (is_there) flowing.row.columns[place] = {name, type, is_volatile, target.span};
    else add_column(flowing, target.parts.front(), type, is_volatile);
    return fact;
  }
  const auto column_path = path({{target.parts.front()}, target.parts.front().span}, flowing);
  if (!column_path) return fact;
  fact.target = *column_path;
  fact.target.type = type;
  Column& column = flowing.row.columns[column_path->column];
  column.type = set_inside(column.type, target, 1, type, fact.target);
  column.is_volatile |= is_volatile;
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

// One field of a `map`, which must be a field of `wanted` unless that is Error. Nullopt: reported, and the field is left out.
std::optional<Column> Analysis::map_entry(const ast::Entry& entry, TypeId wanted, const Columns& fields, Scope& here) {
  const int index = fields.index_of(entry.name.text);
  const TypeId target = index < 0 ? TypeId{} : fields[index].type;
  TypeId type = expressions_.check(entry.value, here, target);
  if (!context_.is_error(wanted) && index < 0) {
    auto& found = context_.error(Code::P0205, entry.name.span,
                                 fmt::format("`{}` has no field `{}`", context_.type(wanted).name, entry.name.text));
    std::vector<std::string> names;
    for (const Column& field : fields) names.push_back(field.name);
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
  return Column{entry.name.text, type, expressions_.fact(entry.value).is_volatile, entry.name.span};
}

void Analysis::check_complete(TypeId wanted, const Columns& fields, const Columns& columns, Span where) {
  for (const Column& field : fields) {
    if (columns.contains(field.name)) continue;
    context_.error(Code::P0207, where, fmt::format("the field `{}` of `{}` is missing", field.name, context_.type(wanted).name))
        .help(context_.is_nullable(field.type) ? fmt::format("`{} = null`", field.name) : fmt::format("`{} = …`", field.name));
    return;
  }
}

StageDetail Analysis::map(const ast::MapStage& map_stage, const ast::Stage& stage, Flowing& flowing) {
  Scope here = scope(flowing);
  const TypeId wanted = map_stage.type ? record_type(map_stage.type, "a `map`") : TypeId{};
  const Columns wanted_fields = fields_of(wanted, {});
  std::vector<std::pair<Column, ExprId>> fields;
  std::map<std::string, Span> first;
  Columns columns;
  for (const ast::Entry& entry : map_stage.entries) {
    const auto column = map_entry(entry, wanted, wanted_fields, here);
    if (!column) continue;
    if (const auto [same, is_new] = first.try_emplace(column->name, column->where); !is_new) {
      context_.error(Code::P0201, column->where, fmt::format("`map` has two fields `{}`", column->name))
          .secondary(same->second, "the first one");
      continue;
    }
    columns.push_back(*column);
    fields.emplace_back(*column, entry.value);
  }
  if (map_stage.entries.empty() && !map_stage.type && flowing.is_known && !context_.report.has_errors()) {
    context_.error(Code::P0227, stage.keyword, "nothing is left of the record").help("name fields: `map { id, total = … }`");
    flowing.is_known = false;
    return MapFact{};
  }
  if (flowing.is_known) check_complete(wanted, wanted_fields, columns, stage.keyword);
  if (!wanted_fields.empty())
    std::ranges::sort(fields, {}, [&](const auto& field) { return wanted_fields.index_of(field.first.name); });
  flowing.present.clear();
  for (const Column& column : flowing.row.columns) {
    if (!columns.contains(column.name)) lose(flowing, column.name, stage.keyword);
  }
  lose_meta(flowing, stage.keyword);
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
      Column& column = flowing.row.columns[found->column];
      column.type = drop_inside(column.type, *found, 0);
    } else {
      gone.insert(each.parts[0].text);
    }
    // Indices count in `before`, where nothing is gone yet.
    auto original = *found;
    TypeId type = before.columns[found->column].type;
    for (std::size_t i = 1; i < each.parts.size(); ++i) {
      const value::Type record = context_.type(type);
      const int index = field_index(record, each.parts[i].text);
      original.fields[i - 1] = index;
      type = record.fields[static_cast<std::size_t>(index)].type;
    }
    fact.fields.push_back(original);
  }
  flowing.row.columns.erase(gone);
  for (const std::string& name : gone) lose(flowing, name, stage.keyword);
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
