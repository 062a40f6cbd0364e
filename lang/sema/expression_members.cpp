// What stands behind a name: members of records and modules, enum values, meta, elements, look-ups.
#include <fmt/format.h>

#include <algorithm>

#include "lang/ast/parts.h"
#include "lang/sema/expressions.h"
#include "lang/sema/meta.h"
#include "lang/sema/values.h"

namespace piperun::sema {

TypeId Expressions::member(ExprId id, const ast::Member& member, Scope& scope, TypeId hint) {
  if (member.name.text.empty()) {
    infer(member.object, scope);
    return {};
  }
  if (const auto type = qualified(id, member, scope, hint)) return *type;
  const TypeId object = infer(member.object, scope);
  absorb(id, member.object);
  if (context_.is_error(object)) return {};
  const bool may_be_null = context_.is_nullable(object);
  if (may_be_null && !member.safe) {
    const Span dot{span(id).file, span(member.object).end, member.name.span.begin};
    context_.error(Code::P0306, span(member.object), fmt::format("`{}` may be null", text(member.object)))
        .label(context_.name(object))
        .help("`?.` gives null then", dot, "?.")
        .help(fmt::format("or ask first: `{} is not null and …`", text(member.object)))
        .help(fmt::format("or let such a record fail: `({} ?? fail(\"…\")).{}`", text(member.object), member.name.text));
    return {};
  }
  const value::Type& of = context_.type(object);
  switch (of.kind) {
    case TypeKind::Record: return record_member(id, member, object, may_be_null, scope);
    case TypeKind::Map: fact(id).names = MapRef{}; return narrowed(id, context_.nullable(of.element), path(id), scope);
    case TypeKind::Json:
      fact(id).names = JsonRef{};
      fact(id).can_fail = true;
      return may_be_null ? context_.nullable(context_.base(object)) : object;
    case TypeKind::Error:
    case TypeKind::Never:
    case TypeKind::Null:
    case TypeKind::Bool:
    case TypeKind::Int:
    case TypeKind::Float:
    case TypeKind::Decimal:
    case TypeKind::String:
    case TypeKind::Bytes:
    case TypeKind::Timestamp:
    case TypeKind::Duration:
    case TypeKind::Enum:
    case TypeKind::List: break;
  }
  no_members(member, object);
  return {};
}

void Expressions::no_members(const ast::Member& member, TypeId object) {
  const TypeKind kind = context_.kind(object);
  const std::string what =
      kind == TypeKind::Never ? fmt::format("`{}` is no value: it", text(member.object)) : context_.name(object);
  auto& found = context_.error(Code::P0205, member.name.span, fmt::format("{} has no field `{}`", what, member.name.text));
  if (kind == TypeKind::List) {
    found.help(fmt::format("of all elements: `sum(x.{0} for x in {1})`, `list(…)`, `any(…)`; of one: `{1}[0]!.{0}`",
                           member.name.text, text(member.object)));
  } else if (is_builtin(member.name.text)) {
    found.help(fmt::format("a function stands before its arguments: `{}({})`", member.name.text, text(member.object)));
  }
}

TypeId Expressions::record_member(ExprId id, const ast::Member& member, TypeId object, bool object_may_be_null, Scope& scope) {
  const value::Type& record = context_.type(object);
  const int index = field_index(record, member.name.text);
  if (index < 0) {
    auto& found = context_.error(
        Code::P0205, member.name.span,
        fmt::format("{} has no field `{}`", record.name.empty() ? "this record" : "`" + record.name + "`", member.name.text));
    context_.suggest(found, member.name.span, member.name.text, names_of(record));
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

// `meta.key`, `Channel.web`, `money.vat`, `money.Channel.web`; nullopt: it is none of these.
std::optional<TypeId> Expressions::qualified(ExprId id, const ast::Member& member, Scope& scope, TypeId hint) {
  std::vector<ast::Name> parts{member.name};
  const ast::ExprNode* object = &node(member.object).node;
  while (const auto* inner = std::get_if<ast::Member>(object)) {
    parts.push_back(inner->name);
    object = &node(inner->object).node;
  }
  const auto* root = std::get_if<ast::NameRef>(object);
  if (root == nullptr || parts.size() > 2 || is_value(root->name.text, scope)) return std::nullopt;
  std::ranges::reverse(parts);
  if (root->name.text == "meta" && parts.size() == 1 && context_.find(scope.module, "meta") == nullptr)
    return meta(id, member.name, scope);
  if (const auto module = context_.module_named(scope.module, root->name.text))
    return module_member(id, *module, root->name.text, parts, hint);
  const Symbol* symbol = context_.find(scope.module, root->name.text);
  const bool is_enum = symbol != nullptr && std::holds_alternative<ast::EnumDecl>(context_[*symbol].node);
  return is_enum && parts.size() == 1 ? std::optional(enum_value(id, *symbol, root->name.span, parts[0])) : std::nullopt;
}

// Whether a field, a parameter or a variable has this name: these win.
bool Expressions::is_value(std::string_view text, const Scope& scope) const {
  const auto named = [&](const auto& each) { return each.name == text; };
  return std::ranges::any_of(scope.variables, named) ||
         (scope.parameters != nullptr && std::ranges::any_of(*scope.parameters, named)) ||
         (scope.row != nullptr && scope.row->columns.contains(text));
}

// `parts` stand behind the module's name: a const, or an enum and its value.
std::optional<TypeId> Expressions::module_member(ExprId id, std::uint32_t module, std::string_view module_name,
                                                 const std::vector<ast::Name>& parts, TypeId hint) {
  const ast::Name& first = parts.front();
  const Symbol* symbol = context_.find(module, first.text);
  if (symbol == nullptr) {
    auto& found = context_.error(Code::P0200, first.span, fmt::format("module `{}` has no `{}`", module_name, first.text));
    context_.suggest(found, first.span, first.text, context_.names_of<ast::ConstDecl>(module));
    return TypeId{};
  }
  const ast::Declaration& declaration = context_[*symbol];
  if (parts.size() == 2) {
    const bool is_enum = std::holds_alternative<ast::EnumDecl>(declaration.node);
    return is_enum ? std::optional(enum_value(id, *symbol, first.span, parts[1])) : std::nullopt;
  }
  if (std::holds_alternative<ast::ConstDecl>(declaration.node)) {
    const Constant* value = values_.constant(*symbol, first.span);
    if (value == nullptr) return TypeId{};
    fact(id).names = ConstantRef{};
    return literal(id, *value, hint);
  }
  context_.error(Code::P0208, span(id), fmt::format("`{}` is {}, not a value", text(id), kind_name(declaration.node)));
  return TypeId{};
}

TypeId Expressions::enum_value(ExprId id, Symbol symbol, Span named_at, const ast::Name& value) {
  const TypeId enum_type = types_.declared(symbol, named_at);
  const value::Type it = context_.type(enum_type);
  const auto place = std::ranges::find(it.values, value.text);
  if (place == it.values.end()) {
    auto& found = context_.error(Code::P0220, value.span, fmt::format("enum `{}` has no value `{}`", it.name, value.text));
    context_.suggest(found, value.span, value.text, it.values);
    return {};
  }
  fact(id).names = ConstantRef{};
  fact(id).constant = context_.add({enum_type, static_cast<std::int64_t>(place - it.values.begin())});
  return enum_type;
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
  return narrowed(id, meta_type(found->meta, context_.facts.types), "meta." + name.text, scope);
}

TypeId Expressions::index(ExprId id, const ast::Index& index, Scope& scope) {
  if (const Symbol* table = table_named(index.object, scope)) return lookup(id, index, *table, scope);
  const TypeId object = infer(index.object, scope);
  absorb(id, index.object);
  const bool is_fine = !context_.is_error(object) && present(index.object, "what is indexed") && has_elements(id, index, object);
  const TypeId key = infer(index.index, scope);
  if (!is_fine) return {};
  absorb(id, index.index);
  return element(id, index, object, key);
}

// The table that an expression names; null: it is none, or a value has the name.
const Symbol* Expressions::table_named(ExprId id, const Scope& scope) {
  const auto* ref = std::get_if<ast::NameRef>(&node(id).node);
  if (ref == nullptr) return nullptr;
  const Symbol* symbol = is_value(ref->name.text, scope) ? nullptr : context_.find(scope.module, ref->name.text);
  return symbol != nullptr && std::holds_alternative<ast::TableDecl>(context_[*symbol].node) ? symbol : nullptr;
}

// Reports that it has none.
bool Expressions::has_elements(ExprId id, const ast::Index& index, TypeId object) {
  const TypeKind kind = context_.kind(object);
  if (kind == TypeKind::List || kind == TypeKind::Map || kind == TypeKind::Json) return true;
  auto& found = context_.error(Code::P0204, span(index.object), fmt::format("{} has no elements", context_.name(object)));
  if (kind == TypeKind::String) {
    const std::string part = fmt::format("substring({}, {}, 1)", text(index.object), text(index.index));
    found.help(fmt::format("one code point of a string: `{}`", part), span(id), part);
  } else if (kind == TypeKind::Record) {
    found.help(fmt::format("a field of a record is written `{}.name`", text(index.object)));
  }
  return false;
}

// Of a list, a map or json; `key` is the type of what stands in brackets.
TypeId Expressions::element(ExprId id, const ast::Index& index, TypeId object, TypeId key) {
  const value::Type of = context_.type(object);
  const TypeId integer = context_.scalar(TypeKind::Int);
  if (of.kind == TypeKind::Map) {
    if (!coerce(index.index, context_.scalar(TypeKind::String), "the key of a map")) return {};
    fact(id).names = MapRef{};
    return context_.nullable(of.element);
  }
  if (of.kind == TypeKind::List) {
    if (!coerce(index.index, integer, "the index of a list")) return {};
    fact(id).names = ListRef{};
    fact(id).can_fail = true;
    return of.element;
  }
  fact(id).names = JsonRef{};
  fact(id).can_fail = true;
  const bool is_name = context_.kind(key) == TypeKind::String || context_.is_error(key);
  if (!is_name) coerce(index.index, integer, "the index");
  return object;
}

namespace {

// Whether an expression names one of these variables of folds.
bool names_any(const Context& context, ExprId id, const std::vector<Variable>& variables) {
  const auto* named = std::get_if<VariableRef>(&context.facts[id].names);
  if (named != nullptr && std::ranges::count(variables, named->variable, &Variable::id) > 0) return true;
  return std::ranges::any_of(ast::parts_of(context.program.pool[id]),
                             [&](ExprId part) { return names_any(context, part, variables); });
}

}  // namespace

TypeId Expressions::lookup(ExprId id, const ast::Index& index, Symbol symbol, Scope& scope) {
  if (!scope.may_look_up) {
    infer(index.index, scope);
    context_.error(Code::P0225, span(id), "a table is read by `enrich` alone")
        .help(fmt::format("before this stage: `enrich row = {}`, and here `row?.…`", text(id)));
    return {};
  }
  if (!context_.is_entered(symbol)) {  // a table of another module
    infer(index.index, scope);
    return {};
  }
  const TableId table_id = context_.id_of(symbol);
  const TableFact table = context_.facts.tables[table_id];
  const auto* composite = std::get_if<ast::ListLiteral>(&node(index.index).node);
  const std::vector<ExprId> keys = composite != nullptr ? composite->elements : std::vector{index.index};
  fact(id).names = LookupRef{table_id, keys};
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
    if (names_any(context_, keys[i], scope.variables)) {
      context_.error(Code::P0225, span(id), "one `enrich` reads one table once, and this would be once per element")
          .help("make each element a record before: `flatten … as x`, then `enrich y = table[x]`");
      return {};
    }
  }
  fact(id).is_volatile = true;
  return context_.nullable(table.type);
}

}  // namespace piperun::sema
