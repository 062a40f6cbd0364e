// Fills topics and tables of stand-ins from sample files, once.
#pragma once
#include <string>

#include "runtime/connectors/embedded/table_layout.h"
#include "runtime/connectors/embedded/topics.h"

namespace piperun::embedded {

// Makes the topic and appends the lines of `file` ("" for none) as values: one transaction with a mark, so a second call changes nothing.
// Blank lines are left out, a csv file's header too. Records get a key if the source has one or is `partitioned_by` fields; lines in
// which those are not found have none. Timestamps are `now`. BadSample names the line.
base::Result<void> fill_topic(Database& database, const ir::Program& program, const ir::Source& source, const std::string& file,
                              std::int64_t now);

// Makes the table and inserts the records of `file`, which are in the table's format.
base::Result<void> fill_table(Database& database, const ir::Program& program, const ir::Table& table, const std::string& file);

}  // namespace piperun::embedded
