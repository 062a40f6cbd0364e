// Why a table does not fit a sink: who else uses it.
#pragma once
#include <string>
#include <vector>

#include "lang/ir/program.h"
#include "runtime/base/result.h"

namespace piperun::cli {

// Who else uses the table that does not fit a sink, as words for whoever must give one of them another place. Nothing for other errors.
std::vector<std::string> sharers(const ir::Program& program, const std::string& state_dir, const std::string& base_dir,
                                 const base::Error& error);

}  // namespace piperun::cli
