// Calls: built-in functions by the catalog, declared ones, env() and secret().
#include <fmt/format.h>

#include <algorithm>

#include "lang/ast/match.h"
#include "lang/sema/expressions.h"
#include "lang/sema/functions.h"
#include "lang/sema/signatures.h"
#include "stdlib/modules.h"
#include "stdlib/native/regex.h"

namespace piperun::sema {

void Expressions::take_arguments(ExprId id, const ast::Call& call) {
  for (const ast::Argument& argument : call.arguments) absorb(id, argument.value);
}

void Expressions::infer_all(const ast::Call& call, Scope& scope) {
  for (const ast::Argument& argument : call.arguments) {
    if (!argument.fold) infer(argument.value, scope);
  }
}

TypeId Expressions::call(ExprId id, const ast::Call& call, Scope& scope, TypeId hint) {
  if (const auto* ref = std::get_if<ast::NameRef>(&node(call.callee).node)) return named_call(id, call, ref->name, scope, hint);
  if (const auto* member = std::get_if<ast::Member>(&node(call.callee).node)) return member_call(id, call, *member, scope);
  infer(call.callee, scope);
  infer_all(call, scope);
  context_.error(Code::P0206, span(call.callee), "this is not a function");
  return {};
}

TypeId Expressions::named_call(ExprId id, const ast::Call& call, const ast::Name& name, Scope& scope, TypeId hint) {
  if (name.text == "env" || name.text == "secret") return environment_call(id, call, name.text, scope);
  const Symbol* symbol = context_.find(scope.module, name.text);
  if (symbol != nullptr && std::holds_alternative<ast::FnDecl>(context_[*symbol].node))
    return declared_call(id, call, *symbol, scope);
  const bool is_reported =
      name.text.empty() || (symbol != nullptr && std::holds_alternative<ast::ErrorDecl>(context_[*symbol].node));
  const bool has_fold = !call.arguments.empty() && call.arguments.front().fold.has_value();
  if (!is_reported && is_fold(name.text) && (has_fold || name.text != "join")) return fold_call(id, call, name, scope, hint);
  if (!is_reported && is_builtin(name.text)) return builtin_call(id, call, name, scope, hint);
  infer_all(call, scope);
  if (!is_reported) unknown_function(name, scope);
  return {};
}

// `text.upper(s)`; or `s.upper()`, which other languages write.
TypeId Expressions::member_call(ExprId id, const ast::Call& call, const ast::Member& member, Scope& scope) {
  const auto* root = std::get_if<ast::NameRef>(&node(member.object).node);
  const auto module = root != nullptr ? context_.module_named(scope.module, root->name.text) : std::nullopt;
  const ast::Name& name = member.name;
  if (module) {
    const Symbol* symbol = context_.find(*module, name.text);
    if (symbol != nullptr && std::holds_alternative<ast::FnDecl>(context_[*symbol].node))
      return declared_call(id, call, *symbol, scope);
    infer_all(call, scope);
    auto& found =
        context_.error(Code::P0206, name.span, fmt::format("module `{}` has no function `{}`", root->name.text, name.text));
    context_.suggest(found, name.span, name.text, context_.names_of<ast::FnDecl>(*module));
    return {};
  }
  infer_all(call, scope);
  auto& found = context_.error(Code::P0206, name.span, fmt::format("there is no function `{}`", text(call.callee)));
  if (root != nullptr && !is_local(root->name.text, scope) && help_with_module(found, call, *root, name, scope)) return {};
  if (is_builtin(name.text)) {
    const std::string_view more = call.arguments.empty() ? "" : ", …";
    found.help(fmt::format("a function stands before its arguments: `{}({}{})`", name.text, text(member.object), more));
  } else if (root != nullptr && !is_local(root->name.text, scope)) {
    found.help(fmt::format("a module is named at the head of the file: `use \"./{0}.pipe\" as {0}`", root->name.text));
  }
  return {};
}

namespace {

bool declares(std::string_view module, std::string_view function) { return module.contains(fmt::format("fn {}(", function)); }

}  // namespace

// `text.pad(s)` where nothing is called `text`: a module that is not named, or a word that is nearly one. False: neither.
bool Expressions::help_with_module(diag::Diagnostic& found, const ast::Call& call, const ast::NameRef& root,
                                   const ast::Name& function, const Scope& scope) {
  const std::string& module = root.name.text;
  if (const auto standard = stdlib::module(module)) {
    if (declares(*standard, function.text))
      found.help(fmt::format("name the module first, at the head of the file: `use std.{}`", module));
    else if (is_builtin(function.text))
      found.help(fmt::format("it belongs to no module: `{}(…)`", function.text), span(call.callee), function.text);
    else found.help(fmt::format("`std.{}` has no such function; `piperun lang` lists those that it has", module));
    return true;
  }
  std::vector<std::string> names;
  for (const auto& use : context_.program.modules[scope.module].uses) names.push_back(use.first);
  for (const stdlib::Module& each : stdlib::modules()) names.emplace_back(each.name);
  const std::size_t before = found.helps.size();
  context_.suggest(found, root.name.span, module, names);
  if (found.helps.size() == before && is_builtin(function.text) && !call.arguments.empty())
    found.help(fmt::format("it belongs to no module: `{}(…)`", function.text), span(call.callee), function.text);
  return found.helps.size() != before;
}

// A pattern that is known is checked now; one that comes from data may be wrong, and then the call fails.
bool Expressions::check_pattern(ExprId id, std::string_view native, const ast::Call& call) {
  const auto at = native::pattern_argument(native);
  if (!at) return true;
  const ExprId pattern = call.arguments[*at].value;
  const std::uint32_t constant = fact(pattern).constant;
  if (constant == kNone) {
    fact(id).can_fail = true;
    return true;
  }
  const auto fault = native::pattern_fault(std::get<std::string>(context_.facts.constants[constant].value));
  if (!fault) return true;
  auto& found = context_.error(Code::P0228, span(pattern), fmt::format("this is no regular expression: {}", *fault));
  if (fault->starts_with("invalid perl operator") || fault->starts_with("invalid escape sequence"))
    found.note("look-arounds and back references are not there: matching takes linear time on any text");
  return false;
}

// What other languages call a function, and what to write here.
constexpr std::pair<std::string_view, std::string_view> kForeignFunctions[] = {
    {"len", "`length(x)`"},
    {"size", "`length(x)`"},
    {"concat", "`\"{a}{b}\"`"},
    {"coalesce", "`x ?? y`"},
    {"ifnull", "`x ?? y`"},
    {"nvl", "`x ?? y`"},
    {"iff", "`if a then b else c`"},
    {"int", "`to_int(x)!`"},
    {"float", "`to_float(x)!`"},
    {"str", "`to_string(x)`"},
    {"string", "`to_string(x)`"},
    {"cast", "`to_int(x)!`, `to_decimal(x, 12, 2)!`, `to_string(x)`, …"},
    {"date", "`to_timestamp(x)!`, or `time.parse(x, \"%d.%m.%Y\")!` of `std.time`"},
    {"average", "`avg(x for x in xs)`"},
    {"sha256", "`hash(x)`"},
};

void Expressions::unknown_function(const ast::Name& name, const Scope& scope) {
  if (const Symbol* symbol = context_.find(scope.module, name.text)) {
    context_
        .error(Code::P0208, name.span, fmt::format("`{}` is {}, not a function", name.text, kind_name(context_[*symbol].node)))
        .secondary(context_[*symbol].name.span, "declared here");
    return;
  }
  auto& found = context_.error(Code::P0206, name.span, fmt::format("unknown function `{}`", name.text));
  for (std::uint32_t module = 0; module < context_.program.modules.size(); ++module) {
    for (const auto& [alias, used] : context_.program.modules[scope.module].uses) {
      if (used != module) continue;
      const auto names = context_.names_of<ast::FnDecl>(module);
      if (std::ranges::find(names, name.text) == names.end()) continue;
      found.help(fmt::format("module `{}` has it", alias), name.span, fmt::format("{}.{}", alias, name.text));
      return;
    }
  }
  for (const stdlib::Module& module : stdlib::modules()) {
    if (!declares(module.text, name.text)) continue;
    found.help(fmt::format("`use std.{0}` at the head of the file, and write `{0}.{1}(…)`", module.name, name.text));
    return;
  }
  std::vector<std::string> names = context_.names_of<ast::FnDecl>(scope.module);
  for (const auto& each : catalog::functions()) names.emplace_back(each.name);
  for (const auto& each : catalog::fold_functions()) names.emplace_back(each.name);
  context_.suggest(found, name.span, name.text, names);
  const auto* foreign = std::ranges::find(kForeignFunctions, name.text, &std::pair<std::string_view, std::string_view>::first);
  if (found.helps.empty() && foreign != std::end(kForeignFunctions)) found.help(fmt::format("write {}", foreign->second));
}

TypeId Expressions::environment_call(ExprId id, const ast::Call& call, const std::string& name, Scope& scope) {
  if (!scope.has_environment) {
    context_.error(Code::P0607, span(id), fmt::format("`{}(…)` stands only in options and as the default of a param", name))
        .help(fmt::format("declare `param p: string = {}`, and use `$p` here", text(id)));
    return {};
  }
  const std::size_t count = call.arguments.size();
  const auto* variable = count > 0 ? std::get_if<ast::StringLiteral>(&node(call.arguments[0].value).node) : nullptr;
  if (variable == nullptr || variable->text.empty() || count > (name == "env" ? 2U : 1U)) {
    context_.error(Code::P0207, span(id),
                   name == "env" ? "`env` takes the name of a variable and, if wanted, a default: `env(\"X\", \"y\")`"
                                 : "`secret` takes the name of a variable: `secret(\"X\")`");
    return {};
  }
  const TypeId string = context_.scalar(TypeKind::String);
  if (name == "secret") {
    fact(id).is_secret = true;
    return string;
  }
  std::optional<Constant> otherwise;
  if (count == 2) {
    otherwise = evaluate(call.arguments[1].value, scope, string, "the default of a variable");
    if (!otherwise) return {};
  }
  const auto value = context_.options.environment ? context_.options.environment(variable->text) : std::nullopt;
  if (value) otherwise = Constant{string, *value};
  if (!otherwise && context_.options.run) {
    context_.error(Code::P0610, span(id), fmt::format("the environment variable `{}` is not set", variable->text))
        .help(fmt::format("set it, or give a default: `env(\"{}\", \"…\")`", variable->text));
    return {};
  }
  if (!otherwise) otherwise = Constant{string, "$" + variable->text};
  fact(id).constant = context_.add(std::move(*otherwise));
  return string;
}

TypeId Expressions::declared_call(ExprId id, const ast::Call& call, Symbol symbol, Scope& scope) {
  const auto function_id = functions_.find(symbol, span(call.callee));
  if (!function_id) {
    infer_all(call, scope);
    return {};
  }
  const FunctionFact function = context_.facts.functions[*function_id];
  bool is_fine = call.arguments.size() == function.parameters.size();
  for (std::size_t i = 0; i < call.arguments.size(); ++i) {
    const ast::Argument& argument = call.arguments[i];
    const bool is_wanted = i < function.parameters.size();
    infer(argument.value, scope, is_wanted ? function.parameters[i] : TypeId{});
    if (!is_wanted) continue;
    const bool takes_secret = function.native == "hash.hmac" && i == 1;
    if (takes_secret) fact(argument.value).is_secret = false;
    if (!coerce(argument.value, function.parameters[i],
                fmt::format("the parameter `{}` of `{}`", function.parameter_names[i], function.name))) {
      is_fine = false;
    }
  }
  take_arguments(id, call);
  if (call.arguments.size() != function.parameters.size()) {
    context_
        .error(Code::P0207, span(id),
               fmt::format("`{}` takes {} argument{}, not {}", function.name, function.parameters.size(),
                           function.parameters.size() == 1 ? "" : "s", call.arguments.size()))
        .secondary(function.where, "declared here");
  }
  if (!is_fine) return {};
  if (function.native.empty()) fact(id).names = FunctionCall{*function_id};
  else fact(id).names = NativeCall{function.native};
  fact(id).is_volatile |= function.is_volatile;
  fact(id).can_fail |= function.can_fail;
  catchable_.insert(id);
  if (call.arguments.size() == function.parameters.size() && !check_pattern(id, function.native, call)) return {};
  return function.result;
}

}  // namespace piperun::sema
