// Which sources are outbox tables: rows that others wrote in their transactions, under numbers that the runtime gives them.
#pragma once
#include "lang/ir/dataflow.h"

namespace piperun::ir {

inline bool is_outbox(const Source& source) { return source.options.contains("outbox"); }

}  // namespace piperun::ir
