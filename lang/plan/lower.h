// From a checked program to its executable form: declarations become systems, sources, tables and sinks; all flows become one
// dataflow, `Program::graph`, of row functions and operators. Cutting into units comes after it.
#pragma once
#include "lang/ir/program.h"
#include "lang/sema/analyze.h"

namespace piperun::plan {

// `facts` are those of `files`, without errors. Ids of sources, tables and sinks are sema's; systems are its connections.
// Nothing is optimized: see ir::optimize.
ir::Program lower(const sema::Program& files, const sema::Facts& facts, const sema::Options& options,
                  const source::SourceMap& sources);

}  // namespace piperun::plan
