#include "runtime/connectors/open/postgres_parts.h"

#include <fmt/format.h>

#include "runtime/commit/postgres/postgres_domain.h"

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

}  // namespace piperun::connectors
