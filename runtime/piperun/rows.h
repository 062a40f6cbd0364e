// What sinks hold, as lines: rows of tables and records of topics.
#pragma once
#include <string>
#include <vector>

#include "lang/ir/program.h"
#include "runtime/piperun/stored_system.h"

namespace piperun::cli {

// The rows of a sink's table as JSON, with the sink's types; by key, else in the order of writing. No table: no rows.
base::Result<std::vector<std::string>> table_lines(const ir::Program& program, const ir::Sink& sink, const std::string& database);

// The values of a topic, partition after partition; a tombstone is `null key="…"`. No topic: none.
base::Result<std::vector<std::string>> topic_lines(const std::string& database, const std::string& topic);

// One record as `topic peek` shows it: {"partition":0,"offset":1,"timestamp":"…","key":…,"value":…}
std::string record_json(const TopicRecord& record);

// Text as a JSON string; what is not UTF-8 as {"base64":"…"}; nothing as null.
std::string bytes_json(const std::optional<std::string>& bytes);

}  // namespace piperun::cli
