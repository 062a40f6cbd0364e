// Params, consts, functions, defaults of fields; and what nobody uses.
#include <fmt/format.h>

#include <algorithm>

#include "lang/ast/match.h"
#include "lang/sema/analysis.h"

namespace piperun::sema {

void Analysis::run() {
  const auto& main = context_.program.modules[0].module.declarations;
  read_pipeline();
  read_declarations();
  for (const ast::Declaration& it : main) {
    if (const auto* pipeline = std::get_if<ast::PipelineDecl>(&it.node))
      read_policy(pipeline->on_error, context_.facts.pipeline.policy);
  }
  for (std::uint32_t i = 0; i < main.size(); ++i) {
    const auto* declaration = std::get_if<ast::FlowDecl>(&main[i].node);
    if (declaration == nullptr) continue;
    const FlowId id = static_cast<FlowId>(context_.facts.flows.size());
    ids_[Symbol{0, i}] = id;
    FlowFact fact;
    fact.name = main[i].name.text;
    fact.declaration = i;
    fact.where = main[i].name.span;
    fact.policy = context_.facts.pipeline.policy;
    fact.has_policy = declaration->on_error.has_value();
    read_policy(declaration->on_error, fact.policy);
    context_.facts.flows.push_back(std::move(fact));
  }
  for (std::uint32_t i = 0; i < main.size(); ++i) {
    if (std::holds_alternative<ast::FlowDecl>(main[i].node)) flow({0, i}, main[i].name.span);
  }
  order_flows();
  finish_sinks();
  warn_same_systems();
  check_given_params();
  warn_unused();
}

void Analysis::read_declarations() {
  for (std::uint32_t module = 0; module < context_.program.modules.size(); ++module) {
    const auto& declarations = context_.program.modules[module].module.declarations;
    for (std::uint32_t i = 0; i < declarations.size(); ++i) {
      const Symbol symbol{module, i};
      const ast::Declaration& it = declarations[i];
      ast::match(
          it.node, [&](const ast::TypeDecl&) { types_.declared(symbol, it.name.span); },
          [&](const ast::EnumDecl&) { types_.declared(symbol, it.name.span); },
          [&](const ast::ConstDecl&) { constant(symbol, it.name.span); }, [&](const ast::ParamDecl&) { param(symbol, nullptr); },
          [](const auto&) {});
    }
  }
  read_defaults();
  for (std::uint32_t module = 0; module < context_.program.modules.size(); ++module) {
    const auto& declarations = context_.program.modules[module].module.declarations;
    for (std::uint32_t i = 0; i < declarations.size(); ++i) {
      const Symbol symbol{module, i};
      const ast::Declaration& it = declarations[i];
      if (std::holds_alternative<ast::ConnectionDecl>(it.node)) connection(symbol);
      if (std::holds_alternative<ast::FnDecl>(it.node)) function(symbol, it.name.span);
      if (module != 0) continue;
      if (std::holds_alternative<ast::TableDecl>(it.node)) table(symbol);
      if (const auto* source = std::get_if<ast::SourceDecl>(&it.node)) read_source(symbol, *source);
      if (const auto* sink_decl = std::get_if<ast::SinkDecl>(&it.node)) read_sink(symbol, *sink_decl);
    }
  }
}

void Analysis::read_defaults() {
  for (std::uint32_t module = 0; module < context_.program.modules.size(); ++module) {
    const auto& declarations = context_.program.modules[module].module.declarations;
    for (std::uint32_t i = 0; i < declarations.size(); ++i) {
      const auto* declaration = std::get_if<ast::TypeDecl>(&declarations[i].node);
      if (declaration == nullptr) continue;
      const TypeId type = types_.declared({module, i}, declarations[i].name.span);
      for (const ast::TypeField& field : declaration->fields) {
        if (!field.value) continue;
        const value::Type record = context_.type(type);
        const int index = field_index(record, field.name.text);
        if (index < 0) continue;
        Scope scope{.module = module};
        auto value = expressions_.evaluate(field.value, scope, record.fields[static_cast<std::size_t>(index)].type,
                                           fmt::format("the value of `{}` when absent", field.name.text));
        if (value) context_.facts.records[type][static_cast<std::size_t>(index)].absent = std::move(*value);
      }
    }
  }
}

const Constant* Analysis::constant(Symbol symbol, Span used_at) {
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

const ParamFact* Analysis::param(Symbol symbol, ParamId* id) {
  if (!ids_.contains(symbol)) read_param(symbol, std::get<ast::ParamDecl>(context_[symbol].node));
  if (id != nullptr) *id = ids_.at(symbol);
  return &context_.facts.params[ids_.at(symbol)];
}

void Analysis::read_param(Symbol symbol, const ast::ParamDecl& declaration) {
  const ast::Declaration& it = context_[symbol];
  const ParamId id = static_cast<ParamId>(context_.facts.params.size());
  ids_[symbol] = id;
  context_.facts.params.push_back({it.name.text, {}, {}, {}, it.name.span});
  const TypeId type = types_.read(declaration.type, symbol.module);
  context_.facts.params[id].type = type;
  if (context_.is_error(type)) return;
  const auto given = context_.options.params.find(it.name.text);
  std::optional<Constant> value = given == context_.options.params.end() ? std::nullopt : given_param(it, type);
  if (declaration.value) {
    const auto* call = std::get_if<ast::Call>(&context_.program.pool[declaration.value].node);
    const auto* callee = call == nullptr ? nullptr : std::get_if<ast::NameRef>(&context_.program.pool[call->callee].node);
    Scope scope{.module = symbol.module, .has_environment = true};
    if (callee != nullptr && callee->name.text == "secret") {
      const TypeId secret_type = expressions_.infer(declaration.value, scope);
      if (context_.is_error(secret_type)) return;
      if (type != secret_type) {
        context_.error(Code::P0606, context_.program.pool[declaration.type].span, "a secret is a `string`");
        context_.facts.params[id].type = {};
        return;
      }
      context_.facts.params[id].secret =
          Secret{std::get<ast::StringLiteral>(context_.program.pool[call->arguments[0].value].node).text};
      return;
    }
    const bool from_environment = callee != nullptr && callee->name.text == "env";
    if (from_environment) {
      const auto text =
          expressions_.evaluate(declaration.value, scope, context_.scalar(TypeKind::String), "the default of a param");
      if (text && !value) value = parsed(context_, std::get<std::string>(text->value), type);
      if (text && !value && context_.options.run) {
        context_.error(Code::P0609, context_.program.pool[declaration.value].span,
                       fmt::format("`{}` is no {}", std::get<std::string>(text->value), context_.name(type)));
      }
      if (!value) context_.facts.params[id].type = {};
    } else {
      auto otherwise = expressions_.evaluate(declaration.value, scope, type, fmt::format("the default of `{}`", it.name.text));
      if (!value) value = std::move(otherwise);
      if (!value) context_.facts.params[id].type = {};
    }
  } else if (given == context_.options.params.end()) {
    if (context_.options.run) {
      context_.error(Code::P0608, it.name.span, fmt::format("param `{}` has no value", it.name.text))
          .help(fmt::format("give one: `--param {}=…`, or the variable PIPE_PARAM_{}", it.name.text, it.name.text))
          .help(fmt::format("or a default: `param {}: {} = …`", it.name.text, context_.name(type)));
    }
    context_.facts.params[id].value = std::nullopt;
    value = parsed(context_, context_.kind(type) == TypeKind::Bool ? "false" : "0", type);  // only its type matters to `check`
    if (!value) value = Constant{type, {}};
  }
  context_.facts.params[id].value = std::move(value);
}

std::optional<Constant> Analysis::given_param(const ast::Declaration& declaration, TypeId type) {
  const std::string& text = context_.options.params.at(declaration.name.text);
  auto value = parsed(context_, text, type);
  if (!value) {
    context_.error(Code::P0609, declaration.name.span,
                   fmt::format("`{}` was given for param `{}`, and is no {}", text, declaration.name.text, context_.name(type)));
  }
  return value;
}

void Analysis::check_given_params() {
  for (const auto& [name, text] : context_.options.params) {
    if (std::ranges::find(context_.facts.params, name, &ParamFact::name) != context_.facts.params.end()) continue;
    const Span start{context_.program.modules[0].module.file, 0, 0};
    auto& found = context_.error(Code::P0612, start, fmt::format("a value was given for `{}`, but there is no such param", name));
    if (const auto names = context_.names_of<ast::ParamDecl>(0); !names.empty()) {
      std::string all;
      for (const std::string& each : names) all += fmt::format("{}{}", all.empty() ? "" : ", ", each);
      found.note(fmt::format("the params are {}", all));
    }
  }
}

std::optional<FunctionId> Analysis::function(Symbol symbol, Span used_at) {
  if (failed_.contains(symbol)) return std::nullopt;
  if (open_.contains(symbol)) {
    context_.error(Code::P0210, used_at, fmt::format("function `{}` calls itself", context_[symbol].name.text))
        .secondary(context_[symbol].name.span, "declared here")
        .note("functions have no recursion: every record is done in a known number of steps");
    failed_.insert(symbol);
    return std::nullopt;
  }
  if (const auto found = ids_.find(symbol); found != ids_.end()) {
    calls_here_ += calls_[found->second];
    return found->second;
  }
  const auto& declaration = std::get<ast::FnDecl>(context_[symbol].node);
  const FunctionId id = enter_function(symbol, declaration);
  const FunctionFact entered = context_.facts.functions[id];
  if (!declaration.body) return id;
  open_.insert(symbol);
  const std::size_t calls_outside = std::exchange(calls_here_, 1);
  std::vector<Parameter> parameters;
  for (std::size_t i = 0; i < entered.parameters.size(); ++i)
    parameters.push_back({entered.parameter_names[i], entered.parameters[i]});
  Scope scope{.module = symbol.module, .parameters = &parameters};
  expressions_.infer(declaration.body, scope, entered.result);
  if (!expressions_.is_secret_misused(declaration.body)) {
    expressions_.coerce(declaration.body, entered.result, fmt::format("the result of `{}`", entered.name));
  }
  open_.erase(symbol);
  check_growth(symbol);
  calls_[id] = calls_here_;
  calls_here_ += calls_outside;
  context_.facts.functions[id].is_volatile = expressions_.fact(declaration.body).is_volatile;
  context_.facts.functions[id].can_fail = expressions_.fact(declaration.body).can_fail;  // whoever calls it handles that
  if (failed_.contains(symbol)) return std::nullopt;
  return id;
}

void Analysis::check_growth(Symbol symbol) {
  constexpr std::size_t kMostCalls = 10'000;
  if (calls_here_ <= kMostCalls) return;
  const ast::Name& name = context_[symbol].name;
  context_.error(Code::P0231, name.span, fmt::format("a call of `{}` brings more than {} calls with it", name.text, kMostCalls))
      .help("give a value that is used twice to a function as a parameter");
  failed_.insert(symbol);
  calls_here_ = 1;  // told once
}

FunctionId Analysis::enter_function(Symbol symbol, const ast::FnDecl& declaration) {
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
  const FunctionId id = static_cast<FunctionId>(context_.facts.functions.size());
  ids_[symbol] = id;
  context_.facts.functions.push_back(std::move(fact));
  return id;
}

std::optional<TableId> Analysis::table(Symbol symbol) {
  if (failed_.contains(symbol) || symbol.module != 0) return std::nullopt;
  if (!ids_.contains(symbol)) read_table(symbol, std::get<ast::TableDecl>(context_[symbol].node));
  const auto found = ids_.find(symbol);
  return found == ids_.end() ? std::nullopt : std::optional(found->second);
}

void Analysis::warn_unused() {
  if (context_.report.has_errors()) return;
  const auto& declarations = context_.program.modules[0].module.declarations;
  const bool is_module =
      std::ranges::none_of(declarations, [](const auto& it) { return std::holds_alternative<ast::FlowDecl>(it.node); });
  if (is_module) return;
  for (std::uint32_t i = 0; i < declarations.size(); ++i) {
    const ast::Declaration& it = declarations[i];
    const bool is_root = std::holds_alternative<ast::FlowDecl>(it.node) || std::holds_alternative<ast::PipelineDecl>(it.node) ||
                         std::holds_alternative<ast::ErrorDecl>(it.node);
    if (is_root || context_.is_used({0, i})) continue;
    context_.report.add(Code::P0904, it.name.span).message(fmt::format("`{}` is never used", it.name.text));
  }
}

}  // namespace piperun::sema
