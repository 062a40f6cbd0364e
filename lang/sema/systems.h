// Systems: which one the connector of a declaration means, and its options against the catalog.
#pragma once
#include <optional>
#include <set>
#include <string_view>

#include "lang/sema/options.h"

namespace piperun::sema {

// A connector as one declaration uses it.
struct Attached {
  const catalog::Connector* connector = nullptr;
  ConnectionId connection = kNone;
  OptionMap options = {};    // with those of the connection
  bool has_mistake = false;  // in the declaration's own options, reported: what follows from it is not said again
};

class Systems {
 public:
  Systems(Context& context, OptionReader& options) : context_(context), options_(options) {}

  // A declared connection, read when it is first needed; nullopt: reported.
  std::optional<ConnectionId> connection(Symbol symbol);

  // What a source, table or sink is written with; an inline connector becomes a connection of its own. Nullopt: reported.
  std::optional<Attached> attach(const ast::Connector& written, const ast::Declaration& declaration, catalog::Roles role);

  // Connections of the same address are told apart by name alone, and nobody expects that.
  void warn_same_systems();

 private:
  std::optional<Attached> connector_of(const ast::Connector& written);
  const catalog::Connector* shared_connector(const ast::Connector& written);
  void unknown_connector(const ast::Connector& written, const Symbol* named);
  void wrong_role(const ast::Connector& written, const ast::Declaration& declaration, const catalog::Connector& connector,
                  catalog::Roles role);
  void add_options(Attached& attached, OptionMap own, const ast::Declaration& declaration);
  void check_properties(const OptionMap& options);

  Context& context_;
  OptionReader& options_;
  std::set<Symbol> failed_;         // reported; silent from now on
  std::set<ConnectionId> faulty_;   // with a wrong option: what they lack is not missed again
};

}  // namespace piperun::sema
