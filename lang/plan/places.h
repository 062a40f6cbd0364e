// Where diagnostics of plan and prove point: the IR keeps only line and column, users see the words of their file.
#pragma once
#include <string>
#include <vector>

#include "lang/diag/diagnostic.h"
#include "lang/ir/program.h"
#include "lang/sema/analyze.h"

namespace piperun::plan {

using source::Span;

struct Places {
  Span delivery;                  // value of the option `delivery`
  std::vector<Span> sources;      // the connector, by ir::SourceId
  std::vector<Span> sinks;        // the connector, by ir::SinkId
  const source::SourceMap* texts = nullptr;
  std::vector<source::FileId> files;  // by ir::Site::file

  // The word at that place; `delivery` if the site is nowhere.
  Span at(const ir::Site& site) const;
  // The rest of the line there, without a comment: a stage as it was written. "" if the site is nowhere.
  std::string line_from(const ir::Site& site) const;
  // Null: the site is nowhere.
  const source::SourceFile* file_of(const ir::Site& site) const;
  Span of_source(ir::SourceId id) const { return id < sources.size() ? sources[id] : delivery; }
  Span of_sink(ir::SinkId id) const { return id < sinks.size() ? sinks[id] : delivery; }
};

// `texts` must outlive the result.
Places places_of(const ir::Program& program, const sema::Program& files, const sema::Facts& facts,
                 const source::SourceMap& texts);

}  // namespace piperun::plan
