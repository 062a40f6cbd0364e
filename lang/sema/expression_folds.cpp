// Folds over lists: `sum(l.qty for l in lines if l.qty > 0)`.
#include <fmt/format.h>

#include <algorithm>

#include "lang/sema/expressions.h"

namespace piperun::sema {

namespace {

std::optional<FoldKind> fold_named(std::string_view name) {
  const FoldKind kind = ir::word_as(name, FoldKind::Count);
  return ir::word_of(kind) == name ? std::optional(kind) : std::nullopt;
}

}  // namespace

bool Expressions::is_fold(std::string_view name) { return fold_named(name).has_value(); }

std::optional<TypeId> Expressions::fold_type(FoldKind kind, TypeId value) {
  const value::Type type = context_.type(value);
  switch (kind) {
    case FoldKind::Count: return context_.scalar(TypeKind::Int);
    case FoldKind::Sum:
      if (type.kind == TypeKind::Int || type.kind == TypeKind::Float || type.kind == TypeKind::Duration) return value;
      if (type.kind == TypeKind::Decimal) return decimal(context_, {value::kMaxPrecision, type.scale});
      return std::nullopt;
    case FoldKind::Min:
    case FoldKind::Max: return is_ordered(type.kind) ? std::optional(context_.nullable(value)) : std::nullopt;
    case FoldKind::Avg:
      if (type.kind == TypeKind::Int || type.kind == TypeKind::Float) return context_.nullable(context_.scalar(TypeKind::Float));
      if (type.kind != TypeKind::Decimal) return std::nullopt;
      return context_.nullable(decimal(context_, {value::kMaxPrecision, std::min(type.scale + 6, value::kMaxPrecision)}));
    case FoldKind::Any:
    case FoldKind::All: return type.kind == TypeKind::Bool ? std::optional(value) : std::nullopt;
    case FoldKind::First:
    case FoldKind::Last: return context_.nullable(value);
    case FoldKind::List: return context_.facts.types.list(value);
    case FoldKind::Join: return type.kind == TypeKind::String ? std::optional(value) : std::nullopt;
  }
  return std::nullopt;
}

// What is folded: the type of an element, and of the value that is taken of each. Error: reported.
Expressions::FoldTypes Expressions::folded_list(ExprId id, const ast::Argument& argument, std::string_view name, Scope& scope) {
  const TypeId list_type = infer(argument.value, scope);
  absorb(id, argument.value);
  if (context_.is_error(list_type) || !present(argument.value, fmt::format("what `{}` folds", name))) return {};
  if (context_.kind(list_type) != TypeKind::List) {
    context_
        .error(Code::P0207, span(argument.value),
               fmt::format("`{}` folds a list, and this is {}", name, context_.name(list_type)))
        .help(fmt::format("`{}(x for x in list)`, or with a list alone: `{}(list)`", name, name));
    return {};
  }
  const TypeId element = context_.type(list_type).element;
  return {element, element};
}

Expressions::FoldTypes Expressions::folded_values(ExprId id, const ast::Argument& argument, std::uint32_t variable, Scope& scope,
                                                  TypeId hint) {
  const ast::Fold& fold = *argument.fold;
  const TypeId list_type = infer(fold.list, scope);
  absorb(id, fold.list);
  if (context_.is_error(list_type) || !present(fold.list, "the list behind `in`")) return {};
  if (context_.kind(list_type) != TypeKind::List) {
    context_.error(Code::P0204, span(fold.list), fmt::format("behind `in` stands a list, not {}", context_.name(list_type)));
    return {};
  }
  const TypeId element = context_.type(list_type).element;
  const std::string& name = fold.variable.text;
  scope.variables.push_back({name, element, variable, fact(fold.list).is_volatile});
  const auto before = scope.present;
  std::erase_if(scope.present,
                [&](const std::string& path_text) { return path_text == name || path_text.starts_with(name + "."); });
  if (fold.condition) {
    const TypeId boolean = context_.scalar(TypeKind::Bool);
    infer(fold.condition, scope, boolean);
    absorb(id, fold.condition);
    coerce(fold.condition, boolean, "the condition of a fold");
    narrow(fold.condition, true, scope.present);
  }
  const TypeId value = infer(argument.value, scope, hint);
  absorb(id, argument.value);
  scope.present = before;
  scope.variables.pop_back();
  return {element, value};
}

TypeId Expressions::wrong_fold(ExprId id, const ast::Call& call, std::string_view name, Scope& scope) {
  for (const ast::Argument& each : call.arguments) {
    if (!each.fold) infer(each.value, scope);
  }
  const auto folds = catalog::fold_functions();
  const auto it = std::ranges::find(folds, name, &catalog::FoldFunction::name);
  auto& found = context_.error(Code::P0207, span(id), fmt::format("`{}` folds one list", name));
  found.help(fmt::format("for example `{}`", it->example));
  if (call.arguments.empty()) found.note("`count()` of many records is an `aggregate`, which is not in this version");
  return {};
}

TypeId Expressions::fold_call(ExprId id, const ast::Call& call, const ast::Name& name, Scope& scope, TypeId hint) {
  const FoldKind kind = *fold_named(name.text);
  if (call.arguments.size() != (kind == FoldKind::Join ? 2 : 1)) return wrong_fold(id, call, name.text, scope);
  const ast::Argument& argument = call.arguments.front();
  const std::uint32_t variable = variables_++;
  const bool passes_hint = kind == FoldKind::Min || kind == FoldKind::Max || kind == FoldKind::Sum;
  const TypeId of_value = kind == FoldKind::List ? context_.type(hint).element : passes_hint ? context_.base(hint) : TypeId{};
  const FoldTypes folded =
      argument.fold ? folded_values(id, argument, variable, scope, of_value) : folded_list(id, argument, name.text, scope);
  if (kind == FoldKind::Join) {
    infer(call.arguments[1].value, scope);
    absorb(id, call.arguments[1].value);
    if (!coerce(call.arguments[1].value, context_.scalar(TypeKind::String), "what stands between the values")) return {};
  }
  if (context_.is_error(folded.value)) return {};
  const bool takes_null = kind == FoldKind::Count || kind == FoldKind::First || kind == FoldKind::Last || kind == FoldKind::List;
  if (!takes_null && context_.is_nullable(folded.value)) {
    if (!present(argument.value, fmt::format("what `{}` folds", name.text))) return {};
    context_.error(Code::P0300, span(argument.value), fmt::format("what `{}` folds cannot be null, but these may be", name.text))
        .label(context_.name(fact(argument.value).type))
        .help(fmt::format("`{0}(x ?? … for x in {1})`, or `{0}(x for x in {1} if x is not null)`", name.text,
                          text(argument.value)));
    return {};
  }
  const auto type = fold_type(kind, folded.value);
  if (!type) {
    context_.error(Code::P0207, span(argument.value),
                   fmt::format("`{}` does not work on {}", name.text, context_.name(folded.value)));
    return {};
  }
  catchable_.insert(id);
  fact(id).names = FoldCall{kind, variable, folded.element};
  return *type;
}

}  // namespace piperun::sema
