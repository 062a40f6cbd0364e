#include "runtime/piperun/lost_positions.h"

#include <algorithm>

#include "lang/ir/declared.h"
#include "runtime/piperun/ended_run.h"

namespace piperun::cli {

namespace {

std::set<std::string> declared_topics(const StoreSet& set, const StoredUnit& unit) {
  std::set<std::string> topics;
  if (!set.compiled || unit.store == nullptr || !unit.store->data->may_lose_positions()) return topics;
  const ir::Program& program = *set.compiled->program;
  const auto declared = std::ranges::find(program.units, unit.ledger.unit, &ir::Unit::name);
  if (declared == program.units.end()) return topics;
  const ir::System& system = program.systems[declared->source_system];
  if (system.kind != ir::SystemKind::Kafka || system.stand_in) return topics;
  for (const ir::SourceId id : declared->sources) topics.insert(ir::object_of(program.sources[id]));
  return topics;
}

// A source that FILE has got since the last run has no position to lose.
base::Result<std::set<std::string>> those_read(const std::set<std::string>& topics, const StoredUnit& unit) {
  std::set<std::string> result;
  if (topics.empty()) return result;
  const auto domain = unit.store->data->domain(unit.ledger.pipeline, unit.ledger.unit);
  if (!domain) return std::unexpected(domain.error());
  const auto stored = (*domain)->manifests();
  if (!stored) return std::unexpected(stored.error());
  const auto own = std::ranges::find(*stored, unit.ledger.unit, &commit::Manifest::unit);
  if (own == stored->end() || own->moved) return result;
  const auto manifest = parse_stored(*own);
  if (!manifest) return std::unexpected(manifest.error());
  for (const plan::Manifest::Topic& source : manifest->sources) {
    const std::string& topic = source.topic.empty() ? source.source : source.topic;  // as ir::object_of
    if (topics.contains(topic)) result.insert(topic);
  }
  return result;
}

}  // namespace

base::Result<std::set<std::string>> topics_in_group(const StoreSet& set, const StoredUnit& unit) {
  return those_read(declared_topics(set, unit), unit);
}

base::Result<std::set<std::string>> lost_topics(const StoreSet& set, const StoredUnit& unit) {
  std::set<std::string> topics = declared_topics(set, unit);
  for (const commit::Position& position : unit.ledger.positions) topics.erase(position.partition.topic);
  return those_read(topics, unit);
}

}  // namespace piperun::cli
