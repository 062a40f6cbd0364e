// Which database a session leads to.
#pragma once
#include <string>

#include "runtime/commit/postgres/session.h"

namespace piperun::postgres {

// As commit/database_identity.h says. Without the right to call pg_control_system() its system is empty.
base::Result<std::string> database_identity(Session& session);

}  // namespace piperun::postgres
