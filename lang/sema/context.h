// What all parts of the analysis share: the program, the tables that grow, and who is declared where.
#pragma once
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lang/catalog/catalog.h"
#include "lang/sema/analyze.h"

namespace piperun::sema {

using diag::Code;
using value::TypeKind;

struct Symbol {
  std::uint32_t module = 0;
  std::uint32_t declaration = 0;
  friend auto operator<=>(const Symbol&, const Symbol&) = default;
};

class Context {
 public:
  Context(const Program& program_, const Options& options_, const source::SourceMap& sources_, diag::Report& report_,
          Facts& facts_);

  // Enters all declarations into the tables of names; reports names declared twice.
  void declare();

  const ast::Declaration& operator[](Symbol symbol) const {
    return program.modules[symbol.module].module.declarations[symbol.declaration];
  }

  // Looks a name up in one module and marks it as used; null if it is not declared there.
  const Symbol* find(std::uint32_t module, std::string_view name);
  // `alias.name`; null and reported, unless it is there and a type, enum, const, function or connection.
  const Symbol* find(std::uint32_t module, const ast::Path& path, Code unknown, std::string_view what);
  // The module that `name` stands for in `module`.
  std::optional<std::uint32_t> module_named(std::uint32_t module, std::string_view name);
  // Names in a module whose declaration passes the test, for suggestions.
  template <typename Node>
  std::vector<std::string> names_of(std::uint32_t module) const {
    std::vector<std::string> names;
    for (const auto& [name, symbol] : names_[module]) {
      if (std::holds_alternative<Node>((*this)[symbol].node)) names.push_back(name);
    }
    return names;
  }
  bool is_used(Symbol symbol) const { return used_.contains(symbol); }
  void use(Symbol symbol) { used_.insert(symbol); }

  // Puts the fact of a declaration into its table of Facts; the declaration is known by its place there from now on.
  template <typename Fact>
  std::uint32_t enter(Symbol symbol, std::vector<Fact>& table, Fact fact) {
    const auto id = static_cast<std::uint32_t>(table.size());
    ids_[symbol] = id;
    table.push_back(std::move(fact));
    return id;
  }
  bool is_entered(Symbol symbol) const { return ids_.contains(symbol); }
  std::uint32_t id_of(Symbol symbol) const { return ids_.at(symbol); }  // of one that is entered

  diag::Diagnostic& error(Code code, Span span, std::string message) {
    return report.add(code, span).message(std::move(message));
  }
  // The one report that something is not in this version; `feature` is in catalog::missing().
  diag::Diagnostic& not_yet(std::string_view feature, Span span);
  // The one report that a field was left behind by an earlier stage.
  void gone(const ast::Name& field, Span stage);
  // Adds "did you mean" if one of the names is near; with an edit of `span`.
  void suggest(diag::Diagnostic& diagnostic, Span span, std::string_view word, const std::vector<std::string>& names);

  std::uint32_t add(Constant constant);
  std::string name(TypeId type) const { return facts.types.name(type); }
  const value::Type& type(TypeId id) const { return facts.types[id]; }
  TypeKind kind(TypeId id) const { return facts.types[id].kind; }
  bool is_error(TypeId id) const { return id == TypeId{}; }
  bool is_nullable(TypeId id) const { return facts.types[id].nullable || facts.types[id].kind == TypeKind::Null; }
  TypeId base(TypeId id) { return facts.types.with_null(id, false); }
  TypeId nullable(TypeId id);  // Error, Never and Null stay what they are
  TypeId scalar(TypeKind kind_) { return facts.types.scalar(kind_); }

  const Program& program;
  const Options& options;
  const source::SourceMap& sources;
  diag::Report& report;
  Facts& facts;

 private:
  std::vector<std::map<std::string, Symbol, std::less<>>> names_;  // per module
  std::set<Symbol> used_;
  std::map<Symbol, std::uint32_t> ids_;  // of what has its fact
};

// What a declaration is called in messages: "a sink", "the const".
std::string_view kind_name(const ast::DeclarationNode& node);

}  // namespace piperun::sema
