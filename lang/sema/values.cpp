#include "lang/sema/values.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "lang/sema/expressions.h"

namespace piperun::sema {

const Constant* Values::constant(Symbol symbol, Span used_at) {
  if (const auto found = constants_.find(symbol); found != constants_.end()) return &found->second;
  if (failed_.contains(symbol)) return nullptr;
  const ast::Declaration& declaration = context_[symbol];
  if (!open_.insert(symbol).second) {
    context_.error(Code::P0210, used_at, fmt::format("const `{}` needs its own value", declaration.name.text))
        .secondary(declaration.name.span, "declared here");
    failed_.insert(symbol);
    return nullptr;
  }
  Scope scope{.module = symbol.module};
  const ExprId id = std::get<ast::ConstDecl>(declaration.node).value;
  auto value = expressions_.evaluate(id, scope, {}, fmt::format("const `{}`", declaration.name.text));
  open_.erase(symbol);
  if (!value) {
    failed_.insert(symbol);
    return nullptr;
  }
  return &constants_.emplace(symbol, std::move(*value)).first->second;
}

void Values::read_absent_fields(Symbol symbol, const ast::TypeDecl& declaration) {
  const TypeId type = types_.declared(symbol, context_[symbol].name.span);
  for (const ast::TypeField& field : declaration.fields) {
    if (!field.value) continue;
    const value::Type record = context_.type(type);
    const int index = field_index(record, field.name.text);
    if (index < 0) continue;
    Scope scope{.module = symbol.module};
    auto value = expressions_.evaluate(field.value, scope, record.fields[static_cast<std::size_t>(index)].type,
                                       fmt::format("the value of `{}` when absent", field.name.text));
    if (value) context_.facts.records[type][static_cast<std::size_t>(index)].absent = std::move(*value);
  }
}

ParamId Values::param(Symbol symbol) {
  if (!context_.is_entered(symbol)) read_param(symbol);
  return context_.id_of(symbol);
}

void Values::read_param(Symbol symbol) {
  const ast::Name& name = context_[symbol].name;
  const auto& declaration = std::get<ast::ParamDecl>(context_[symbol].node);
  const ParamId id = context_.enter(symbol, context_.facts.params, ParamFact{name.text, {}, {}, {}, name.span});
  const TypeId type = types_.read(declaration.type, symbol.module);
  context_.facts.params[id].type = type;
  if (context_.is_error(type)) return;
  if (function_called(declaration.value) == "secret") return read_secret(id, declaration, symbol.module);

  const bool is_given = context_.options.params.contains(name.text);
  std::optional<Constant> value = is_given ? given(name, type) : std::nullopt;
  if (declaration.value) {
    auto otherwise = written_default(name, declaration.value, type, symbol.module, value.has_value());
    if (!value) value = std::move(otherwise);
  } else if (!is_given) {
    value = missing(name, type);
  }
  if (!value) context_.facts.params[id].type = {};
  context_.facts.params[id].value = std::move(value);
}

void Values::read_secret(ParamId id, const ast::ParamDecl& declaration, std::uint32_t module) {
  Scope scope{.module = module, .has_environment = true};
  const TypeId type = expressions_.infer(declaration.value, scope);
  ParamFact& fact = context_.facts.params[id];
  if (type == fact.type) {
    const auto& call = std::get<ast::Call>(context_.program.pool[declaration.value].node);
    fact.secret = Secret{std::get<ast::StringLiteral>(context_.program.pool[call.arguments[0].value].node).text};
    return;
  }
  if (!context_.is_error(type))
    context_.error(Code::P0606, context_.program.pool[declaration.type].span, "a secret is a `string`");
  fact.type = {};
}

// The value from outside; nullopt: it is none of this type, which was reported.
std::optional<Constant> Values::given(const ast::Name& name, TypeId type) {
  const std::string& text = context_.options.params.at(name.text);
  auto value = parsed(context_, text, type);
  if (!value) {
    context_.error(Code::P0609, name.span,
                   fmt::format("`{}` was given for param `{}`, and is no {}", text, name.text, context_.name(type)));
  }
  return value;
}

// The value that the file has, a constant or `env(…)`; checked in any case, read as the param's type unless a value was given.
std::optional<Constant> Values::written_default(const ast::Name& name, ExprId written, TypeId type, std::uint32_t module,
                                                bool is_given) {
  const bool is_text = function_called(written) == "env";
  Scope scope{.module = module, .has_environment = true};
  auto value = expressions_.evaluate(written, scope, is_text ? context_.scalar(TypeKind::String) : type,
                                     fmt::format("the default of `{}`", name.text));
  if (!is_text || !value || is_given) return value;
  const std::string& text = std::get<std::string>(value->value);
  auto read = parsed(context_, text, type);
  if (!read && context_.options.run) {
    context_.error(Code::P0609, context_.program.pool[written].span, fmt::format("`{}` is no {}", text, context_.name(type)));
  }
  return read;
}

// A value for a param that has none; it is a mistake when the program is about to run, and without meaning to a check.
Constant Values::missing(const ast::Name& name, TypeId type) {
  if (context_.options.run) {
    context_.error(Code::P0608, name.span, fmt::format("param `{}` has no value", name.text))
        .help(fmt::format("give one: `--param {}=…`, or the variable PIPE_PARAM_{}", name.text, name.text))
        .help(fmt::format("or a default: `param {}: {} = …`", name.text, context_.name(type)));
  }
  const auto any = parsed(context_, context_.kind(type) == TypeKind::Bool ? "false" : "0", type);
  return any.value_or(Constant{type, {}});
}

// The function that an expression calls by its bare name; "" for any other expression and for none.
std::string_view Values::function_called(ExprId id) const {
  const auto* call = id ? std::get_if<ast::Call>(&context_.program.pool[id].node) : nullptr;
  const auto* callee = call == nullptr ? nullptr : std::get_if<ast::NameRef>(&context_.program.pool[call->callee].node);
  return callee == nullptr ? std::string_view() : callee->name.text;
}

void Values::check_given_params() {
  for (const auto& [name, text] : context_.options.params) {
    if (std::ranges::find(context_.facts.params, name, &ParamFact::name) != context_.facts.params.end()) continue;
    const Span start{context_.program.modules[0].module.file, 0, 0};
    auto& found = context_.error(Code::P0612, start, fmt::format("a value was given for `{}`, but there is no such param", name));
    const auto names = context_.names_of<ast::ParamDecl>(0);
    if (!names.empty()) found.note(fmt::format("the params are {}", fmt::join(names, ", ")));
  }
}

}  // namespace piperun::sema
