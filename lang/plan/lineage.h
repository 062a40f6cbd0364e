// Which fields of its sources the columns of a row are copies of, under whatever names the stages between gave them.
#pragma once
#include <string>
#include <vector>

#include "lang/ir/program.h"

namespace piperun::plan {

// The rows of one way from a source to a node.
struct Origin {
  ir::SourceId source = 0;
  std::vector<std::string>
      fields;  // per column that was asked for: a field or hidden column of the source; "": it may be anything
  friend auto operator<=>(const Origin&, const Origin&) = default;
};

// Of columns of the rows that flow into `node`: each way once. A value that was computed or converted is no copy.
std::vector<Origin> origins(const ir::Program& program, const ir::Dataflow& dataflow, ir::NodeId node,
                            const std::vector<int>& columns);

}  // namespace piperun::plan
