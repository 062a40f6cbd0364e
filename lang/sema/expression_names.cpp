// Names in expressions: fields, consts, enum values, params, members of records, elements, look-ups.
#include <fmt/format.h>

#include <algorithm>

#include "lang/ast/match.h"
#include "lang/sema/expressions.h"
#include "lang/sema/meta.h"

namespace piperun::sema {

TypeId Expressions::name(ExprId id, const ast::Name& name, Scope& scope, TypeId hint) {
  if (name.text.empty()) return {};
  for (auto each = scope.variables.rbegin(); each != scope.variables.rend(); ++each) {
    if (each->name != name.text) continue;
    fact(id).names = VariableRef{each->id};
    fact(id).is_volatile = each->is_volatile;
    const bool narrowed = context_.is_nullable(each->type) && scope.present.contains(name.text);
    fact(id).narrowed = narrowed;
    return narrowed ? context_.base(each->type) : each->type;
  }
  if (scope.parameters != nullptr) {
    for (std::size_t i = 0; i < scope.parameters->size(); ++i) {
      const Parameter& each = (*scope.parameters)[i];
      if (each.name != name.text) continue;
      fact(id).names = ArgumentRef{static_cast<int>(i)};
      const bool narrowed = context_.is_nullable(each.type) && scope.present.contains(name.text);
      fact(id).narrowed = narrowed;
      return narrowed ? context_.base(each.type) : each.type;
    }
  }
  if (scope.row != nullptr) {
    const auto& columns = scope.row->columns;
    const auto found = std::ranges::find(columns, name.text, &Column::name);
    if (found != columns.end()) return field_of_row(id, static_cast<int>(found - columns.begin()), name.text, scope);
  }
  const Symbol* symbol = context_.find(scope.module, name.text);
  if (symbol == nullptr) {
    unknown_name(name, scope);
    return {};
  }
  const ast::Declaration& declaration = context_[*symbol];
  if (std::holds_alternative<ast::ErrorDecl>(declaration.node)) return {};
  if (std::holds_alternative<ast::ConstDecl>(declaration.node)) {
    const Constant* value = declarations_.constant(*symbol, name.span);
    if (value == nullptr) return {};
    fact(id).names = ConstantRef{};
    return literal(id, *value, hint);
  }
  if (!scope.is_row_known) return {};
  auto& found =
      context_.error(Code::P0208, name.span, fmt::format("`{}` is {}, not a value", name.text, kind_name(declaration.node)));
  found.secondary(declaration.name.span, "declared here");
  if (std::holds_alternative<ast::ParamDecl>(declaration.node)) {
    found.help(fmt::format("a param is used as `${}`", name.text), name.span, "$" + name.text);
  } else if (std::holds_alternative<ast::TableDecl>(declaration.node)) {
    found.help(fmt::format("look a row up: `enrich x = {}[key]`", name.text));
  } else if (const auto* type = std::get_if<ast::EnumDecl>(&declaration.node); type != nullptr && !type->values.empty()) {
    found.help(fmt::format("its values are written `{}.{}`", name.text, type->values.front().text));
  } else if (std::holds_alternative<ast::FnDecl>(declaration.node)) {
    found.help(fmt::format("call it: `{}(…)`", name.text));
  }
  return {};
}

TypeId Expressions::field_of_row(ExprId id, int column, const std::string& path_text, Scope& scope) {
  const Column& field = scope.row->columns[static_cast<std::size_t>(column)];
  fact(id).names = ColumnRef{column};
  fact(id).is_volatile = field.is_volatile;
  if (!context_.is_nullable(field.type) || !scope.present.contains(path_text)) return field.type;
  fact(id).narrowed = true;
  return context_.base(field.type);
}

constexpr std::pair<std::string_view, std::string_view> kForeignConstants[] = {
    {"True", "true"}, {"TRUE", "true"}, {"False", "false"}, {"FALSE", "false"},
    {"NULL", "null"}, {"Null", "null"}, {"None", "null"},   {"nil", "null"}};

void Expressions::unknown_name(const ast::Name& name, const Scope& scope) {
  if (!scope.is_row_known) return;
  if (scope.lost != nullptr) {
    if (const auto lost = scope.lost->find(name.text); lost != scope.lost->end()) {
      context_.error(Code::P0209, name.span, fmt::format("the field `{}` is gone by now", name.text))
          .secondary(lost->second, fmt::format("this did not keep `{}`", name.text))
          .help("keep it there, or use it before");
      return;
    }
  }
  auto& found = context_.error(Code::P0200, name.span, fmt::format("unknown name `{}`", name.text));
  for (const auto& [foreign, ours] : kForeignConstants) {
    if (name.text != foreign) continue;
    found.help(fmt::format("write `{}`", ours), name.span, std::string(ours));
    return;
  }
  std::vector<std::string> names = context_.names_of<ast::ConstDecl>(scope.module);
  if (scope.row != nullptr) {
    for (const Column& column : scope.row->columns) names.push_back(column.name);
  }
  if (scope.parameters != nullptr) {
    for (const Parameter& each : *scope.parameters) names.push_back(each.name);
  }
  for (const Variable& each : scope.variables) names.push_back(each.name);
  const std::size_t before = found.helps.size();
  context_.suggest(found, name.span, name.text, names);
  if (found.helps.size() != before) return;
  if (scope.row != nullptr && !scope.row->columns.empty()) {
    std::string fields;
    for (const Column& column : scope.row->columns) fields += (fields.empty() ? "" : ", ") + column.name;
    found.note(fmt::format("the fields here are {}", fields));
  } else if (scope.row == nullptr && scope.parameters != nullptr) {
    found.note("a function sees its parameters and consts alone, no fields");
  }
}

TypeId Expressions::param(ExprId id, const ast::ParamRef& ref, Scope& scope) {
  if (ref.name.text.empty()) return {};
  const Symbol* symbol = context_.find(scope.module, ref.name.text);
  if (symbol == nullptr || !std::holds_alternative<ast::ParamDecl>(context_[*symbol].node)) {
    if (symbol != nullptr && std::holds_alternative<ast::ErrorDecl>(context_[*symbol].node)) return {};
    auto& found = context_.error(Code::P0200, span(id), fmt::format("there is no param `{}`", ref.name.text));
    if (symbol != nullptr) {
      found.secondary(context_[*symbol].name.span, fmt::format("this is {}", kind_name(context_[*symbol].node)));
      if (std::holds_alternative<ast::ConstDecl>(context_[*symbol].node)) {
        found.help("a const is used without the sign", span(id), ref.name.text);
      }
    }
    const auto near = context_.names_of<ast::ParamDecl>(scope.module);
    if (symbol == nullptr) context_.suggest(found, ref.name.span, ref.name.text, near);
    if (found.helps.empty() && symbol == nullptr) found.help(fmt::format("declare it: `param {}: int64 = 0`", ref.name.text));
    return {};
  }
  ParamId param_id = kNone;
  const ParamFact* param = declarations_.param(*symbol, &param_id);
  if (param == nullptr || context_.is_error(param->type)) return {};
  if (param->secret) {
    fact(id).names = SecretRef{param_id};
    fact(id).is_secret = true;
    return param->type;
  }
  if (!param->value) {
    context_.error(Code::P0210, span(id), fmt::format("param `{}` needs its own value", ref.name.text))
        .secondary(param->where, "declared here");
    return {};
  }
  fact(id).names = ConstantRef{};
  const bool narrowed =
      context_.is_nullable(param->type) && scope.present.contains("$" + ref.name.text) && !param->value->is_null();
  Constant value = *param->value;
  if (narrowed) value.type = context_.base(value.type);
  const TypeId type = narrowed || !scope.present.contains("$" + ref.name.text) ? value.type : context_.base(value.type);
  if (type == value.type) fact(id).constant = context_.add(std::move(value));
  else fact(id).narrowed = true;  // a null that was asked for: this place is never reached
  return type;
}

TypeId Expressions::member(ExprId id, const ast::Member& member, Scope& scope, TypeId hint) {
  if (member.name.text.empty()) return infer(member.object, scope), TypeId{};
  TypeId type;
  if (module_member(id, member, scope, hint, &type)) return type;
  const TypeId object = infer(member.object, scope);
  absorb(id, member.object);
  if (context_.is_error(object)) return {};
  const bool may_be_null = context_.is_nullable(object);
  if (may_be_null && !member.safe) {
    const Span dot{span(id).file, span(member.object).end, member.name.span.begin};
    context_.error(Code::P0306, span(member.object), fmt::format("`{}` may be null", text(member.object)))
        .label(context_.name(object))
        .help("`?.` gives null then", dot, "?.")
        .help(fmt::format("or ask first: `{} is not null and …`", text(member.object)));
    return {};
  }
  const value::Type of = context_.type(object);
  switch (of.kind) {
    case TypeKind::Record: return record_member(id, member, object, may_be_null, scope);
    case TypeKind::Map:
      fact(id).names = MapRef{};
      if (scope.present.contains(path(id)) && !path(id).empty()) return fact(id).narrowed = true, context_.base(of.element);
      return context_.nullable(of.element);
    case TypeKind::Json:
      fact(id).names = JsonRef{};
      fact(id).can_fail = true;
      return may_be_null ? context_.nullable(context_.base(object)) : object;
    default: {
      auto& found = context_.error(Code::P0205, member.name.span,
                                   fmt::format("{} has no field `{}`", context_.name(object), member.name.text));
      if (of.kind == TypeKind::List) {
        found.help(fmt::format("of all elements: `sum(x.{0} for x in {1})`, `list(…)`, `any(…)`; of one: `{1}[0]!.{0}`",
                               member.name.text, text(member.object)));
      } else if (std::ranges::find(catalog::functions(), member.name.text, &catalog::Function::name) !=
                 catalog::functions().end()) {
        found.help(fmt::format("a function stands before its arguments: `{}({})`", member.name.text, text(member.object)));
      }
      return {};
    }
  }
}

TypeId Expressions::record_member(ExprId id, const ast::Member& member, TypeId object, bool object_may_be_null, Scope& scope) {
  const value::Type record = context_.type(object);
  const int index = field_index(record, member.name.text);
  if (index < 0) {
    auto& found = context_.error(
        Code::P0205, member.name.span,
        fmt::format("{} has no field `{}`", record.name.empty() ? "this record" : "`" + record.name + "`", member.name.text));
    std::vector<std::string> names;
    for (const value::Field& field : record.fields) names.push_back(field.name);
    context_.suggest(found, member.name.span, member.name.text, names);
    return {};
  }
  fact(id).names = FieldRef{index};
  const TypeId type = record.fields[static_cast<std::size_t>(index)].type;
  if (const ExprFact& object_fact = fact(member.object); object_fact.constant != kNone && !object_may_be_null) {
    Constant part =
        std::get<Constant::Elements>(context_.facts.constants[object_fact.constant].value)[static_cast<std::size_t>(index)];
    fact(id).constant = context_.add(std::move(part));
  }
  const std::string where = path(id);
  const bool is_present = !where.empty() && scope.present.contains(where);
  if (is_present && (object_may_be_null || context_.is_nullable(type))) {
    fact(id).narrowed = true;
    return context_.base(type);
  }
  return object_may_be_null ? context_.nullable(type) : type;
}

// `meta.key`, `Channel.web`, `money.vat`, `money.Channel.web`. False: it is none of these.
bool Expressions::module_member(ExprId id, const ast::Member& member, Scope& scope, TypeId hint, TypeId* type) {
  const auto is_field = [&](const std::string& text) {
    const auto named = [&](const auto& each) { return each.name == text; };
    return std::ranges::any_of(scope.variables, named) ||
           (scope.parameters != nullptr && std::ranges::any_of(*scope.parameters, named)) ||
           (scope.row != nullptr && std::ranges::any_of(scope.row->columns, named));
  };
  std::vector<ast::Name> parts{member.name};
  const ast::ExprNode* object = &node(member.object).node;
  while (const auto* inner = std::get_if<ast::Member>(object)) {
    parts.push_back(inner->name);
    object = &node(inner->object).node;
  }
  const auto* root = std::get_if<ast::NameRef>(object);
  if (root == nullptr || parts.size() > 2 || is_field(root->name.text)) return false;
  std::ranges::reverse(parts);
  if (root->name.text == "meta" && parts.size() == 1 && context_.find(scope.module, "meta") == nullptr) {
    *type = meta(id, member.name, scope);
    return true;
  }
  std::uint32_t module = scope.module;
  ast::Name first = root->name;
  if (const auto named = context_.module_named(scope.module, first.text)) {
    module = *named;
    first = parts.front();
    parts.erase(parts.begin());
  }
  const bool in_module = module != scope.module;
  const Symbol* symbol = context_.find(module, first.text);
  if (symbol == nullptr) {
    if (!in_module) return false;
    auto& found = context_.error(Code::P0200, first.span, fmt::format("module `{}` has no `{}`", root->name.text, first.text));
    context_.suggest(found, first.span, first.text, context_.names_of<ast::ConstDecl>(module));
    *type = {};
    return true;
  }
  const ast::Declaration& declaration = context_[*symbol];
  if (std::holds_alternative<ast::EnumDecl>(declaration.node) && parts.size() == 1) {
    const TypeId enum_type = types_.declared(*symbol, first.span);
    const value::Type it = context_.type(enum_type);
    const auto value = std::ranges::find(it.values, parts[0].text);
    *type = value == it.values.end() ? TypeId{} : enum_type;
    if (value == it.values.end()) {
      auto& found =
          context_.error(Code::P0220, parts[0].span, fmt::format("enum `{}` has no value `{}`", it.name, parts[0].text));
      context_.suggest(found, parts[0].span, parts[0].text, it.values);
      return true;
    }
    fact(id).names = ConstantRef{};
    fact(id).constant = context_.add({enum_type, static_cast<std::int64_t>(value - it.values.begin())});
    return true;
  }
  if (in_module && parts.empty() && std::holds_alternative<ast::ConstDecl>(declaration.node)) {
    const Constant* value = declarations_.constant(*symbol, first.span);
    *type = {};
    if (value == nullptr) return true;
    fact(id).names = ConstantRef{};
    *type = literal(id, *value, hint);
    return true;
  }
  if (in_module && parts.empty()) {
    context_.error(Code::P0208, span(id), fmt::format("`{}` is {}, not a value", text(id), kind_name(declaration.node)));
    *type = {};
    return true;
  }
  if (!std::holds_alternative<ast::TableDecl>(declaration.node) || !scope.is_row_known) return false;
  return false;
}

std::span<const MetaColumn> meta_columns() {
  static constexpr MetaColumn columns[] = {
      {Meta::Key, "key", "string?", "the record's key as text; null if it has none"},
      {Meta::Headers, "headers", "map<string, string>", "its headers"},
      {Meta::Timestamp, "timestamp", "timestamp", "when the log took it"},
      {Meta::Topic, "topic", "string", "topic or file that it came from"},
      {Meta::Partition, "partition", "int64", "its partition"},
      {Meta::Offset, "offset", "int64", "its place in the partition"},
  };
  return columns;
}

TypeId Expressions::meta(ExprId id, const ast::Name& name, Scope& scope) {
  const auto columns = meta_columns();
  const auto found = std::ranges::find(columns, name.text, &MetaColumn::name);
  if (found == columns.end()) {
    auto& report = context_.error(Code::P0205, name.span, fmt::format("`meta` has no `{}`", name.text));
    std::vector<std::string> names;
    for (const MetaColumn& each : columns) names.emplace_back(each.name);
    context_.suggest(report, name.span, name.text, names);
    return {};
  }
  if (!scope.is_row_known) return {};
  if (scope.row == nullptr || !scope.row->has_meta) {
    auto& report = context_.error(Code::P0226, span(id), fmt::format("`meta.{}` cannot be read here", name.text));
    if (scope.lost != nullptr && scope.lost->contains("meta")) report.secondary(scope.lost->at("meta"), "this did not keep it");
    report.help(fmt::format("take it along while it is there: `set x = meta.{}`", name.text));
    return {};
  }
  fact(id).names = MetaRef{found->meta};
  switch (found->meta) {
    case Meta::Key:
      if (!scope.present.contains("meta.key")) return context_.nullable(context_.scalar(TypeKind::String));
      fact(id).narrowed = true;
      return context_.scalar(TypeKind::String);
    case Meta::Headers: return context_.facts.types.map(context_.scalar(TypeKind::String));
    case Meta::Timestamp: return context_.scalar(TypeKind::Timestamp);
    case Meta::Topic: return context_.scalar(TypeKind::String);
    case Meta::Partition:
    case Meta::Offset: return context_.scalar(TypeKind::Int);
  }
  return {};
}

TypeId Expressions::index(ExprId id, const ast::Index& index, Scope& scope) {
  if (const auto* ref = std::get_if<ast::NameRef>(&node(index.object).node)) {
    const bool is_field =
        scope.row != nullptr && std::ranges::find(scope.row->columns, ref->name.text, &Column::name) != scope.row->columns.end();
    const bool is_variable = std::ranges::find(scope.variables, ref->name.text, &Variable::name) != scope.variables.end();
    const Symbol* symbol = is_field || is_variable ? nullptr : context_.find(scope.module, ref->name.text);
    if (symbol != nullptr && std::holds_alternative<ast::TableDecl>(context_[*symbol].node))
      return lookup(id, index, *symbol, scope);
  }
  const TypeId object = infer(index.object, scope);
  absorb(id, index.object);
  const TypeKind kind = context_.kind(object);
  if (context_.is_error(object)) return infer(index.index, scope), TypeId{};
  if (!present(index.object, "what is indexed")) return infer(index.index, scope), TypeId{};
  const value::Type of = context_.type(object);
  if (kind != TypeKind::List && kind != TypeKind::Map && kind != TypeKind::Json) {
    infer(index.index, scope);
    context_.error(Code::P0204, span(index.object), fmt::format("{} has no elements", context_.name(object)));
    return {};
  }
  const TypeId key = infer(index.index, scope);
  absorb(id, index.index);
  if (kind == TypeKind::Json) {
    fact(id).names = JsonRef{};
    fact(id).can_fail = true;
    const TypeKind key_kind = context_.kind(key);
    if (key_kind != TypeKind::String && key_kind != TypeKind::Error)
      coerce(index.index, context_.scalar(TypeKind::Int), "the index");
    return object;
  }
  const bool is_list = kind == TypeKind::List;
  if (!coerce(index.index, context_.scalar(is_list ? TypeKind::Int : TypeKind::String),
              is_list ? "the index of a list" : "the key of a map")) {
    return {};
  }
  if (is_list) {
    fact(id).names = ListRef{};
    fact(id).can_fail = true;
    return of.element;
  }
  fact(id).names = MapRef{};
  return context_.nullable(of.element);
}

TypeId Expressions::lookup(ExprId id, const ast::Index& index, Symbol symbol, Scope& scope) {
  if (!scope.may_look_up) {
    infer(index.index, scope);
    context_.error(Code::P0225, span(id), "a table is read by `enrich` alone")
        .help(fmt::format("before this stage: `enrich row = {}`, and here `row?.…`", text(id)));
    return {};
  }
  const auto table_id = declarations_.table(symbol);
  if (!table_id) return infer(index.index, scope), TypeId{};
  const TableFact table = context_.facts.tables[*table_id];
  const auto* composite = std::get_if<ast::ListLiteral>(&node(index.index).node);
  const std::vector<ExprId> keys = composite != nullptr ? composite->elements : std::vector{index.index};
  fact(id).names = LookupRef{*table_id, keys};
  fact(id).is_volatile = true;
  const value::Type record = context_.type(table.type);
  if (record.kind != TypeKind::Record || table.key.empty()) return {};
  if (keys.size() != table.key.size()) {
    for (const ExprId key : keys) infer(key, scope);
    context_
        .error(Code::P0224, span(index.index),
               fmt::format("table `{}` is found by {} fields, not {}", table.name, table.key.size(), keys.size()))
        .secondary(table.where, "declared here")
        .help("several fields are a list: `table[[a, b]]`");
    return {};
  }
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const value::Field& field = record.fields[static_cast<std::size_t>(table.key[i])];
    infer(keys[i], scope, field.type);
    absorb(id, keys[i]);
    if (!coerce(keys[i], field.type, fmt::format("the key `{}` of table `{}`", field.name, table.name))) return {};
  }
  fact(id).is_volatile = true;
  return context_.nullable(table.type);
}

}  // namespace piperun::sema
