#include "lang/plan/systems.h"

#include <sstream>
#include <utility>

#include <fmt/format.h>

namespace piperun::plan {

const SystemTraits& traits(ir::SystemKind kind) {
  static constexpr SystemTraits kKafka{"a Kafka cluster", true, true, true, ""};
  static constexpr SystemTraits kPostgres{"a PostgreSQL database", true, true, false, ""};
  static constexpr SystemTraits kEmbedded{"an embedded database", true, true, false, ""};
  static constexpr SystemTraits kFile{"files", false, false, false, "a line can be written twice"};
  static constexpr SystemTraits kStdin{"standard input", false, false, false, ""};
  static constexpr SystemTraits kStdout{"standard output", false, false, false, "a line can be printed twice"};
  static constexpr SystemTraits kGenerate{"a generator", false, false, false, ""};
  static constexpr SystemTraits kHttp{"an HTTP receiver", false, false, false, "a request can be repeated"};
  static constexpr SystemTraits kStateStore{"the state store of this pipeline", true, true, false, ""};
  switch (kind) {
    case ir::SystemKind::Kafka: return kKafka;
    case ir::SystemKind::Postgres: return kPostgres;
    case ir::SystemKind::Embedded: return kEmbedded;
    case ir::SystemKind::File: return kFile;
    case ir::SystemKind::Stdin: return kStdin;
    case ir::SystemKind::Stdout: return kStdout;
    case ir::SystemKind::Generate: return kGenerate;
    case ir::SystemKind::Http: return kHttp;
    case ir::SystemKind::StateStore: return kStateStore;
  }
  return kStateStore;
}

bool has_partitions(ir::SystemKind kind) { return kind == ir::SystemKind::Kafka || kind == ir::SystemKind::Embedded; }

std::vector<std::string> partitioned_by(const ir::Source& source) {
  std::vector<std::string> result;
  const auto option = source.options.find("partitioned_by");
  if (option == source.options.end()) return result;
  std::istringstream list(option->second);
  for (std::string name; std::getline(list, name, ',');) result.push_back(std::move(name));
  return result;
}

ir::SystemKind runs_as(const ir::System& system) { return system.stand_in ? ir::SystemKind::Embedded : system.kind; }

std::string describe(const ir::System& system) {
  if (!system.stand_in) return fmt::format("{} ({})", system.name, traits(system.kind).words);
  return fmt::format("{} (an embedded database in place of {})", system.name, traits(system.kind).words);
}

}  // namespace piperun::plan
