#include "lang/plan/manifest.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "lang/ir/print.h"
#include "lang/plan/manifest_json.h"

namespace piperun::plan {
namespace {

// FNV-1a, 64 bits: it tells programs apart, it protects nothing.
std::string hash(std::string_view text) {
  std::uint64_t value = 14695981039346656037U;
  for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 1099511628211U;
  return fmt::format("{:016x}", value);
}

std::string stages_text(const ir::Program& program, const ir::Unit& unit) {
  std::string text = ir::print(program, unit.dataflow);
  for (const ir::Node& node : unit.dataflow.nodes) {
    if (const auto* apply = std::get_if<ir::Apply>(&node.op)) text += ir::print(program, program.functions[apply->function]);
  }
  return text;
}

template <typename Items, typename Write>
std::string list_text(const Items& items, Write write) {
  std::vector<std::string> texts;
  for (const auto& item : items) texts.push_back(write(item));
  return fmt::format("[{}]", fmt::join(texts, ","));
}

const std::string* text_of(const JsonValue& value) { return std::get_if<std::string>(&value.value); }

}  // namespace

Manifest manifest_of(const ir::Program& program, const ir::Unit& unit, const std::map<ir::SourceId, int>& partitions) {
  Manifest manifest;
  manifest.id = program.id;
  manifest.unit = unit.name;
  manifest.program = hash(stages_text(program, unit));
  manifest.delivery = ir::name(program.delivery);
  manifest.domain = program.systems[unit.domain].name;
  manifest.domain_kind = ir::name(program.systems[unit.domain].kind);
  for (const ir::SourceId id : unit.sources) {
    const auto known = partitions.find(id);
    manifest.sources.push_back(
        {program.sources[id].name, program.sources[id].object, known == partitions.end() ? 0 : known->second});
  }
  for (const ir::SinkId id : unit.sinks) manifest.sinks.push_back(program.sinks[id].name);
  for (const ir::StateSchema& state : unit.operators)
    manifest.operators.push_back({state.name, state.kind, state.key, state.within});
  return manifest;
}

std::string to_text(const Manifest& m) {
  const auto topic = [](const Manifest::Topic& t) {
    return fmt::format(R"({{"source":{},"topic":{},"partitions":{}}})", quote_json(t.source), quote_json(t.topic), t.partitions);
  };
  const auto state = [](const Manifest::State& s) {
    return fmt::format(R"({{"name":{},"kind":{},"key":{},"within":{}}})", quote_json(s.name), quote_json(s.kind),
                       list_text(s.key, quote_json), s.within);
  };
  const std::string moved = m.moved_to.empty() ? "" : fmt::format(R"(,"moved_to":{})", list_text(m.moved_to, quote_json));
  return fmt::format(
      R"({{"format":{},"id":{},"unit":{},"program":{},"delivery":{},"domain":{},"domain_kind":{},"sources":{},"sinks":{},"operators":{}{}}})",
      m.format, quote_json(m.id), quote_json(m.unit), quote_json(m.program), quote_json(m.delivery), quote_json(m.domain),
      quote_json(m.domain_kind), list_text(m.sources, topic), list_text(m.sinks, quote_json), list_text(m.operators, state),
      moved);
}

std::expected<Manifest, std::string> parse_manifest(std::string_view text) {
  const auto json = read_json(text);
  if (!json) return std::unexpected("it is damaged");
  if (json->number("format") != 1)
    return std::unexpected(fmt::format("it has format {}, this version reads format 1", json->number("format")));
  Manifest m;
  m.id = json->text("id");
  m.unit = json->text("unit");
  m.program = json->text("program");
  m.delivery = json->text("delivery");
  m.domain = json->text("domain");
  m.domain_kind = json->text("domain_kind");
  for (const JsonValue& t : json->list("sources"))
    m.sources.push_back({t.text("source"), t.text("topic"), static_cast<int>(t.number("partitions"))});
  for (const JsonValue& s : json->list("sinks")) {
    if (text_of(s)) m.sinks.push_back(*text_of(s));
  }
  for (const JsonValue& o : json->list("operators")) {
    Manifest::State state{o.text("name"), o.text("kind"), {}, o.number("within")};
    for (const JsonValue& k : o.list("key")) {
      if (text_of(k)) state.key.push_back(*text_of(k));
    }
    m.operators.push_back(std::move(state));
  }
  for (const JsonValue& unit : json->list("moved_to")) {
    if (text_of(unit)) m.moved_to.push_back(*text_of(unit));
  }
  if (m.unit.empty() || m.delivery.empty() || m.sources.empty()) return std::unexpected("it is damaged");
  return m;
}

}  // namespace piperun::plan
