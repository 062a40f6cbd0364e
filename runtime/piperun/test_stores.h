// What a test writes into the stand-ins of its pipeline, and what it finds there.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "lang/ir/program.h"
#include "runtime/base/result.h"
#include "runtime/piperun/test_file.h"

namespace piperun::cli {

struct StandIns {
  const ir::Program& program;
  std::string state_dir, base_dir;

  std::string database_of(ir::SystemId system) const;
};

// The topics of all sources that no unit of the program writes. `partitions`: by topic; one if it is not named.
base::Result<void> make_topics(const StandIns& stores, const std::map<std::string, std::int64_t>& partitions);

base::Result<void> append_record(const StandIns& stores, const ir::Source& source, const InputLine& line, std::int64_t timestamp);

// Asks for all dead letters again; returns how many there are.
base::Result<std::size_t> ask_replays(const StandIns& stores);

// Rows of a table or records of a topic, as lines.
base::Result<std::vector<std::string>> output_of(const StandIns& stores, const ir::Sink& sink);

// All dead letters as JSON, unit by unit.
base::Result<std::vector<std::string>> letters_of(const StandIns& stores);

}  // namespace piperun::cli
