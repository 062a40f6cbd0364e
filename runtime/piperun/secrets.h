// Whether all secrets that a program will ask for can be had: told before the first connection.
#pragma once
#include "lang/ir/program.h"
#include "runtime/base/result.h"

namespace piperun::cli {

// SecretMissing with all that are not set, are empty or cannot be read, and what needs them.
base::Result<void> check_secrets(const ir::Program& program);

// Those that are set and yet of no use, in words; "": there is none.
std::string unusable_secrets(const ir::Program& program);

}  // namespace piperun::cli
