// A report as people read it (the form of rustc), and as programs read it (JSON).
#pragma once
#include <cstddef>
#include <string>

#include "lang/diag/report.h"
#include "lang/source/source.h"

namespace piperun::diag {

struct RenderOptions {
  bool colour = false;
  std::size_t limit = 20;        // more than these are only counted
  std::size_t line_width = 120;  // longer source lines are clipped around what is marked
};

std::string render(const Diagnostic& diagnostic, const source::SourceMap& sources, const RenderOptions& options = {});

// Each diagnostic, a blank line between them, and a closing line with the counts. Empty if there is nothing to say.
std::string render(const Report& report, const source::SourceMap& sources, const RenderOptions& options = {});

// One JSON object per line: {"code","severity","title","message","span","label","labels":[…],"help":[{"text","edit"?}],"notes":[…]}.
// A span is {"file","begin","end","line","column","end_line","end_column"}: byte offsets from 0, lines and columns from 1. No limit.
std::string to_json(const Report& report, const source::SourceMap& sources);

}  // namespace piperun::diag
