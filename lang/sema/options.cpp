#include "lang/sema/options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "lang/ast/match.h"

namespace piperun::sema {
namespace {

// `auto_offset_reset` and the like: what librdkafka writes with dots, and what is said of it there.
const catalog::RefusedProperty* setting_of_client(std::string_view name, std::span<const catalog::Option> table) {
  if (catalog::find_option(table, "properties") == nullptr) return nullptr;
  std::string setting(name);
  std::ranges::replace(setting, '_', '.');
  const auto refused = catalog::refused_properties();
  const auto found = std::ranges::find(refused, setting, &catalog::RefusedProperty::name);
  return found == refused.end() ? nullptr : &*found;
}

// What other programs call an option; "": nothing that is known.
std::string_view called_here(std::string_view name) {
  constexpr std::pair<std::string_view, std::string_view> kOtherNames[] = {
      {"consumer_group", "group"},
      {"retries", "retry"},
      {"max_retries", "retry"},
      {"attempts", "retry"},
  };
  const auto* found = std::ranges::find(kOtherNames, name, &std::pair<std::string_view, std::string_view>::first);
  return found == std::end(kOtherNames) ? "" : found->second;
}

}  // namespace

std::string OptionValue::text(const value::TypeTable& types) const {
  return ast::match(
      value, [&](const Constant& constant) { return to_text(constant, types, true); },
      [](const std::string& word) { return word; }, [](const Secret& secret) { return "secret:" + secret.name; },
      [](const auto&) { return std::string(); });
}

const OptionValue* find_option(const OptionMap& options, std::string_view name) {
  const auto found = options.find(std::string(name));
  return found == options.end() ? nullptr : &found->second;
}

std::int64_t number_of(const OptionMap& options, std::string_view name, std::int64_t otherwise) {
  const OptionValue* option = find_option(options, name);
  if (option == nullptr) return otherwise;
  const auto* constant = std::get_if<Constant>(&option->value);
  const auto* number = constant == nullptr ? nullptr : std::get_if<std::int64_t>(&constant->value);
  return number == nullptr ? otherwise : *number;
}

std::string text_of(const OptionMap& options, std::string_view name, const value::TypeTable& types, std::string_view otherwise) {
  const OptionValue* option = find_option(options, name);
  return option == nullptr ? std::string(otherwise) : option->text(types);
}

OptionMap OptionReader::read(const std::vector<ast::Option>& options, std::span<const catalog::Option> table,
                             std::span<const catalog::Option> more, catalog::Roles roles, std::uint32_t module,
                             std::string_view owner) {
  OptionMap result;
  had_mistake_ = false;
  std::map<std::string, Span> seen;
  Scope scope{.module = module, .has_environment = true};
  for (const ast::Option& option : options) {
    if (option.name.text.empty()) continue;
    if (const auto [first, is_new] = seen.try_emplace(option.name.text, option.name.span); !is_new) {
      context_.error(Code::P0611, option.name.span, fmt::format("`{}` is given twice", option.name.text))
          .secondary(first->second, "here first");
      continue;
    }
    const catalog::Option* known = find(option, table, more, roles, owner);
    had_mistake_ |= known == nullptr;
    if (known == nullptr) continue;
    if (known->available == catalog::Availability::Later) {
      context_.not_yet(known->name, option.name.span);
      continue;
    }
    auto read = value(option, *known, scope);
    had_mistake_ |= !read;
    if (read) result[option.name.text] = {std::move(*read), option.name.span, context_.program.pool[option.value].span};
  }
  return result;
}

const catalog::Option* OptionReader::find(const ast::Option& option, std::span<const catalog::Option> table,
                                          std::span<const catalog::Option> more, catalog::Roles roles, std::string_view owner) {
  const std::string& name = option.name.text;
  for (const auto& each : {table, more}) {
    if (const catalog::Option* found = catalog::find_option(each, name, roles)) return found;
  }
  const catalog::Option* elsewhere = catalog::find_option(table, name);
  if (elsewhere == nullptr) elsewhere = catalog::find_option(more, name);
  if (elsewhere != nullptr) {
    auto& found = context_.error(Code::P0614, option.name.span, fmt::format("the option `{}` does not belong here", name));
    std::string places;
    const auto add = [&](catalog::Roles role, std::string_view place) {
      if ((elsewhere->roles & role) != 0) places += fmt::format("{}{}", places.empty() ? "" : ", ", place);
    };
    add(catalog::kConnection, "connections");
    add(catalog::kSource, "sources");
    add(catalog::kTable, "tables");
    add(catalog::kSink, "sinks");
    found.note(fmt::format("it is for {} of {}: {}", places, owner, elsewhere->doc));
    return nullptr;
  }
  auto& found = context_.error(Code::P0600, option.name.span, fmt::format("{} has no option `{}`", owner, name));
  if (const catalog::RefusedProperty* setting = setting_of_client(name, table)) {
    found.help(std::string(setting->reason));
    return nullptr;
  }
  std::vector<std::string> names;
  for (const auto& each : {table, more}) {
    for (const catalog::Option& known : each) {
      if (roles == 0 || (known.roles & roles) != 0) names.emplace_back(known.name);
    }
  }
  if (const std::string_view here = called_here(name); std::ranges::count(names, here) > 0) {
    found.help(fmt::format("here it is called `{}`", here), option.name.span, std::string(here));
    return nullptr;
  }
  context_.suggest(found, option.name.span, name, names);
  const bool is_pipeline = table.data() == catalog::pipeline_options().data();
  if (is_pipeline && (name == "on_error" || catalog::find_option(catalog::error_options(), name) != nullptr)) {
    found.help("what is done about errors stands in a block of its own, without `=`: `on error { retry = 5 }`");
  } else if (found.helps.empty()) {
    found.note(fmt::format("its options here are {}", fmt::join(names, ", ")));
  }
  return nullptr;
}

void OptionReader::require(const OptionMap& options, std::span<const catalog::Option> table, catalog::Roles roles, Span where,
                           std::string_view owner) {
  if (had_mistake_) return;
  for (const catalog::Option& each : table) {
    if (!each.required || (roles != 0 && (each.roles & roles) == 0) || options.contains(std::string(each.name))) continue;
    context_.error(Code::P0602, where, fmt::format("{} needs the option `{}`", owner, each.name))
        .help(fmt::format("`{} = …`: {}", each.name, each.doc));
  }
}

}  // namespace piperun::sema
