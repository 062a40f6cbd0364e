#include "runtime/connectors/open/postgres_parts.h"

#include <algorithm>

#include "lang/ir/declared.h"
#include "runtime/commit/postgres/postgres_domain.h"
#include "runtime/connectors/postgres/lease_group.h"
#include "runtime/connectors/postgres/lookup_table.h"
#include "runtime/connectors/postgres/table_sink.h"

namespace piperun::connectors {

using base::Result;

Result<std::string> PostgresParts::database_of(const ir::Unit& unit, const Group* group) {
  const auto* lease = dynamic_cast<const postgres::LeaseGroup*>(group);
  if (lease == nullptr || unit.source_system == unit.domain) return std::string();
  const auto identities = lease->identities();  // one, for a unit reads one connection
  return identities.empty() ? std::string() : identities.begin()->second;
}

Result<std::unique_ptr<commit::Domain>> PostgresParts::open_domain(const ir::Program& program, const ir::Unit& unit,
                                                                   std::string cluster,
                                                                   std::map<std::string, std::string> topics) const {
  auto settings = postgres::postgres_settings(program.systems[unit.domain], secret_, unit.name);
  if (!settings) return std::unexpected(settings.error());
  auto domain = postgres::PostgresDomain::open(std::move(*settings), program.id, unit.name, std::move(cluster));
  if (!domain) return std::unexpected(domain.error());
  (*domain)->know_topics(std::move(topics));
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
  if (ir::link_written(program, id) != nullptr) {
    auto* own = dynamic_cast<postgres::PostgresDomain*>(&domain);
    if (own == nullptr) return base::failure(base::ErrorCode::CannotOpen, "an outbox of ours needs the transaction of its unit");
    return postgres::OutboxSink::open(own->session(), sink.object);
  }
  const bool joins = program.delivery == ir::Delivery::ExactlyOnce && sink.system == unit.domain;
  return postgres::TableSink::open(program, sink, joins ? dynamic_cast<postgres::PostgresDomain*>(&domain) : nullptr,
                                   std::move(*settings));
}

Result<std::unique_ptr<postgres::Outbox>> PostgresParts::open_outbox(const ir::Program& program, const ir::Unit& unit,
                                                                     ir::SourceId id) const {
  const ir::Source& source = program.sources[id];
  auto settings = postgres::postgres_settings(program.systems[source.system], secret_, unit.name);
  if (!settings) return std::unexpected(settings.error());
  const bool is_own = ir::link_read(program, id) != nullptr;
  const auto open = is_own ? postgres::Outbox::open_own : postgres::Outbox::open;
  return open(std::move(*settings), source.object, program.id, unit.name);
}

Result<std::unique_ptr<Source>> PostgresParts::open_source(const ir::Program& program, const ir::Unit& unit,
                                                           ir::SourceId id) const {
  auto outbox = open_outbox(program, unit, id);
  if (!outbox) return std::unexpected(outbox.error());
  return std::make_unique<postgres::OutboxSource>(std::move(*outbox), clock_);
}

Result<std::unique_ptr<Group>> PostgresParts::open_lease(const ir::Program& program, const ir::Unit& unit) const {
  RelayedSources sources;
  for (std::uint32_t i = 0; i < unit.sources.size(); ++i) {
    auto source = open_source(program, unit, unit.sources[i]);
    if (!source) return std::unexpected(source.error());
    if (auto added = sources.add(i, std::move(*source)); !added) return std::unexpected(added.error());
  }
  auto settings = postgres::postgres_settings(program.systems[unit.domain], secret_, unit.name);
  if (!settings) return std::unexpected(settings.error());
  auto group = postgres::LeaseGroup::open(std::move(*settings), program.id, unit.name, std::move(sources));
  if (!group) return std::unexpected(group.error());
  return std::unique_ptr<Group>(std::move(*group));
}

Result<std::unique_ptr<OutboxRelay>> PostgresParts::open_relay(const ir::Program& program, const ir::Unit& unit,
                                                               ir::SourceId id) const {
  auto outbox = open_outbox(program, unit, id);
  if (!outbox) return std::unexpected(outbox.error());
  return std::unique_ptr<OutboxRelay>(std::move(*outbox));
}

Result<std::unique_ptr<Table>> PostgresParts::open_table(const ir::Program& program, const ir::Unit& unit, ir::TableId id) const {
  const ir::Table& table = program.tables[id];
  auto settings = postgres::postgres_settings(program.systems[table.system], secret_, unit.name);
  if (!settings) return std::unexpected(settings.error());
  return postgres::LookupTable::open(std::move(*settings), program.types, postgres::layout_of(program, table), table.cache,
                                     clock_);
}

}  // namespace piperun::connectors
