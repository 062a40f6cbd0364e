// Calls of built-in functions: which overload of the catalog is meant, and what it gives.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <ranges>

#include "lang/sema/expressions.h"
#include "lang/sema/signatures.h"

namespace piperun::sema {

bool Expressions::is_builtin(std::string_view name) {
  const auto functions = catalog::functions();
  return std::ranges::find(functions, name, &catalog::Function::name) != functions.end();
}

// A literal number of digits; -1: the argument is none.
int Expressions::digits_at(const ast::Call& call, std::size_t i) const {
  const auto* literal = i < call.arguments.size() ? std::get_if<ast::IntLiteral>(&node(call.arguments[i].value).node) : nullptr;
  const bool fits = literal != nullptr && literal->value >= 0 && literal->value <= value::kMaxPrecision;
  return fits ? static_cast<int>(literal->value) : -1;
}

// Division and rounding work towards the type that is declared by the digits given; Error: none is.
TypeId Expressions::declared_decimal(const ast::Call& call, std::string_view name) {
  if (name == "round" && digits_at(call, 1) >= 0) return decimal(context_, {value::kMaxPrecision, digits_at(call, 1)});
  const int precision = digits_at(call, 1), scale = digits_at(call, 2);
  const bool is_declared = name == "to_decimal" && precision >= 1 && scale >= 0 && scale <= precision;
  return is_declared ? decimal(context_, {precision, scale}) : TypeId{};
}

// Also if it says what happens when it fails: `(a / b)!`, `a / b catch 0.00`.
bool Expressions::is_arithmetic(ExprId id) const {
  if (const auto* bang = std::get_if<ast::Bang>(&node(id).node)) return is_arithmetic(bang->operand);
  if (const auto* caught = std::get_if<ast::Catch>(&node(id).node)) return is_arithmetic(caught->operand);
  return std::holds_alternative<ast::Binary>(node(id).node);
}

// The types of all arguments; nullopt: one of them has a mistake.
std::optional<std::vector<TypeId>> Expressions::infer_arguments(const ast::Call& call, std::string_view name, Scope& scope,
                                                                TypeId dividend) {
  std::vector<TypeId> given;
  bool has_error = false;
  for (const ast::Argument& argument : call.arguments) {
    const bool takes_type = given.empty() && is_arithmetic(argument.value);
    given.push_back(infer(argument.value, scope, takes_type ? dividend : TypeId{}));
    has_error |= context_.is_error(given.back());
    if (!argument.fold) continue;
    context_.error(Code::P0207, span(argument.value), fmt::format("`{}` folds no list", name));
    has_error = true;
  }
  return has_error ? std::nullopt : std::optional(std::move(given));
}

// `hmac` takes a secret, which does not make a secret of the result.
bool Expressions::take_secret_key(ExprId id, const ast::Call& call) {
  ExprFact& key = fact(call.arguments[1].value);
  if (!key.is_secret) {
    context_.error(Code::P0605, span(call.arguments[1].value), "the key of `hmac` is a secret")
        .help("declare `param key: string = secret(\"KEY\")`, and write `$key`");
    return false;
  }
  key.is_secret = false;
  take_arguments(id, call);
  key.is_secret = true;
  return true;
}

// The first overload that fits without conversion, else the first that fits, else the first that fits with literals adapted.
std::optional<Expressions::Overload> Expressions::choose(const ast::Call& call, std::string_view name,
                                                         const std::vector<TypeId>& given, Scope& scope) {
  enum class Fit { Exact, Converted, Adapted };
  for (const Fit fit : {Fit::Exact, Fit::Converted, Fit::Adapted}) {
    for (const catalog::Function& each : catalog::functions()) {
      if (each.name != name) continue;
      Overload overload{&each, read_signature(each.signature), {}};
      if (overload.signature.parameters.size() != given.size()) continue;
      bool fits = true;
      for (std::size_t i = 0; i < given.size() && fits; ++i) {
        const std::string_view parameter = overload.signature.parameters[i];
        const bool adapts = fit == Fit::Adapted && parameter == "float64" && is_literal(call.arguments[i].value);
        const TypeId type = adapts ? infer(call.arguments[i].value, scope, context_.scalar(TypeKind::Float)) : given[i];
        fits = match_parameter(context_, parameter, type, overload.bindings, fit == Fit::Exact).has_value();
      }
      if (fits) return overload;
    }
  }
  return std::nullopt;
}

TypeId Expressions::no_overload(ExprId id, std::string_view name, const std::vector<TypeId>& given) {
  auto& found = context_.error(Code::P0207, span(id), fmt::format("`{}` cannot be called with these arguments", name));
  const auto name_of = [&](TypeId type) { return context_.name(type); };
  found.label(fmt::format("({})", fmt::join(given | std::views::transform(name_of), ", ")));
  for (const catalog::Function& each : catalog::functions()) {
    if (each.name == name) found.note(fmt::format("there is {}{}", name, each.signature));
  }
  return {};
}

bool Expressions::coerce_arguments(const ast::Call& call, const Overload& overload) {
  Bindings bindings;
  for (std::size_t i = 0; i < call.arguments.size(); ++i) {
    const ExprId value = call.arguments[i].value;
    const std::string_view parameter = overload.signature.parameters[i];
    const std::string what = fmt::format("an argument of `{}`", overload.function->name);
    if ((parameter != "T" || overload.function->name == "to_string") && !present(value, what)) return false;
    if (!coerce(value, *match_parameter(context_, parameter, fact(value).type, bindings, false), what)) return false;
    if (parameter != "number" || digits_at(call, i) >= 0) continue;
    context_.error(Code::P0215, span(value), "the number of digits is a literal from 0 to 38");
    return false;
  }
  return true;
}

TypeId Expressions::builtin_call(ExprId id, const ast::Call& call, const ast::Name& name, Scope& scope, TypeId hint) {
  const TypeId declared = declared_decimal(call, name.text);
  const auto given = infer_arguments(call, name.text, scope, declared);
  if (name.text == "hmac" && given && given->size() == 2) {
    if (!take_secret_key(id, call)) return {};
  } else {
    take_arguments(id, call);
  }
  if (!given) return {};
  const auto overload = choose(call, name.text, *given, scope);
  if (!overload) return no_overload(id, name.text, *given);
  if (!coerce_arguments(call, *overload)) return {};
  const catalog::Function& function = *overload->function;
  fact(id).is_volatile |= function.is_volatile;
  fact(id).can_fail |= overload->signature.can_fail;
  if (!check_pattern(id, function.target, call)) return {};
  if (function.kind == catalog::CallKind::Native) fact(id).names = NativeCall{std::string(function.target)};
  else if (name.text == "fail") fact(id).names = FailCall{};
  else fact(id).names = OpCall{std::string(function.target)};
  if (name.text == "fail" || name.text == "round") catchable_.insert(id);
  if (name.text == "to_decimal") {
    if (!context_.is_error(declared)) return declared;
    context_.error(Code::P0214, span(id),
                   "`to_decimal(x, precision, scale)`: at most 38 digits, not more behind the point than in all");
    return {};
  }
  if (function.target == "round") return rounded(call, overload->bindings.decimal, hint);
  return result_type(context_, overload->signature.result, overload->bindings);
}

// The narrowing is towards the type that is welcome; without one it is as wide as the value may become.
TypeId Expressions::rounded(const ast::Call& call, TypeId type, TypeId hint) {
  if (call.arguments.size() == 3) {
    const ExprId given = call.arguments[2].value;
    const auto* mode = std::get_if<ast::StringLiteral>(&node(given).node);
    if (mode == nullptr || !value::rounding_named(mode->text)) {
      context_.error(Code::P0207, span(given), "this is no way of rounding")
          .note("there are \"half_even\", \"half_up\", \"half_down\", \"up\", \"down\", \"floor\" and \"ceiling\"");
      return {};
    }
  }
  const value::DecimalType from = decimal_type(context_.type(type));
  const int scale = digits_at(call, 1);
  const value::Type wanted = context_.type(hint);
  if (wanted.kind == TypeKind::Decimal && wanted.scale >= scale) return context_.base(hint);
  const int whole = from.precision - from.scale + (scale < from.scale ? 1 : 0);
  return decimal(context_, {std::clamp(whole + scale, 1, value::kMaxPrecision), scale});
}

}  // namespace piperun::sema
