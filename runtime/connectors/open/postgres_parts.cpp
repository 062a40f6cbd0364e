#include "runtime/connectors/open/postgres_parts.h"

#include "runtime/commit/postgres/postgres_domain.h"
#include "runtime/connectors/postgres/lookup_table.h"
#include "runtime/connectors/postgres/table_sink.h"

namespace piperun::connectors {

using base::Result;

Result<std::unique_ptr<commit::Domain>> PostgresParts::open_domain(const ir::Program& program, const ir::Unit& unit,
                                                                   std::string cluster) const {
  auto settings = postgres::postgres_settings(program.systems[unit.domain], secret_, unit.name);
  if (!settings) return std::unexpected(settings.error());
  auto domain = postgres::PostgresDomain::open(std::move(*settings), program.id, unit.name, std::move(cluster));
  if (!domain) return std::unexpected(domain.error());
  return std::unique_ptr<commit::Domain>(std::move(*domain));
}

Result<std::unique_ptr<commit::Domain>> PostgresParts::open_stored(const ir::Program& program, ir::SystemId system,
                                                                   const std::string& unit) const {
  auto settings = postgres::postgres_settings(program.systems[system], secret_, unit);
  if (!settings) return std::unexpected(settings.error());
  auto domain = postgres::PostgresDomain::open_stored(std::move(*settings), program.id, unit);
  if (!domain) return std::unexpected(domain.error());
  return std::unique_ptr<commit::Domain>(std::move(*domain));
}

Result<std::unique_ptr<Sink>> PostgresParts::open_sink(const ir::Program& program, const ir::Unit& unit, ir::SinkId id,
                                                       commit::Domain& domain) const {
  const ir::Sink& sink = program.sinks[id];
  auto settings = postgres::postgres_settings(program.systems[sink.system], secret_, unit.name);
  if (!settings) return std::unexpected(settings.error());
  const bool joins = program.delivery == ir::Delivery::ExactlyOnce && sink.system == unit.domain;
  return postgres::TableSink::open(program, sink, joins ? dynamic_cast<postgres::PostgresDomain*>(&domain) : nullptr,
                                   std::move(*settings));
}

Result<std::unique_ptr<Table>> PostgresParts::open_table(const ir::Program& program, const ir::Unit& unit, ir::TableId id) const {
  const ir::Table& table = program.tables[id];
  auto settings = postgres::postgres_settings(program.systems[table.system], secret_, unit.name);
  if (!settings) return std::unexpected(settings.error());
  return postgres::LookupTable::open(std::move(*settings), program.types, postgres::layout_of(program, table), table.cache,
                                     clock_);
}

}  // namespace piperun::connectors
