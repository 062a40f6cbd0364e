// Which sources are outbox tables: rows that others wrote in their transactions, under numbers that the runtime gives them.
#pragma once
#include <string>
#include <vector>

#include "lang/ir/program.h"

namespace piperun::ir {

inline bool is_outbox(const Source& source) { return source.options.contains("outbox"); }

// The names by which positions know them.
inline std::vector<std::string> outboxes(const Program& program) {
  std::vector<std::string> result;
  for (const Source& source : program.sources) {
    if (is_outbox(source)) result.push_back(source.object);
  }
  return result;
}

}  // namespace piperun::ir
