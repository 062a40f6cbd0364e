#include "lang/ast/print.h"

#include <fmt/format.h>

#include "lang/ast/match.h"

namespace piperun::ast {

namespace {

class ModulePrinter {
 public:
  explicit ModulePrinter(const Pool& pool) : pool_(pool) {}

  std::string print(const Module& module) {
    for (const Declaration& declaration : module.declarations) this->declaration(declaration);
    return std::move(out_);
  }

 private:
  // ---- Lines and small parts

  template <typename... Args>
  void line(fmt::format_string<Args...> text, Args&&... args) {
    out_.append(2 * depth_, ' ').append(fmt::format(text, std::forward<Args>(args)...)).append("\n");
  }
  template <typename Body>
  void indented(Body body) {
    ++depth_;
    body();
    --depth_;
  }
  std::string expr(ExprId id) const { return ast::print(id, pool_); }
  std::string type(TypeExprId id) const { return ast::print(id, pool_); }
  std::string optional(std::string_view word, ExprId id) const { return id ? fmt::format(" {} {}", word, expr(id)) : ""; }
  std::string optional(std::string_view word, const std::optional<Name>& name) const {
    return name ? fmt::format(" {} {}", word, spelling(*name)) : "";
  }
  static std::string paths(const std::vector<Path>& paths) {
    std::string out;
    for (const Path& p : paths) out += (out.empty() ? "" : ", ") + spelling(p);
    return out;
  }
  static std::string names(const std::vector<Name>& names) {
    std::string out;
    for (const Name& name : names) out += (out.empty() ? "" : ", ") + spelling(name);
    return out;
  }
  void doc(const std::string& text) {
    if (text.empty()) return;
    for (std::size_t begin = 0; begin <= text.size();) {
      const std::size_t end = std::min(text.find('\n', begin), text.size());
      line("## {}", text.substr(begin, end - begin));
      begin = end + 1;
    }
  }
  void options(const std::vector<Option>& options) {
    indented([&] {
      for (const Option& option : options) line("{} = {}", spelling(option.name), expr(option.value));
    });
  }
  void entries(const std::vector<Entry>& entries) {
    indented([&] {
      for (const Entry& entry : entries) line("{} = {}", spelling(entry.name), expr(entry.value));
    });
  }
  void on_error(const std::optional<OnError>& on_error) {
    if (!on_error) return;
    line("on error");
    options(on_error->options);
  }

  // ---- Declarations

  void connector(std::string_view kind, const Name& name, std::string_view type, const Connector& connector) {
    line("{} {}{} = {}", kind, spelling(name), type.empty() ? "" : fmt::format(": {}", type), spelling(connector.path));
    options(connector.options);
  }
  void type_decl(const Name& name, const TypeDecl& d) {
    line("type {}{}", spelling(name), d.schema ? fmt::format(" from \"{}\"", d.schema->text) : "");
    indented([&] {
      for (const TypeField& field : d.fields) {
        doc(field.doc);
        line("{}: {}{}{}", spelling(field.name), type(field.type),
             field.from ? fmt::format(" from \"{}\"", field.from->text) : "", optional("=", field.value));
      }
    });
  }
  void function(const Name& name, const FnDecl& d) {
    std::string parameters;
    for (const FnParameter& p : d.parameters) {
      parameters += fmt::format("{}{}: {}", parameters.empty() ? "" : ", ", spelling(p.name), type(p.type));
    }
    line("{}fn {}({}) -> {}{}{}", d.body ? "" : "intrinsic ", spelling(name), parameters, type(d.result), d.can_fail ? "!" : "",
         optional("=", d.body));
  }
  void flow(const Name& name, const FlowDecl& d) {
    line("flow {}", spelling(name));
    indented([&] {
      for (const Stage& stage : d.stages) this->stage(stage);
      on_error(d.on_error);
    });
  }
  void declaration(const Declaration& declaration) {
    const Name& name = declaration.name;
    doc(declaration.doc);
    match(
        declaration.node, [&](const ErrorDecl&) { line("<error>{}", name.text.empty() ? "" : " " + spelling(name)); },
        [&](const PipelineDecl& d) {
          line("pipeline {}", spelling(name));
          options(d.options);
          indented([&] { on_error(d.on_error); });
        },
        [&](const ParamDecl& d) { line("param {}: {}{}", spelling(name), type(d.type), optional("=", d.value)); },
        [&](const ConstDecl& d) { line("const {} = {}", spelling(name), expr(d.value)); },
        [&](const EnumDecl& d) { line("enum {} {{ {} }}", spelling(name), names(d.values)); },
        [&](const TypeDecl& d) { type_decl(name, d); },
        [&](const ConnectionDecl& d) { connector("connection", name, "", d.connector); },
        [&](const SourceDecl& d) { connector("source", name, type(d.type), d.connector); },
        [&](const TableDecl& d) { connector("table", name, type(d.type), d.connector); },
        [&](const SinkDecl& d) { connector("sink", name, "", d.connector); }, [&](const FnDecl& d) { function(name, d); },
        [&](const FlowDecl& d) { flow(name, d); },
        [&](const UseDecl& d) {
          line("use {} as {}", d.file ? fmt::format("\"{}\"", d.file->text) : spelling(d.module), spelling(name));
        });
  }

