#include "lang/sema/systems.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace piperun::sema {

namespace {

bool concerns_system(const catalog::Connector& connector, std::string_view option) {
  return std::ranges::count(catalog::words(connector.system_options), option) > 0;
}

std::string quoted(std::string_view name) { return fmt::format("`{}`", name); }

// A note with all names where none of them is near.
void suggest_or_list(Context& context, diag::Diagnostic& found, Span span, std::string_view name,
                     const std::vector<std::string>& names) {
  const std::size_t before = found.helps.size();
  context.suggest(found, span, name, names);
  if (found.helps.size() == before) found.note(fmt::format("there are {}", fmt::join(names, ", ")));
}

std::span<const catalog::Option> formats_of(const catalog::Connector& connector) {
  return connector.has_format ? catalog::format_options() : std::span<const catalog::Option>();
}

std::vector<std::string> connector_names() {
  std::vector<std::string> names;
  for (const auto& each : catalog::connectors()) names.emplace_back(each.name);
  return names;
}

std::vector<std::string> connectors_for(catalog::Roles role) {
  std::vector<std::string> names;
  for (const auto& each : catalog::connectors()) {
    if ((each.roles & role) != 0 && each.available != catalog::Availability::Later) names.push_back(quoted(each.name));
  }
  return names;
}

// The option that says where the system is: the first that concerns it.
std::string_view address_option(const catalog::Connector& connector) {
  return connector.system_options.substr(0, connector.system_options.find(' '));
}

}  // namespace

std::optional<ConnectionId> Systems::connection(Symbol symbol) {
  if (failed_.contains(symbol)) return std::nullopt;
  if (context_.is_entered(symbol)) return context_.id_of(symbol);
  const ast::Declaration& it = context_[symbol];
  const ast::Connector& written = std::get<ast::ConnectionDecl>(it.node).connector;
  const catalog::Connector* connector = shared_connector(written);
  if (connector == nullptr) {
    failed_.insert(symbol);
    return std::nullopt;
  }
  Connection fact;
  fact.name = it.name.text;
  fact.connector = connector->name;
  fact.where = it.name.span;
  fact.options =
      options_.read(written.options, connector->options, {}, catalog::kConnection, symbol.module, quoted(connector->name));
  check_properties(fact.options);
  const ConnectionId id = context_.enter(symbol, context_.facts.connections, std::move(fact));
  if (options_.had_mistake()) faulty_.insert(id);
  return id;
}

// The connector that a `connection` declares; null: there is none that can be shared, which was reported.
const catalog::Connector* Systems::shared_connector(const ast::Connector& written) {
  const std::string& name = written.path.parts.front().text;
  if (name.empty()) return nullptr;
  const Span span = written.path.span;
  const catalog::Connector* connector = written.path.parts.size() == 1 ? catalog::find_connector(name) : nullptr;
  if (connector == nullptr) {
    auto& found = context_.error(Code::P0603, span, fmt::format("unknown connector `{}`", context_.sources.text(span)));
    suggest_or_list(context_, found, span, name, connector_names());
    return nullptr;
  }
  if ((connector->roles & catalog::kConnection) != 0) return connector;
  context_.error(Code::P0604, span, fmt::format("`{}` has nothing that could be shared as a connection", name))
      .help(fmt::format("use it directly: `source x: T = {} {{ … }}`", name));
  return nullptr;
}

// What `= NAME` means: a connection by its name, or a connector as it is. Nullopt: reported.
std::optional<Attached> Systems::connector_of(const ast::Connector& written) {
  const std::string& name = written.path.parts.front().text;
  const bool is_plain = written.path.parts.size() == 1;
  const Symbol* symbol = is_plain ? context_.find(0, name) : context_.find(0, written.path, Code::P0603, "connection");
  if (symbol == nullptr || !std::holds_alternative<ast::ConnectionDecl>(context_[*symbol].node)) {
    const catalog::Connector* connector = is_plain ? catalog::find_connector(name) : nullptr;
    if (connector != nullptr) return Attached{.connector = connector};
    if (is_plain) {
      unknown_connector(written, symbol);
      return std::nullopt;
    }
    if (symbol == nullptr) return std::nullopt;
  }
  const auto id = connection(*symbol);
  if (!id) return std::nullopt;
  return Attached{.connector = catalog::find_connector(context_.facts.connections[*id].connector), .connection = *id};
}

// `named`: what has this name and is no connection; may be null.
void Systems::unknown_connector(const ast::Connector& written, const Symbol* named) {
  if (named != nullptr && std::holds_alternative<ast::ErrorDecl>(context_[*named].node)) return;
  const std::string& name = written.path.parts.front().text;
  auto& found = context_.error(Code::P0603, written.path.span, fmt::format("unknown connector or connection `{}`", name));
  if (named != nullptr) found.secondary(context_[*named].name.span, fmt::format("this is {}", kind_name(context_[*named].node)));
  std::vector<std::string> names = context_.names_of<ast::ConnectionDecl>(0);
  std::ranges::move(connector_names(), std::back_inserter(names));
  suggest_or_list(context_, found, written.path.span, name, names);
}

