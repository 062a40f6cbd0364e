// `piperun lang`: the language as a reference page, from the tables that the compiler itself reads.
#include <fmt/ostream.h>

#include <string>

#include "lang/ast/match.h"
#include "lang/ast/print.h"
#include "lang/catalog/catalog.h"
#include "lang/diag/diagnostic.h"
#include "lang/syntax/parser.h"
#include "runtime/base/result.h"
#include "runtime/piperun/command.h"
#include "runtime/piperun/lang_text.h"
#include "runtime/piperun/rows.h"
#include "stdlib/modules.h"

namespace piperun::cli {
namespace {

constexpr Option kOptions[] = {{"--json", Takes::Nothing, false, "", "as one JSON object, for programs"}};

struct ModuleFunction {
  std::string name, signature, doc;
};

struct ModulePage {
  std::string name, doc;
  std::vector<ModuleFunction> functions;
};

ModulePage page_of(const stdlib::Module& module) {
  source::SourceMap sources;
  diag::Report report;
  ast::Pool pool;
  const source::FileId file = sources.add(std::string(module.name) + ".pipe", std::string(module.text));
  const ast::Module parsed = syntax::parse(sources, file, pool, report);
  ModulePage page{std::string(module.name), {}, {}};
  for (std::string_view text = module.text; text.starts_with("##");) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    page.doc += std::string(text.substr(std::min<std::size_t>(3, end), end - std::min<std::size_t>(3, end))) + "\n";
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  for (const ast::Declaration& declaration : parsed.declarations) {
    const auto* function = std::get_if<ast::FnDecl>(&declaration.node);
    if (function == nullptr) continue;
    std::string signature = "(";
    for (const ast::FnParameter& parameter : function->parameters) {
      signature +=
          fmt::format("{}{}: {}", signature.size() > 1 ? ", " : "", parameter.name.text, ast::print(parameter.type, pool));
    }
    signature += fmt::format(") -> {}{}", ast::print(function->result, pool), function->can_fail ? "!" : "");
    page.functions.push_back({declaration.name.text, signature, declaration.doc});
  }
  return page;
}

const char* words(catalog::Availability available) {
  switch (available) {
    case catalog::Availability::Now: return "";
    case catalog::Availability::Later: return "not in this version";
  }
  return "";
}

std::string roles(catalog::Roles roles) {
  std::string text;
  for (const auto& [bit, name] : {std::pair{catalog::kConnection, "connection"},
                                  {catalog::kSource, "source"},
                                  {catalog::kTable, "table"},
                                  {catalog::kSink, "sink"}}) {
    if ((roles & bit) != 0) text += (text.empty() ? "" : ", ") + std::string(name);
  }
  return text;
}

// ---- As a page

// `of`: the roles of the connector. An option that is for some of them only says for which.
void print_options(std::span<const catalog::Option> options, World& world, catalog::Roles of = 0) {
  for (const catalog::Option& option : options) {
    std::string line(option.doc);
    if (!option.words.empty()) line += fmt::format(" [{}]", option.words);
    if (!option.fallback.empty()) line += fmt::format(" (default: {})", option.fallback);
    if (option.required) line += " (required)";
    if (*words(option.available)) line += fmt::format(" ({})", words(option.available));
    const auto here = static_cast<catalog::Roles>(option.roles & of);
    if (here != of) line += fmt::format(" (of a {})", roles(here));
    fmt::print(world.out, "  {:<18} {}\n", option.name, line);
  }
}

// "`window` stages are" → "`window` stages": the words are made to go on with "not in this version".
std::string_view without_verb(std::string_view what) {
  for (const std::string_view verb : {" is", " are"}) {
    if (what.ends_with(verb)) return what.substr(0, what.size() - verb.size());
  }
  return what;
}

void print_page(World& world) {
  fmt::print(world.out, "{}# pipeline {{ … }}\n\n", kLanguageText);
  print_options(catalog::pipeline_options(), world);
  fmt::print(world.out, "\n# on error {{ … }}\n\n");
  print_options(catalog::error_options(), world);
  fmt::print(world.out, "\n# Connectors\n");
  for (const catalog::Connector& connector : catalog::connectors()) {
    fmt::print(world.out, "\n{} ({}{}{}): {}\n", connector.name, roles(connector.roles), *words(connector.available) ? "; " : "",
               words(connector.available), connector.doc);
    print_options(connector.options, world, connector.roles);
  }
  fmt::print(world.out, "\nOptions of every connector that has a format:\n");
  print_options(catalog::format_options(), world, catalog::kAnywhere);
  fmt::print(world.out, "\n# Formats\n\n");
  for (const catalog::Format& format : catalog::formats()) {
    fmt::print(world.out, "  {:<18} {}{}{}\n", format.name, format.doc, *words(format.available) ? " - " : "",
               words(format.available));
  }
  fmt::print(world.out, "\n# Functions that are always there\n\n");
  for (const catalog::Function& function : catalog::functions()) {
    fmt::print(world.out, "  {}{}\n      {}\n      {}\n", function.name, function.signature, function.doc, function.example);
  }
  fmt::print(world.out, "\n# Folds over a list\n\n");
  for (const catalog::FoldFunction& fold : catalog::fold_functions()) {
    fmt::print(world.out, "  {}{}\n      {}\n      {}\n", fold.name, fold.signature, fold.doc, fold.example);
  }
  for (const stdlib::Module& module : stdlib::modules()) {
    const ModulePage page = page_of(module);
    fmt::print(world.out, "\n# use std.{}\n\n{}", page.name, page.doc);
    for (const ModuleFunction& function : page.functions) {
      fmt::print(world.out, "\n  {}.{}{}\n", page.name, function.name, function.signature);
      std::string doc = function.doc;
      for (std::size_t at = 0; (at = doc.find('\n', at)) != std::string::npos; at += 7) doc.replace(at, 1, "\n      ");
      fmt::print(world.out, "      {}\n", doc);
    }
  }
  fmt::print(world.out, "\n# Settings of librdkafka that `properties` refuses\n\n");
  for (const catalog::RefusedProperty& property : catalog::refused_properties()) {
    fmt::print(world.out, "  {:<34} {}{}\n", property.name, property.reason,
               property.allowed_if.empty() ? "" : fmt::format(" ({} is allowed under at_most_once)", property.allowed_if));
  }
  fmt::print(world.out, "\n{}# Not in this version\n\n", kTestText);
  for (const catalog::Missing& each : catalog::missing()) fmt::print(world.out, "  {}\n", without_verb(each.what));
  fmt::print(world.out, "\n# Codes (`piperun explain CODE`)\n\n");
  for (const diag::CodeInfo& info : diag::all_codes()) fmt::print(world.out, "  {}  {}\n", info.name, info.title);
  fmt::print(world.out, "\n# Codes of a running pipeline: P1… a record, P2… a system\n\n");
  for (const base::ErrorTraits& each : base::all_errors()) fmt::print(world.out, "  {}  {}\n", each.code, each.title);
}

// ---- As JSON

std::string quote(std::string_view text) { return bytes_json(std::string(text)); }

template <typename Range, typename Each>
std::string array(const Range& range, Each each) {
  std::string out = "[";
  for (const auto& item : range) {
    if (out.size() > 1) out += ',';
    out += each(item);
  }
  return out + "]";
}

std::string options_json(std::span<const catalog::Option> options) {
  return array(options, [](const catalog::Option& option) {
    return fmt::format("{{\"name\":{},\"roles\":{},\"words\":{},\"default\":{},\"required\":{},\"available\":{},\"doc\":{}}}",
                       quote(option.name), quote(roles(option.roles)), quote(option.words), quote(option.fallback),
                       option.required, quote(words(option.available)), quote(option.doc));
  });
}

std::string module_json(const stdlib::Module& module) {
  const ModulePage page = page_of(module);
  return fmt::format("{{\"name\":{},\"doc\":{},\"functions\":{}}}", quote(page.name), quote(page.doc),
                     array(page.functions, [](const ModuleFunction& function) {
                       return fmt::format("{{\"name\":{},\"signature\":{},\"doc\":{}}}", quote(function.name),
                                          quote(function.signature), quote(function.doc));
                     }));
}

constexpr std::string_view kDeclarationWords[] = {"pipeline", "param", "const", "enum", "type", "connection",
                                                  "source",   "table", "sink",  "fn",   "flow", "use"};
constexpr std::string_view kStageWords[] = {"from",   "filter",    "set",         "map",       "drop", "flatten",  "dedup",
                                            "enrich", "key by",    "delete when", "route",     "to",   "on error", "window",
                                            "join",   "left join", "full join",   "aggregate", "top",  "time by"};
constexpr std::string_view kExpressionWords[] = {"if", "then",  "else", "and",  "or",    "not", "in",
                                                 "is", "catch", "for",  "true", "false", "null"};
constexpr std::string_view kTypeWords[] = {"bool",      "int64",    "float64", "decimal", "string", "bytes",
                                           "timestamp", "duration", "list",    "map",     "json"};

void print_json(World& world) {
  const auto texts = [](const auto& list) { return array(list, quote); };
  fmt::print(world.out, "{{\"keywords\":{{\"declarations\":{},\"stages\":{},\"expressions\":{},\"types\":{}}},\n",
             texts(kDeclarationWords), texts(kStageWords), texts(kExpressionWords), texts(kTypeWords));
  fmt::print(world.out, "\"pipeline\":{},\n\"on_error\":{},\n\"format_options\":{},\n", options_json(catalog::pipeline_options()),
             options_json(catalog::error_options()), options_json(catalog::format_options()));
  fmt::print(world.out, "\"connectors\":{},\n", array(catalog::connectors(), [](const catalog::Connector& connector) {
               return fmt::format("{{\"name\":{},\"roles\":{},\"available\":{},\"doc\":{},\"options\":{}}}",
                                  quote(connector.name), quote(roles(connector.roles)), quote(words(connector.available)),
                                  quote(connector.doc), options_json(connector.options));
             }));
  fmt::print(world.out, "\"formats\":{},\n", array(catalog::formats(), [](const catalog::Format& format) {
               return fmt::format("{{\"name\":{},\"available\":{},\"doc\":{}}}", quote(format.name),
                                  quote(words(format.available)), quote(format.doc));
             }));
  fmt::print(world.out, "\"functions\":{},\n", array(catalog::functions(), [](const catalog::Function& function) {
               return fmt::format("{{\"name\":{},\"signature\":{},\"volatile\":{},\"doc\":{},\"example\":{}}}",
                                  quote(function.name), quote(function.signature), function.is_volatile, quote(function.doc),
                                  quote(function.example));
             }));
  fmt::print(world.out, "\"folds\":{},\n", array(catalog::fold_functions(), [](const catalog::FoldFunction& fold) {
               return fmt::format("{{\"name\":{},\"signature\":{},\"doc\":{},\"example\":{}}}", quote(fold.name),
                                  quote(fold.signature), quote(fold.doc), quote(fold.example));
             }));
  fmt::print(world.out, "\"modules\":{},\n", array(stdlib::modules(), module_json));
  fmt::print(world.out, "\"runtime_codes\":{},\n", array(base::all_errors(), [](const base::ErrorTraits& each) {
               return fmt::format("{{\"code\":{},\"title\":{}}}", quote(each.code), quote(each.title));
             }));
  fmt::print(world.out, "\"codes\":{}}}\n", array(diag::all_codes(), [](const diag::CodeInfo& info) {
               return fmt::format("{{\"code\":{},\"title\":{}}}", quote(info.name), quote(info.title));
             }));
}

Exit run(const Arguments& arguments, World& world) {
  arguments.has("--json") ? print_json(world) : print_page(world);
  return Exit::Done;
}

}  // namespace

extern const Command kLang;
const Command kLang = {"lang", "The whole language on one page.", "piperun lang | less\npiperun lang --json", kOptions, run};

}  // namespace piperun::cli
