// Whether all secrets that a program will ask for are set: told before the first connection.
#pragma once
#include "lang/ir/program.h"
#include "runtime/base/result.h"

namespace piperun::cli {

// SecretMissing with all that are not set, and what needs them.
base::Result<void> check_secrets(const ir::Program& program);

}  // namespace piperun::cli
