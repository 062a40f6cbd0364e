// The secrets that a program's expressions name, read when it starts and kept nowhere else.
#pragma once
#include "runtime/base/result.h"
#include "runtime/engine/options.h"
#include "runtime/expr/row_function.h"

namespace piperun::engine {

// SecretMissing names the one that is not set.
base::Result<expr::Secrets> read_secrets(const ir::Program& program, const Options& options);

}  // namespace piperun::engine
