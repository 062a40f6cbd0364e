// What live brokers and databases make of a program's promises: `check --connect`.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "lang/ir/program.h"
#include "runtime/base/result.h"

namespace piperun::cli {

struct Finding {
  std::optional<base::ErrorCode> code;  // it cannot run like this; none: the promise rests on `as_long_as`
  ir::Site site;                        // of the declaration that it is about
  std::string words;                    // what is there, and what follows
  std::string mend;                     // "": the words say it
  std::string as_long_as;               // `no broker of bus loses its disk`
};

// Nothing is changed in them, but that a cluster remembers for a while that a producer was announced (kafka/rights.h). `base_dir`: of the paths in the program.
std::vector<Finding> check_clusters(const ir::Program& program, const std::string& base_dir);
std::vector<Finding> check_databases(const ir::Program& program);

// Where a connection is used first in the FILE.
ir::Site site_of(const ir::Program& program, ir::SystemId system);

}  // namespace piperun::cli