// An inline connector makes a connection of what concerns the system; a declared one lends its options.
void Systems::add_options(Attached& attached, OptionMap own, const ast::Declaration& declaration) {
  const catalog::Connector& connector = *attached.connector;
  if (attached.connection == kNone) {
    Connection made{declaration.name.text, std::string(connector.name), {}, true, declaration.name.span};
    for (const auto& [option, value] : own) {
      if (concerns_system(connector, option)) made.options[option] = value;
    }
    attached.connection = static_cast<ConnectionId>(context_.facts.connections.size());
    context_.facts.connections.push_back(std::move(made));
    attached.options = std::move(own);
    return;
  }
  const Connection& shared = context_.facts.connections[attached.connection];
  attached.options = shared.options;
  for (auto& [option, value] : own) {
    const bool is_of_system = concerns_system(connector, option);
    if (is_of_system && attached.options.contains(option)) {
      context_.error(Code::P0611, value.name_span, fmt::format("the connection has its own `{}`", option))
          .secondary(attached.options.at(option).name_span, "given here")
          .help("another system is another connection");
    } else if (is_of_system) {
      context_.error(Code::P0614, value.name_span, fmt::format("`{}` is for all that uses `{}`", option, shared.name))
          .secondary(shared.where, "write it here");
    }
    attached.options[option] = std::move(value);
  }
}

std::optional<Attached> Systems::attach(const ast::Connector& written, const ast::Declaration& declaration, catalog::Roles role) {
  if (written.path.parts.front().text.empty()) return std::nullopt;
  auto attached = connector_of(written);
  if (!attached) return std::nullopt;
  const catalog::Connector& connector = *attached->connector;
  if ((connector.roles & role) == 0) {
    wrong_role(written, declaration, connector, role);
    return std::nullopt;
  }
  OptionMap own = options_.read(written.options, connector.options, formats_of(connector), role, 0, quoted(connector.name));
  attached->has_mistake = options_.had_mistake();
  check_properties(own);
  if (connector.available == catalog::Availability::Later) context_.not_yet(connector.name, written.path.span);
  add_options(*attached, std::move(own), declaration);
  if (!faulty_.contains(attached->connection)) {
    options_.require(attached->options, connector.options, role, written.path.span, quoted(connector.name));
  }
  return attached;
}

void Systems::wrong_role(const ast::Connector& written, const ast::Declaration& declaration, const catalog::Connector& connector,
                         catalog::Roles role) {
  const std::string_view wanted = kind_name(declaration.node);
  context_.error(Code::P0604, written.path.span, fmt::format("`{}` cannot be used as {}", connector.name, wanted))
      .note(fmt::format("`{}`: {}", connector.name, connector.doc))
      .help(fmt::format("as {} there are {}", wanted, fmt::join(connectors_for(role), ", ")));
}

void Systems::check_properties(const OptionMap& options) {
  const OptionValue* properties = find_option(options, "properties");
  const auto* settings = properties == nullptr ? nullptr : std::get_if<OptionMap>(&properties->value);
  if (settings == nullptr) return;
  for (const auto& [name, value] : *settings) {
    const auto refused = catalog::refused_properties();
    const auto found = std::ranges::find(refused, name, &catalog::RefusedProperty::name);
    if (found == refused.end()) continue;
    if (!found->allowed_if.empty() && value.text(context_.facts.types) == found->allowed_if &&
        context_.facts.pipeline.delivery == Delivery::AtMostOnce) {
      continue;
    }
    auto& report =
        context_.error(Code::P0408, value.name_span, fmt::format("`{}` carries the guarantee and cannot be set", name));
    report.note(std::string(found->reason));
    if (!found->allowed_if.empty())
      report.note(fmt::format("`{}` is allowed under `delivery = at_most_once`", found->allowed_if));
  }
}

void Systems::warn_same_systems() {
  std::map<std::pair<std::string_view, std::string>, const Connection*> first;
  for (const Connection& each : context_.facts.connections) {
    const catalog::Connector& connector = *catalog::find_connector(each.connector);
    if (connector.domain == catalog::Domain::None) continue;
    const std::string_view option = address_option(connector);
    const std::string address = text_of(each.options, option, context_.facts.types);
    if (address.empty()) continue;
    const auto [place, is_new] = first.try_emplace({connector.name, address}, &each);
    if (is_new) continue;
    context_.report.add(Code::P0905, each.where)
        .message(fmt::format("`{}` and `{}` are one system for you, and two here", place->second->name, each.name))
        .secondary(place->second->where, fmt::format("the same `{}`", option))
        .help(fmt::format("declare it once, `connection NAME = {} {{ {} = … }}`, and write NAME in both places", connector.name,
                          option));
  }
}

}  // namespace piperun::sema
