// Reachability in a dataflow: the questions that cutting asks.
#pragma once
#include <set>
#include <vector>

#include "lang/ir/program.h"

namespace piperun::plan {

using Nodes = std::set<ir::NodeId>;

class Graph {
 public:
  explicit Graph(const ir::Dataflow& dataflow);

  Nodes below(Nodes from) const;  // those nodes and all that they lead to
  Nodes above(Nodes from) const;  // those nodes and all that lead to them
  Nodes inputs(const ir::Program& program, ir::SystemId system) const;
  Nodes outputs() const;

 private:
  const ir::Dataflow& dataflow_;
  std::vector<Nodes> previous_;
};

Nodes intersection(const Nodes& a, const Nodes& b);

// It keeps state between records.
bool is_stateful(const ir::Node& node);

// Doing it twice may give two results: two units must not each do it for themselves.
bool is_unrepeatable(const ir::Node& node);

}  // namespace piperun::plan
