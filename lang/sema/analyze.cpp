#include "lang/sema/analyze.h"

#include <fmt/format.h>

#include <algorithm>

#include "lang/ast/match.h"
#include "lang/sema/endpoints.h"
#include "lang/sema/flows.h"
#include "lang/sema/functions.h"
#include "lang/sema/values.h"

namespace piperun::sema {
namespace {

// The parts of one analysis, and the order in which they read the program.
class Analysis {
 public:
  explicit Analysis(Context& context) : context_(context) {}

  void run();

 private:
  template <typename Read>
  void for_each_declaration(Read read) const;  // of all modules
  void read_types_and_values();
  void read_systems_and_functions();
  void warn_unused();

  Context& context_;
  TypeReader types_{context_};
  Expressions expressions_{context_, types_, values_, functions_};
  Values values_{context_, types_, expressions_};
  Functions functions_{context_, types_, expressions_};
  OptionReader options_{context_, expressions_};
  Systems systems_{context_, options_};
  Endpoints endpoints_{context_, types_, systems_};
  Sinks sinks_{context_, expressions_};
  PipelineReader pipeline_{context_, options_, sinks_};
  Stages stages_{context_, types_, expressions_, sinks_};
  Flows flows_{context_, types_, pipeline_, stages_};
};

void Analysis::run() {
  pipeline_.read();
  read_types_and_values();
  read_systems_and_functions();
  pipeline_.read_policy();
  flows_.read();
  sinks_.finish();
  systems_.warn_same_systems();
  values_.check_given_params();
  warn_unused();
}

template <typename Read>
void Analysis::for_each_declaration(Read read) const {
  for (std::uint32_t module = 0; module < context_.program.modules.size(); ++module) {
    const auto& declarations = context_.program.modules[module].module.declarations;
    for (std::uint32_t i = 0; i < declarations.size(); ++i) read(Symbol{module, i}, declarations[i]);
  }
}

void Analysis::read_types_and_values() {
  for_each_declaration([&](Symbol symbol, const ast::Declaration& it) {
    ast::match(
        it.node, [&](const ast::TypeDecl&) { types_.declared(symbol, it.name.span); },
        [&](const ast::EnumDecl&) { types_.declared(symbol, it.name.span); },
        [&](const ast::ConstDecl&) { values_.constant(symbol, it.name.span); },
        [&](const ast::ParamDecl&) { values_.param(symbol); }, [](const auto&) {});
  });
  for_each_declaration([&](Symbol symbol, const ast::Declaration& it) {
    if (const auto* type = std::get_if<ast::TypeDecl>(&it.node)) values_.read_absent_fields(symbol, *type);
  });
}

void Analysis::read_systems_and_functions() {
  const auto read_endpoint = [&](Symbol symbol, const auto& declaration) {
    if (symbol.module == 0) endpoints_.read(symbol, declaration);
  };
  for_each_declaration([&](Symbol symbol, const ast::Declaration& it) {
    ast::match(
        it.node, [&](const ast::ConnectionDecl&) { systems_.connection(symbol); },
        [&](const ast::FnDecl&) { functions_.find(symbol, it.name.span); },
        [&](const ast::SourceDecl& source) { read_endpoint(symbol, source); },
        [&](const ast::TableDecl& table) { read_endpoint(symbol, table); },
        [&](const ast::SinkDecl& sink) { read_endpoint(symbol, sink); }, [](const auto&) {});
  });
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

}  // namespace

Facts analyze(const Program& program, const Options& options, const source::SourceMap& sources, diag::Report& report) {
  Facts facts;
  facts.exprs.resize(program.pool.expr_count());
  Context context(program, options, sources, report, facts);
  context.declare();
  Analysis(context).run();
  return facts;
}

}  // namespace piperun::sema
