// The secrets that a program's expressions name, read when it starts and kept nowhere else.
#pragma once
#include <expected>
#include <string>

#include "runtime/base/result.h"
#include "runtime/engine/options.h"
#include "runtime/expr/row_function.h"

namespace piperun::engine {

// As `secret_from_environment`, never empty. An error in words: what is empty, or which file cannot be read and why; "": neither
// NAME nor NAME_FILE is set.
std::expected<std::string, std::string> read_secret(const std::string& name);

// SecretMissing names the one that is not set, or is empty, or cannot be read.
base::Result<expr::Secrets> read_secrets(const ir::Program& program, const Options& options);

}  // namespace piperun::engine
