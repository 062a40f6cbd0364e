#include "lang/plan/manifest.h"

#include <fmt/format.h>

#include "lang/ir/declared.h"
#include "lang/ir/print.h"
#include "lang/value/fnv1a.h"

namespace piperun::plan {
namespace {

std::string stages_text(const ir::Program& program, const ir::Unit& unit) {
  std::string text = ir::print(program, unit.dataflow);
  for (const ir::Node& node : unit.dataflow.nodes) {
    if (const auto* apply = std::get_if<ir::Apply>(&node.op)) text += ir::print(program, program.functions[apply->function]);
  }
  return text;
}

}  // namespace

Manifest manifest_of(const ir::Program& program, const ir::Unit& unit, const std::map<ir::SourceId, int>& partitions) {
  Manifest manifest;
  manifest.id = program.id;
  manifest.unit = unit.name;
  manifest.program = fmt::format("{:016x}", value::fnv1a(stages_text(program, unit)));
  manifest.delivery = ir::name(program.delivery);
  manifest.domain = program.systems[unit.domain].name;
  manifest.domain_kind = ir::name(program.systems[unit.domain].kind);
  for (const ir::SourceId id : unit.sources) {
    const auto known = partitions.find(id);
    manifest.sources.push_back(
        {program.sources[id].name, program.sources[id].object, known == partitions.end() ? 0 : known->second});
  }
  for (const ir::SinkId id : unit.sinks) {
    manifest.sinks.push_back(program.sinks[id].name);
    manifest.places.push_back(ir::object_of(program.sinks[id]));
  }
  for (const ir::StateSchema& state : unit.operators)
    manifest.operators.push_back({state.name, state.kind, state.key, state.within, state.fields});
  return manifest;
}

}  // namespace piperun::plan
