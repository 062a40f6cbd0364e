// What a program names of PostgreSQL servers, opened: domains, sinks, tables.
#pragma once
#include <memory>
#include <string>

#include "lang/ir/program.h"
#include "runtime/base/clock.h"
#include "runtime/commit/domain.h"
#include "runtime/commit/postgres/settings.h"
#include "runtime/connectors/connectors.h"

namespace piperun::connectors {

// Any thread.
class PostgresParts {
 public:
  PostgresParts(base::Clock& clock, ReadSecret secret) : clock_(clock), secret_(std::move(secret)) {}

  // `cluster`: id of the Kafka cluster whose positions the domain holds; "" for a source that is none.
  base::Result<std::unique_ptr<commit::Domain>> open_domain(const ir::Program& program, const ir::Unit& unit,
                                                            std::string cluster) const;
  base::Result<std::unique_ptr<commit::Domain>> open_stored(const ir::Program& program, ir::SystemId system,
                                                            const std::string& unit) const;
  base::Result<std::unique_ptr<Sink>> open_sink(const ir::Program& program, const ir::Unit& unit, ir::SinkId id,
                                                commit::Domain& domain) const;
  base::Result<std::unique_ptr<Table>> open_table(const ir::Program& program, const ir::Unit& unit, ir::TableId id) const;

 private:
  base::Clock& clock_;
  ReadSecret secret_;
};

}  // namespace piperun::connectors
