#include "lang/plan/names.h"

#include <fmt/format.h>

#include "lang/plan/systems.h"

namespace piperun::plan {
namespace {

std::string counted(std::string name, int count) { return count > 1 ? fmt::format("{}{}", name, count) : name; }

}  // namespace

std::string unit_name(const ir::Program& program, ir::SystemId source, ir::SystemId domain) {
  return fmt::format("{}.{}", program.systems[source].name, program.systems[domain].name);
}

std::string operator_name(std::string_view flow, std::string_view kind, int count) {
  return counted(fmt::format("{}.{}", flow, kind), count);
}

std::string link_topic(const ir::Program& program, std::string_view flow, int count) {
  return counted(fmt::format("{}.{}", program.id, flow), count);
}

std::string letter_topic(const ir::Program& program, const ir::Unit& unit, const ir::Sink& sink) {
  return fmt::format("{}.{}.dead-letters.{}", program.id, unit.name, sink.name);
}

std::string letter_relay_name(const ir::Program& program, ir::SystemId from, ir::SystemId to) {
  return unit_name(program, from, to) + ".dead-letters";
}

std::string state_store_file(const ir::Program& program) { return program.id + ".db"; }

namespace {

Stores in_cluster(const ir::Program& program, const ir::Unit& unit) {
  std::string positions = fmt::format("the consumer group {}.{} and the topic {}.manifests", program.id, unit.name, program.id);
  for (const ir::StateSchema& state : unit.operators) {
    positions += fmt::format("; keys in the topic {}.{}.{}.keys", program.id, unit.name, state.name);
  }
  return {positions, fmt::format("the compacted topic {}.dead-letters", program.id)};
}

Stores in_database(const ir::Unit& unit, const ir::System& domain) {
  const char* others = unit.operators.empty() ? " and" : ", piperun.keys and";
  return {fmt::format("the tables piperun.offsets{} piperun.manifests of {}", others, domain.name),
          fmt::format("the table piperun.dead_letters of {}", domain.name)};
}

Stores in_file(const ir::Program& program, const ir::System& domain) {
  const bool is_state_store = domain.kind == ir::SystemKind::StateStore;
  const std::string letters =
      fmt::format("the dead-letter table of {}", is_state_store ? state_store_file(program) : domain.name);
  const auto path = domain.options.find("path");
  if (!domain.stand_in && domain.kind == ir::SystemKind::Embedded && path != domain.options.end()) {
    return {fmt::format("the file {}", path->second), letters};
  }
  const std::string name = is_state_store ? state_store_file(program) : domain.name + ".db";
  return {fmt::format("the file .piperun/{} (`--state-dir` names another folder)", name), letters};
}

}  // namespace

Stores stores_of(const ir::Program& program, const ir::Unit& unit) {
  const ir::System& domain = program.systems[unit.domain];
  switch (runs_as(domain)) {
    case ir::SystemKind::Kafka: return in_cluster(program, unit);
    case ir::SystemKind::Postgres: return in_database(unit, domain);
    case ir::SystemKind::StateStore:
    case ir::SystemKind::Embedded:
    case ir::SystemKind::File:
    case ir::SystemKind::Stdin:
    case ir::SystemKind::Stdout:
    case ir::SystemKind::Generate:
    case ir::SystemKind::Http: break;
  }
  return in_file(program, domain);
}

}  // namespace piperun::plan
