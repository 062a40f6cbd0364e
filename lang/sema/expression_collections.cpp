// Strings with values in them, lists and records.
#include <fmt/format.h>

#include <algorithm>

#include "lang/ast/match.h"
#include "lang/sema/expressions.h"

namespace piperun::sema {

TypeId Expressions::interpolation(ExprId id, const ast::Interpolation& text, Scope& scope) {
  std::string whole;
  bool is_constant = true;
  bool is_error = false;
  for (const auto& part : text.parts) {
    const auto* expression = std::get_if<ExprId>(&part);
    if (expression == nullptr) {
      whole += std::get<std::string>(part);
      continue;
    }
    is_error |= context_.is_error(infer(*expression, scope)) || !present(*expression, "what is written into a string");
    absorb(id, *expression);
    is_constant &= fact(*expression).constant != kNone;
    if (is_constant) whole += to_text(context_.facts.constants[fact(*expression).constant], context_.facts.types, true);
  }
  const TypeId string = context_.scalar(TypeKind::String);
  if (is_error) return {};
  if (is_constant) fact(id).constant = context_.add({string, std::move(whole)});
  return string;
}

TypeId Expressions::list(ExprId id, const ast::ListLiteral& literal, Scope& scope, TypeId hint) {
  const value::Type wanted = context_.type(hint);
  const TypeId element_hint = wanted.kind == TypeKind::List ? wanted.element : TypeId{};
  std::optional<TypeId> element = literal.elements.empty() ? context_.scalar(TypeKind::Never) : TypeId{};
  bool is_first = true;
  for (const ExprId each : literal.elements) {
    const TypeId type = infer(each, scope, element_hint);
    absorb(id, each);
    const auto common = is_first ? std::optional(type) : common_type(context_, *element, type);
    if (!common) {
      context_.error(Code::P0203, span(each), "the elements of a list have one type")
          .label(context_.name(type))
          .secondary(span(literal.elements.front()), context_.name(*element));
      return {};
    }
    element = common;
    is_first = false;
  }
  if (context_.kind(hint) == TypeKind::List && converts(context_, *element, element_hint)) element = element_hint;
  Constant::Elements values;
  for (const ExprId each : literal.elements) {
    if (!coerce(each, *element, "an element")) return {};
    if (fact(each).constant != kNone) values.push_back(context_.facts.constants[fact(each).constant]);
  }
  if (context_.is_error(*element)) return {};
  const TypeId type = context_.facts.types.list(*element);
  if (values.size() == literal.elements.size()) fact(id).constant = context_.add({type, std::move(values)});
  return type;
}

TypeId Expressions::record(ExprId id, const ast::RecordLiteral& literal, Scope& scope, TypeId hint) {
  const value::Type wanted = context_.type(hint);
  std::vector<value::Field> fields;
  Constant::Elements values;
  for (const ast::Entry& entry : literal.entries) {
    const int known = wanted.kind == TypeKind::Record ? field_index(wanted, entry.name.text) : -1;
    const TypeId field_hint = known >= 0 ? wanted.fields[static_cast<std::size_t>(known)].type : TypeId{};
    TypeId type = infer(entry.value, scope, field_hint);
    absorb(id, entry.value);
    if (known >= 0 && converts(context_, type, field_hint)) {
      coerce(entry.value, field_hint, "the field");
      type = field_hint;
    }
    if (context_.kind(type) == TypeKind::Null) {
      context_.error(Code::P0304, span(entry.value), "`null` alone has no type here");
      return {};
    }
    if (std::ranges::find(fields, entry.name.text, &value::Field::name) != fields.end()) {
      context_.error(Code::P0201, entry.name.span, fmt::format("the record has two fields `{}`", entry.name.text));
      continue;
    }
    fields.push_back({entry.name.text, type});
    if (fact(entry.value).constant != kNone) values.push_back(context_.facts.constants[fact(entry.value).constant]);
  }
  const bool is_constant = values.size() == fields.size();
  if (std::ranges::any_of(fields, [&](const value::Field& field) { return context_.is_error(field.type); })) return {};
  const TypeId type = context_.facts.types.record("", std::move(fields));
  if (is_constant) fact(id).constant = context_.add({type, std::move(values)});
  return type;
}

}  // namespace piperun::sema
