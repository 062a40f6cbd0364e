// What a program names of PostgreSQL servers, opened: domains, sinks, tables.
#pragma once
#include <map>
#include <memory>
#include <string>

#include "lang/ir/program.h"
#include "runtime/base/clock.h"
#include "runtime/commit/domain.h"
#include "runtime/commit/postgres/settings.h"
#include "runtime/connectors/connectors.h"
#include "runtime/connectors/postgres/outbox.h"

namespace piperun::connectors {

// Any thread.
class PostgresParts {
 public:
  PostgresParts(base::Clock& clock, ReadSecret secret) : clock_(clock), secret_(std::move(secret)) {}

  // Of the outboxes that the group reads; "" where their positions lie beside them, and come and go with them.
  static base::Result<std::string> database_of(const ir::Unit& unit, const Group* group);

  // `cluster`: id of the Kafka cluster or database whose positions the domain holds; "" for a source that is none. `topics`: ids by name.
  base::Result<std::unique_ptr<commit::Domain>> open_domain(const ir::Program& program, const ir::Unit& unit, std::string cluster,
                                                            std::map<std::string, std::string> topics) const;
  base::Result<std::unique_ptr<commit::Domain>> open_stored(const ir::Program& program, ir::SystemId system,
                                                            const std::string& unit) const;
  base::Result<std::unique_ptr<Sink>> open_sink(const ir::Program& program, const ir::Unit& unit, ir::SinkId id,
                                                commit::Domain& domain) const;
  // Outboxes.
  base::Result<std::unique_ptr<Source>> open_source(const ir::Program& program, const ir::Unit& unit, ir::SourceId id) const;
  // For a unit that reads outboxes and commits in a database.
  base::Result<std::unique_ptr<Group>> open_lease(const ir::Program& program, const ir::Unit& unit) const;
  base::Result<std::unique_ptr<OutboxRelay>> open_relay(const ir::Program& program, const ir::Unit& unit, ir::SourceId id) const;
  base::Result<std::unique_ptr<Table>> open_table(const ir::Program& program, const ir::Unit& unit, ir::TableId id) const;

 private:
  base::Result<std::unique_ptr<postgres::Outbox>> open_outbox(const ir::Program& program, const ir::Unit& unit,
                                                              ir::SourceId id) const;

  base::Clock& clock_;
  ReadSecret secret_;
};

}  // namespace piperun::connectors
