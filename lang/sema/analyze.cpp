#include "lang/sema/analyze.h"

#include "lang/sema/analysis.h"

namespace piperun::sema {

Facts analyze(const Program& program, const Options& options, const source::SourceMap& sources, diag::Report& report) {
  Facts facts;
  facts.exprs.resize(program.pool.expr_count());
  Context context(program, options, sources, report, facts);
  context.declare();
  Analysis(context).run();
  return facts;
}

}  // namespace piperun::sema
