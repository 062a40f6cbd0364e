#include "lang/plan/after.h"

#include <algorithm>

namespace piperun::plan {
namespace {

constexpr const char* kAfter = "after";  // among the options of the sink

}  // namespace

void write_after(ir::Sink& sink, const ir::Sink& other) { sink.options[kAfter] = other.name; }

std::optional<ir::SinkId> written_after(const ir::Program& program, ir::SinkId sink) {
  const auto after = program.sinks[sink].options.find(kAfter);
  if (after == program.sinks[sink].options.end()) return std::nullopt;
  const auto found = std::ranges::find(program.sinks, after->second, &ir::Sink::name);
  return found == program.sinks.end() ? std::nullopt : std::optional(static_cast<ir::SinkId>(found - program.sinks.begin()));
}

}  // namespace piperun::plan
