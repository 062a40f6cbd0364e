// What a source, a table or a sink is in its system.
#pragma once
#include <algorithm>
#include <string>

#include "lang/ir/program.h"

namespace piperun::ir {

// Its topic, table or path: called like the declaration itself unless that says otherwise.
template <typename Declared>
const std::string& object_of(const Declared& declared) {
  return declared.object.empty() ? declared.name : declared.object;
}

// The link that a sink writes, or a source reads; null: it is declared in the file.
inline const Link* link_written(const Program& program, SinkId sink) {
  const auto found = std::ranges::find(program.links, sink, &Link::sink);
  return found == program.links.end() ? nullptr : &*found;
}
inline const Link* link_read(const Program& program, SourceId source) {
  const auto found = std::ranges::find(program.links, source, &Link::source);
  return found == program.links.end() ? nullptr : &*found;
}

}  // namespace piperun::ir
