#include "runtime/commit/postgres/identity.h"

#include <fmt/core.h>

#include "runtime/commit/database_identity.h"

namespace piperun::postgres {

using base::Result;

// Two statements: a call that is not taken needs the right all the same.
Result<std::string> database_identity(Session& session) {
  const auto database = session.query(
      "SELECT oid::text, coalesce(has_function_privilege(to_regprocedure('pg_catalog.pg_control_system()'), 'EXECUTE'), false) "
      "FROM pg_catalog.pg_database WHERE datname = current_database()");
  if (!database) return std::unexpected(database.error());
  std::string system;
  if (database->boolean(0, 1)) {
    const auto found = session.query("SELECT system_identifier::text FROM pg_catalog.pg_control_system()");
    if (!found) return std::unexpected(found.error());
    system = found->text(0, 0);
  }
  return fmt::format("{}{}/{}", commit::kDatabase, system, database->text(0, 0));
}

}  // namespace piperun::postgres
