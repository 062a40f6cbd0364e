// What a table of users needs to be an outbox: rows are numbered after they were written, and removed when all have read them.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/commit/postgres/session.h"
#include "runtime/connectors/postgres/table_columns.h"

namespace piperun::postgres {

// SchemaMismatch, with what mends it: by its columns the table, which the program names so, cannot be an outbox.
base::Result<void> check_outbox(const StoredTable& stored, const std::string& table, const std::string& address);

// What may hinder those who number and remove the rows, or write them.
struct OutboxHazard {
  std::string words, mend;
  std::string as_long_as;  // under what it does no harm; "": there is no such case
};
base::Result<std::vector<OutboxHazard>> outbox_hazards(Session& session, const StoredTable& stored);

// How many rows of the outbox have been sent to others and removed, so that this unit will never read them; 0 if it has begun already.
base::Result<std::int64_t> rows_gone(Session& session, const StoredTable& stored, const std::string& pipeline,
                                     const std::string& unit);

}  // namespace piperun::postgres
