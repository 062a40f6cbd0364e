// Questions about a dataflow: schemas at each edge, and who leads to whom.
#pragma once
#include <vector>

#include "lang/ir/program.h"

namespace piperun::ir {

// What a node sends out of a port. Valid as long as the program's functions are.
const Schema& output_schema(const Program& program, const Node& node, std::size_t port);

struct Incoming {
  NodeId from;
  std::uint32_t port;
};
// Per node: the edges that lead to it, in node order.
std::vector<std::vector<Incoming>> incoming_edges(const Dataflow& dataflow);

// What flows into a node: the schema of its first incoming edge; null for a node without one.
const Schema* input_schema(const Program& program, const Dataflow& dataflow, const std::vector<Incoming>& incoming);

// The kind of a node's operator: `input`, `apply`, …
const char* operator_name(const Node& node);

}  // namespace piperun::ir
