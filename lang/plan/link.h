// Internal topics and outboxes: what one unit of a chain writes and others read.
#pragma once
#include <map>
#include <string>

#include "lang/ir/program.h"
#include "lang/plan/port.h"

namespace piperun::plan {

// Columns that arrive behind a port. The record type of a link has exactly these; a hidden column `#time` is there called `@time`.
const ir::Schema& schema_behind(const ir::Program& program, Port port);

// Adds the internal topic with its sink and source to the program; returns its index in `links`.
std::size_t add_link(ir::Program& program, ir::SystemId system, Port from, std::map<std::string, int>& links_of_flow);

// The one for dead letters of `unit` that are to go to `sink`: each record is one letter, as text.
std::size_t add_letter_link(ir::Program& program, const ir::Unit& unit, const ir::Sink& sink);

// The nodes that read and write it, without edges.
ir::Node link_reader(const ir::Program& program, const ir::Link& link, const ir::Node& writer);
ir::Node link_writer(const ir::Program& program, const ir::Link& link, const ir::Node& from);

}  // namespace piperun::plan
