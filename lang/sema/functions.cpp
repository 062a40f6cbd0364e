#include "lang/sema/functions.h"

#include <fmt/format.h>

#include <algorithm>

#include "lang/sema/expressions.h"

namespace piperun::sema {

std::optional<FunctionId> Functions::find(Symbol symbol, Span used_at) {
  if (failed_.contains(symbol)) return std::nullopt;
  if (open_.contains(symbol)) {
    context_.error(Code::P0210, used_at, fmt::format("function `{}` calls itself", context_[symbol].name.text))
        .secondary(context_[symbol].name.span, "declared here")
        .note("functions have no recursion: every record is done in a known number of steps");
    failed_.insert(symbol);
    return std::nullopt;
  }
  if (context_.is_entered(symbol)) {
    const FunctionId id = context_.id_of(symbol);
    calls_here_ += calls_[id];
    return id;
  }
  const auto& declaration = std::get<ast::FnDecl>(context_[symbol].node);
  const FunctionId id = enter(symbol, declaration);
  if (!declaration.body) return id;
  open_.insert(symbol);
  const std::size_t calls_outside = std::exchange(calls_here_, 1);
  check_body(id, declaration.body, symbol.module);
  open_.erase(symbol);
  check_growth(symbol);
  calls_[id] = calls_here_;
  calls_here_ += calls_outside;
  if (failed_.contains(symbol)) return std::nullopt;
  return id;
}

FunctionId Functions::enter(Symbol symbol, const ast::FnDecl& declaration) {
  const ast::Declaration& it = context_[symbol];
  const LoadedModule& module = context_.program.modules[symbol.module];
  FunctionFact fact;
  fact.name = it.name.text;
  fact.module = symbol.module;
  fact.where = it.name.span;
  fact.can_fail = declaration.can_fail;
  fact.body = declaration.body;
  for (const ast::FnParameter& each : declaration.parameters) {
    if (std::ranges::find(fact.parameter_names, each.name.text) != fact.parameter_names.end()) {
      context_.error(Code::P0201, each.name.span, fmt::format("two parameters are called `{}`", each.name.text));
    }
    fact.parameter_names.push_back(each.name.text);
    fact.parameters.push_back(types_.read(each.type, symbol.module));
  }
  fact.result = types_.read(declaration.result, symbol.module);
  if (!declaration.body) {
    fact.native = module.name + "." + it.name.text;
    if (!module.is_standard) {
      context_.error(Code::P0230, it.keyword, "only the standard library has `intrinsic` functions")
          .help("give it a body: `fn … = …`");
    }
  }
  return context_.enter(symbol, context_.facts.functions, std::move(fact));
}

void Functions::check_body(FunctionId id, ExprId body, std::uint32_t module) {
  const FunctionFact entered = context_.facts.functions[id];  // a copy: the body may need functions that are not entered yet
  std::vector<Parameter> parameters;
  for (std::size_t i = 0; i < entered.parameters.size(); ++i)
    parameters.push_back({entered.parameter_names[i], entered.parameters[i]});
  Scope scope{.module = module, .parameters = &parameters};
  expressions_.infer(body, scope, entered.result);
  if (!expressions_.is_secret_misused(body)) {
    expressions_.coerce(body, entered.result, fmt::format("the result of `{}`", entered.name));
  }
  context_.facts.functions[id].is_volatile = expressions_.fact(body).is_volatile;
  context_.facts.functions[id].can_fail = expressions_.fact(body).can_fail;  // whoever calls it handles that
}

void Functions::check_growth(Symbol symbol) {
  constexpr std::size_t kMostCalls = 10'000;
  if (calls_here_ <= kMostCalls) return;
  const ast::Name& name = context_[symbol].name;
  context_.error(Code::P0231, name.span, fmt::format("a call of `{}` brings more than {} calls with it", name.text, kMostCalls))
      .help("give a value that is used twice to a function as a parameter");
  failed_.insert(symbol);
  calls_here_ = 1;  // told once
}

}  // namespace piperun::sema
