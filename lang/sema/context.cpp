#include "lang/sema/context.h"

#include <fmt/format.h>

#include "lang/ast/match.h"
#include "lang/diag/suggest.h"

namespace piperun::sema {

Context::Context(const Program& program_, const Options& options_, const source::SourceMap& sources_, diag::Report& report_,
                 Facts& facts_)
    : program(program_), options(options_), sources(sources_), report(report_), facts(facts_) {}

void Context::declare() {
  names_.resize(program.modules.size());
  for (std::uint32_t module = 0; module < program.modules.size(); ++module) {
    const auto& declarations = program.modules[module].module.declarations;
    for (std::uint32_t index = 0; index < declarations.size(); ++index) {
      const ast::Declaration& declaration = declarations[index];
      if (declaration.name.text.empty() || std::holds_alternative<ast::PipelineDecl>(declaration.node)) continue;
      const auto [found, is_new] = names_[module].try_emplace(declaration.name.text, Symbol{module, index});
      if (is_new) continue;
      const ast::Declaration& first = (*this)[found->second];
      error(Code::P0201, declaration.name.span, fmt::format("`{}` is declared twice", declaration.name.text))
          .label("declared again here")
          .secondary(first.name.span, fmt::format("first declared here, as {}", kind_name(first.node)))
          .note("all declarations of a file share one namespace; fields may have the same names");
    }
  }
}

const Symbol* Context::find(std::uint32_t module, std::string_view name) {
  const auto found = names_[module].find(name);
  if (found == names_[module].end()) return nullptr;
  used_.insert(found->second);
  return &found->second;
}

std::optional<std::uint32_t> Context::module_named(std::uint32_t module, std::string_view name) {
  const auto& uses = program.modules[module].uses;
  const auto found = uses.find(std::string(name));
  if (found == uses.end()) return std::nullopt;
  find(module, name);
  return found->second;
}

namespace {

bool is_reachable(const ast::DeclarationNode& node) {
  return ast::match(
      node, [](const ast::TypeDecl&) { return true; }, [](const ast::EnumDecl&) { return true; },
      [](const ast::ConstDecl&) { return true; }, [](const ast::FnDecl&) { return true; },
      [](const ast::ConnectionDecl&) { return true; }, [](const ast::ErrorDecl&) { return true; },
      [](const auto&) { return false; });
}

}  // namespace

const Symbol* Context::find(std::uint32_t module, const ast::Path& path, Code unknown, std::string_view what) {
  if (path.parts.size() > 2) {
    error(unknown, path.span, fmt::format("unknown {} `{}`", what, sources.text(path.span)));
    return nullptr;
  }
  const ast::Name& name = path.parts.back();
  std::uint32_t where = module;
  if (path.parts.size() == 2) {
    const auto named = module_named(module, path.parts.front().text);
    if (!named) {
      auto& report_it = error(unknown, path.parts.front().span, fmt::format("there is no module `{}`", path.parts.front().text));
      suggest(report_it, path.parts.front().span, path.parts.front().text, names_of<ast::UseDecl>(module));
      return nullptr;
    }
    where = *named;
  }
  const Symbol* symbol = find(where, name.text);
  if (symbol == nullptr || (where != module && !is_reachable((*this)[*symbol].node))) {
    auto& found = error(unknown, name.span, fmt::format("unknown {} `{}`", what, sources.text(path.span)));
    if (symbol != nullptr) found.note("of a module, types, enums, consts, functions and connections can be used");
    std::vector<std::string> names;
    for (const auto& entry : names_[where]) names.push_back(entry.first);
    suggest(found, name.span, name.text, names);
    return nullptr;
  }
  return symbol;
}

diag::Diagnostic& Context::not_yet(std::string_view feature, Span span) {
  const catalog::Missing& missing = catalog::find_missing(feature);
  auto& found = error(Code::P0590, span, fmt::format("{} not in this version", missing.what));
  if (!missing.instead.empty()) found.help(std::string(missing.instead));
  return found;
}

void Context::gone(const ast::Name& field, Span stage) {
  error(Code::P0209, field.span, fmt::format("the field `{}` is gone by now", field.text))
      .secondary(stage, fmt::format("this did not keep `{}`", field.text))
      .help("keep it there, or use it before");
}

void Context::suggest(diag::Diagnostic& diagnostic, Span span, std::string_view word, const std::vector<std::string>& names) {
  if (const auto near = diag::suggest(word, names)) diagnostic.help(fmt::format("did you mean `{}`?", *near), span, *near);
}

std::uint32_t Context::add(Constant constant) {
  facts.constants.push_back(std::move(constant));
  return static_cast<std::uint32_t>(facts.constants.size() - 1);
}

TypeId Context::nullable(TypeId id) {
  const TypeKind what = kind(id);
  if (what == TypeKind::Error || what == TypeKind::Never || what == TypeKind::Null) return id;
  return facts.types.with_null(id, true);
}

std::string_view kind_name(const ast::DeclarationNode& node) {
  return ast::match(
      node, [](const ast::ErrorDecl&) { return "something"; }, [](const ast::PipelineDecl&) { return "the pipeline"; },
      [](const ast::ParamDecl&) { return "a param"; }, [](const ast::ConstDecl&) { return "a const"; },
      [](const ast::EnumDecl&) { return "an enum"; }, [](const ast::TypeDecl&) { return "a type"; },
      [](const ast::ConnectionDecl&) { return "a connection"; }, [](const ast::SourceDecl&) { return "a source"; },
      [](const ast::TableDecl&) { return "a table"; }, [](const ast::SinkDecl&) { return "a sink"; },
      [](const ast::FnDecl&) { return "a function"; }, [](const ast::FlowDecl&) { return "a flow"; },
      [](const ast::UseDecl&) { return "a module"; });
}

}  // namespace piperun::sema
