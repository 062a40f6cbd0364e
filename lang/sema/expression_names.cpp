// Names in expressions: fields, consts, params.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

#include "lang/ast/match.h"
#include "lang/sema/expressions.h"
#include "lang/sema/values.h"

namespace piperun::sema {

// What is nullable may be known to be there.
TypeId Expressions::narrowed(ExprId id, TypeId type, const std::string& path_text, const Scope& scope) {
  if (!context_.is_nullable(type) || !scope.present.contains(path_text)) return type;
  fact(id).narrowed = true;
  return context_.base(type);
}

// A variable of a fold, a parameter or a field; nullopt: none has this name.
std::optional<TypeId> Expressions::local_name(ExprId id, const std::string& text, const Scope& scope) {
  const auto variable = std::ranges::find(scope.variables.rbegin(), scope.variables.rend(), text, &Variable::name);
  if (variable != scope.variables.rend()) {
    fact(id).names = VariableRef{variable->id};
    fact(id).is_volatile = variable->is_volatile;
    return narrowed(id, variable->type, text, scope);
  }
  if (scope.parameters != nullptr) {
    const auto parameter = std::ranges::find(*scope.parameters, text, &Parameter::name);
    if (parameter != scope.parameters->end()) {
      fact(id).names = ArgumentRef{static_cast<int>(parameter - scope.parameters->begin())};
      return narrowed(id, parameter->type, text, scope);
    }
  }
  if (scope.row == nullptr) return std::nullopt;
  const int place = scope.row->columns.index_of(text);
  if (place < 0) return std::nullopt;
  const Column& column = scope.row->columns[place];
  fact(id).names = ColumnRef{place};
  fact(id).is_volatile = column.is_volatile;
  return narrowed(id, column.type, text, scope);
}

bool Expressions::is_local(const std::string& text, const Scope& scope) {
  return std::ranges::count(scope.variables, text, &Variable::name) > 0 ||
         (scope.parameters != nullptr && std::ranges::count(*scope.parameters, text, &Parameter::name) > 0) ||
         (scope.row != nullptr && scope.row->columns.contains(text));
}

TypeId Expressions::name(ExprId id, const ast::Name& name, Scope& scope, TypeId hint) {
  if (name.text.empty()) return {};
  if (const auto type = local_name(id, name.text, scope)) return *type;
  const Symbol* symbol = context_.find(scope.module, name.text);
  if (symbol == nullptr) {
    unknown_name(name, scope);
    return {};
  }
  const ast::Declaration& declaration = context_[*symbol];
  if (std::holds_alternative<ast::ErrorDecl>(declaration.node)) return {};
  if (std::holds_alternative<ast::ConstDecl>(declaration.node)) {
    const Constant* value = values_.constant(*symbol, name.span);
    if (value == nullptr) return {};
    fact(id).names = ConstantRef{};
    return literal(id, *value, hint);
  }
  if (scope.is_row_known) no_value(name, declaration);
  return {};
}

// A declaration that is no value by itself.
void Expressions::no_value(const ast::Name& name, const ast::Declaration& declaration) {
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
}

constexpr std::pair<std::string_view, std::string_view> kForeignConstants[] = {
    {"True", "true"}, {"TRUE", "true"}, {"False", "false"}, {"FALSE", "false"},
    {"NULL", "null"}, {"Null", "null"}, {"None", "null"},   {"nil", "null"}};

void Expressions::unknown_name(const ast::Name& name, const Scope& scope) {
  if (!scope.is_row_known) return;
  if (scope.lost != nullptr) {
    if (const auto lost = scope.lost->find(name.text); lost != scope.lost->end()) {
      context_.gone(name, lost->second);
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
  if (scope.row != nullptr) std::ranges::move(names_of(scope.row->columns), std::back_inserter(names));
  if (scope.parameters != nullptr) {
    for (const Parameter& each : *scope.parameters) names.push_back(each.name);
  }
  for (const Variable& each : scope.variables) names.push_back(each.name);
  const std::size_t before = found.helps.size();
  if (scope.may_look_up) std::ranges::copy(context_.names_of<ast::TableDecl>(scope.module), std::back_inserter(names));
  context_.suggest(found, name.span, name.text, names);
  if (found.helps.size() != before) return;
  if (scope.row != nullptr && !scope.row->columns.empty()) {
    found.note(fmt::format("the fields here are {}", fmt::join(names_of(scope.row->columns), ", ")));
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
  const ParamId param_id = values_.param(*symbol);
  const ParamFact& param = context_.facts.params[param_id];
  if (context_.is_error(param.type)) return {};
  if (param.secret) {
    fact(id).names = SecretRef{param_id};
    fact(id).is_secret = true;
    return param.type;
  }
  if (!param.value) {
    context_.error(Code::P0210, span(id), fmt::format("param `{}` needs its own value", ref.name.text))
        .secondary(param.where, "declared here");
    return {};
  }
  fact(id).names = ConstantRef{};
  const bool is_present = scope.present.contains("$" + ref.name.text);
  Constant value = *param.value;
  if (is_present && !value.is_null()) value.type = context_.base(value.type);
  const TypeId type = is_present ? context_.base(value.type) : value.type;
  if (type == value.type) fact(id).constant = context_.add(std::move(value));
  else fact(id).narrowed = true;  // a null that was asked for: this place is never reached
  return type;
}

}  // namespace piperun::sema
