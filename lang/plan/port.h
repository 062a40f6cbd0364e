// Where the records of a stage leave it.
#pragma once
#include <compare>
#include <cstdint>

#include "lang/ir/program.h"

namespace piperun::plan {

// An output of a node of the uncut graph.
struct Port {
  ir::NodeId node = 0;
  std::uint32_t port = 0;
  friend auto operator<=>(const Port&, const Port&) = default;
};

}  // namespace piperun::plan
