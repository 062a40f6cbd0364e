#include "lang/sema/signatures.h"

namespace piperun::sema {

namespace {

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// What stands in `list<…>` or behind the comma of `map<string, …>`; empty: it is no such type.
std::string_view inside(std::string_view text, std::string_view head) {
  if (!text.starts_with(head) || !text.ends_with('>')) return {};
  return trimmed(text.substr(head.size(), text.size() - head.size() - 1));
}

// Signatures know two words that no program writes.
std::optional<TypeKind> scalar_of(std::string_view word) {
  if (word == "secret") return TypeKind::String;
  if (word == "never") return TypeKind::Never;
  return scalar_named(word);
}

}  // namespace

Signature read_signature(std::string_view text) {
  Signature signature;
  const std::size_t close = text.find(") ->");
  std::string_view parameters = text.substr(1, close - 1);
  int depth = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= parameters.size(); ++i) {
    if (i < parameters.size() && parameters[i] == '<') ++depth;
    if (i < parameters.size() && parameters[i] == '>') --depth;
    if (i < parameters.size() && (parameters[i] != ',' || depth > 0)) continue;
    const std::string_view part = trimmed(parameters.substr(begin, i - begin));
    if (!part.empty()) signature.parameters.push_back(part);
    begin = i + 1;
  }
  signature.result = trimmed(text.substr(close + 4));
  signature.can_fail = signature.result.ends_with('!');
  if (signature.can_fail) signature.result.remove_suffix(1);
  return signature;
}

std::optional<TypeId> match_parameter(Context& context, std::string_view parameter, TypeId argument, Bindings& bindings,
                                      bool exact) {
  if (context.is_error(argument)) return argument;
  if (parameter == "T") {
    if (context.is_error(bindings.any)) bindings.any = argument;
    return converts(context, argument, bindings.any) ? std::optional(bindings.any) : std::nullopt;
  }
  const value::Type type = context.type(argument);
  if (parameter == "decimal") {
    if (type.kind != TypeKind::Decimal && (exact || type.kind != TypeKind::Int)) return std::nullopt;
    const TypeId wanted = type.kind == TypeKind::Decimal ? context.base(argument) : decimal(context, value::kInt64AsDecimal);
    if (context.is_error(bindings.decimal)) bindings.decimal = wanted;
    return wanted;
  }
  if (parameter == "number") return type.kind == TypeKind::Int ? std::optional(context.base(argument)) : std::nullopt;
  if (const std::string_view element = inside(parameter, "list<"); !element.empty()) {
    if (type.kind != TypeKind::List) return std::nullopt;
    const auto matched = match_parameter(context, element, type.element, bindings, exact);
    return matched ? std::optional(context.facts.types.list(*matched)) : std::nullopt;
  }
  if (const std::string_view element = inside(parameter, "map<string,"); !element.empty()) {
    if (type.kind != TypeKind::Map) return std::nullopt;
    const auto matched = match_parameter(context, element, type.element, bindings, exact);
    return matched ? std::optional(context.facts.types.map(*matched)) : std::nullopt;
  }
  const auto kind = scalar_of(parameter);
  if (!kind) return std::nullopt;
  const TypeId wanted = context.scalar(*kind);
  const TypeId given = context.base(argument);
  return given == wanted || (!exact && converts(context, given, wanted)) ? std::optional(wanted) : std::nullopt;
}

TypeId result_type(Context& context, std::string_view result, const Bindings& bindings) {
  if (result.ends_with('?')) return context.nullable(result_type(context, result.substr(0, result.size() - 1), bindings));
  if (result == "T") return bindings.any;
  if (result == "decimal") return bindings.decimal;
  if (const std::string_view element = inside(result, "list<"); !element.empty()) {
    return context.facts.types.list(result_type(context, element, bindings));
  }
  if (const std::string_view element = inside(result, "map<string,"); !element.empty()) {
    return context.facts.types.map(result_type(context, element, bindings));
  }
  return context.scalar(scalar_of(result).value_or(TypeKind::Error));
}

}  // namespace piperun::sema
