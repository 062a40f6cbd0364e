// `to SINK after OTHER`: what goes to SINK is seen only when what went to OTHER is committed.
#pragma once
#include <optional>

#include "lang/ir/program.h"

namespace piperun::plan {

void write_after(ir::Sink& sink, const ir::Sink& other);
// The OTHER of a sink.
std::optional<ir::SinkId> written_after(const ir::Program& program, ir::SinkId sink);

}  // namespace piperun::plan
