// Manifests as JSON.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <span>

#include "lang/plan/manifest.h"
#include "lang/value/json_node.h"
#include "lang/value/text.h"

namespace piperun::plan {
namespace {

using value::JsonKind;
using value::JsonNode;

std::string quoted(std::string_view text) {
  std::string out;
  value::append_json_string(out, text);
  return out;
}

template <typename Items, typename Write>
std::string list_text(const Items& items, Write write) {
  std::vector<std::string> texts;
  for (const auto& item : items) texts.push_back(write(item));
  return fmt::format("[{}]", fmt::join(texts, ","));
}

// ---- Members of a stored manifest; one that is missing, or of another kind, is empty.

std::string text(const JsonNode& object, std::string_view name) {
  const JsonNode* found = value::member(object, name);
  return found && found->kind == JsonKind::String ? std::string(std::string_view(found->text)) : "";
}

std::int64_t number(const JsonNode& object, std::string_view name) {
  const JsonNode* found = value::member(object, name);
  std::int64_t result = 0;
  if (found && found->kind == JsonKind::Number) std::from_chars(found->text.data, found->text.data + found->text.size, result);
  return result;
}

bool flag(const JsonNode& object, std::string_view name) {
  const JsonNode* found = value::member(object, name);
  return found && found->kind == JsonKind::True;
}

std::span<const JsonNode> list(const JsonNode& object, std::string_view name) {
  const JsonNode* found = value::member(object, name);
  if (!found || found->kind != JsonKind::Array) return {};
  return {found->children, static_cast<std::size_t>(found->count)};
}

std::vector<std::string> texts(const JsonNode& object, std::string_view name) {
  std::vector<std::string> result;
  for (const JsonNode& item : list(object, name)) {
    if (item.kind == JsonKind::String) result.emplace_back(std::string_view(item.text));
  }
  return result;
}

}  // namespace

std::string to_text(const Manifest& m) {
  const auto topic = [](const Manifest::Topic& t) {
    return fmt::format(R"({{"source":{},"topic":{},"partitions":{}}})", quoted(t.source), quoted(t.topic), t.partitions);
  };
  const auto state = [](const Manifest::State& s) {
    const std::string fields = s.fields.empty() ? "" : fmt::format(R"(,"fields":{})", list_text(s.fields, quoted));
    return fmt::format(R"({{"name":{},"kind":{},"key":{},"within":{}{}}})", quoted(s.name), quoted(s.kind),
                       list_text(s.key, quoted), s.within, fields);
  };
  const std::string moved = m.moved_to.empty() ? "" : fmt::format(R"(,"moved_to":{})", list_text(m.moved_to, quoted));
  const std::string places = m.places.empty() ? "" : fmt::format(R"(,"places":{})", list_text(m.places, quoted));
  const std::string bounds =
      m.from.empty() && m.until.empty() ? "" : fmt::format(R"(,"from":{},"until":{})", quoted(m.from), quoted(m.until));
  const std::string ended = m.ended ? R"(,"ended":true)" : "";
  return fmt::format(
      R"({{"format":{},"id":{},"unit":{},"program":{},"delivery":{},"domain":{},"domain_kind":{},"sources":{},"sinks":{}{},"operators":{}{}{}{}}})",
      m.format, quoted(m.id), quoted(m.unit), quoted(m.program), quoted(m.delivery), quoted(m.domain), quoted(m.domain_kind),
      list_text(m.sources, topic), list_text(m.sinks, quoted), places, list_text(m.operators, state), bounds, ended, moved);
}

std::expected<Manifest, std::string> parse_manifest(std::string_view stored) {
  value::Arena arena;
  const auto parsed = value::parse_json(stored, arena);
  if (!parsed) return std::unexpected("it is damaged");
  const JsonNode& json = **parsed;
  if (number(json, "format") != 1)
    return std::unexpected(fmt::format("it has format {}, this version reads format 1", number(json, "format")));
  Manifest m;
  m.id = text(json, "id");
  m.unit = text(json, "unit");
  m.program = text(json, "program");
  m.delivery = text(json, "delivery");
  m.domain = text(json, "domain");
  m.domain_kind = text(json, "domain_kind");
  for (const JsonNode& topic : list(json, "sources"))
    m.sources.push_back({text(topic, "source"), text(topic, "topic"), static_cast<int>(number(topic, "partitions"))});
  m.sinks = texts(json, "sinks");
  m.places = texts(json, "places");
  for (const JsonNode& state : list(json, "operators"))
    m.operators.push_back(
        {text(state, "name"), text(state, "kind"), texts(state, "key"), number(state, "within"), texts(state, "fields")});
  m.moved_to = texts(json, "moved_to");
  m.from = text(json, "from");
  m.until = text(json, "until");
  m.ended = flag(json, "ended");
  if (m.unit.empty() || m.delivery.empty() || m.sources.empty()) return std::unexpected("it is damaged");
  return m;
}

}  // namespace piperun::plan