  // ---- Stages

  std::string within(const Within& within) const { return within.value ? expr(within.value) : "forever"; }
  static std::string late(const std::optional<Late>& late) {
    if (!late) return "";
    return late->sink ? " late to " + spelling(*late->sink) : " late drop";
  }
  std::string as(const Stage& stage) const { return optional("as", stage.durable_name); }
  void route(const RouteStage& s) {
    line("route");
    indented([&] {
      for (const RouteCase& c : s.cases) line("{} to {}", c.condition ? "when " + expr(c.condition) : "else", spelling(c.sink));
    });
  }
  std::string window(const WindowStage& s) const {
    const auto sizes = [&]() -> std::string {
      switch (s.kind) {
        case WindowKind::Tumbling: return "tumbling " + expr(s.size);
        case WindowKind::Hopping: return fmt::format("hopping {} every {}", expr(s.size), expr(s.every));
        case WindowKind::Sliding: return "sliding " + expr(s.size);
        case WindowKind::Session: return "session gap " + expr(s.size) + optional("max", s.max);
      }
      return "";
    };
    return "window " + sizes() + optional("grace", s.grace) + late(s.late);
  }
  std::string join(const JoinStage& s) const {
    const std::string_view kind = s.kind == JoinKind::Left ? "left " : s.kind == JoinKind::Full ? "full " : "";
    return fmt::format("{}join {} = {} on {} within {}{}", kind, spelling(s.name), spelling(s.stream), expr(s.on),
                       within(s.within), late(s.late));
  }
  void stage(const Stage& stage) {
    match(
        stage.node, [&](const ErrorStage&) { line("<error>"); },
        [&](const FromStage& s) { line("from {}{}", names(s.inputs), s.as ? " as " + type(s.as) : ""); },
        [&](const FilterStage& s) { line("filter {}", expr(s.condition)); },
        [&](const SetStage& s) { line("set {} = {}", spelling(s.target), expr(s.value)); },
        [&](const MapStage& s) {
          line("map{}", s.type ? " " + type(s.type) : "");
          entries(s.entries);
        },
        [&](const DropStage& s) { line("drop {}", paths(s.fields)); },
        [&](const FlattenStage& s) { line("flatten {} as {}{}", expr(s.list), spelling(s.element), optional("at", s.index)); },
        [&](const DedupStage& s) { line("dedup {} within {}{}", paths(s.keys), within(s.within), as(stage)); },
        [&](const EnrichStage& s) { line("enrich {} = {}", spelling(s.name), expr(s.value)); },
        [&](const KeyStage& s) { line("key by {}", paths(s.keys)); },
        [&](const DeleteStage& s) { line("delete when {}", expr(s.condition)); }, [&](const RouteStage& s) { route(s); },
        [&](const ToStage& s) { line("to {}{}", spelling(s.sink), optional("after", s.after)); },
        [&](const WindowStage& s) { line("{}{}", window(s), as(stage)); },
        [&](const JoinStage& s) { line("{}{}", join(s), as(stage)); },
        [&](const AggregateStage& s) {
          line("aggregate{}{}", s.by.empty() ? "" : " by " + paths(s.by), as(stage));
          entries(s.entries);
        },
        [&](const TopStage& s) {
          line("top {} by {}{}{}{}{}", expr(s.count), expr(s.by), s.ascending ? " asc" : "",
               s.per.empty() ? "" : " per " + paths(s.per), s.with_ties ? " with ties" : "", as(stage));
        },
        [&](const TimeStage& s) { line("time by {}", expr(s.by)); });
  }

  const Pool& pool_;
  std::string out_;
  std::size_t depth_ = 0;
};

}  // namespace

std::string print(const Module& module, const Pool& pool) { return ModulePrinter(pool).print(module); }

}  // namespace piperun::ast
