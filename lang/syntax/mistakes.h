// Words for mistakes: what the grammar expected, and what stands there, become a diagnostic that a beginner can act on.
#pragma once
#include "lang/diag/diagnostic.h"
#include "lang/syntax/build.h"

namespace piperun::syntax {

diag::Diagnostic describe(const Mistake& mistake, const Text& text);

}  // namespace piperun::syntax
