// The option `delimiter` of csv: what stands between two values.
#pragma once
#include <map>
#include <string>

namespace piperun::record {

// Of the options of a source, table or sink; a comma where they name none.
inline char delimiter_of(const std::map<std::string, std::string>& options) {
  const auto found = options.find("delimiter");
  return found == options.end() || found->second.empty() ? ',' : found->second.front();
}

}  // namespace piperun::record
