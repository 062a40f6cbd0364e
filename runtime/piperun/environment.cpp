#include "runtime/piperun/environment.h"

#include "lang/ir/declared.h"

namespace piperun::cli {

// Of what the FILE declares: what lies between two units has the place of a stage.
ir::Site site_of(const ir::Program& program, ir::SystemId system) {
  for (ir::SourceId id = 0; id < program.sources.size(); ++id) {
    if (program.sources[id].system == system && ir::link_read(program, id) == nullptr) return program.sources[id].site;
  }
  for (ir::SinkId id = 0; id < program.sinks.size(); ++id) {
    if (program.sinks[id].system == system && ir::link_written(program, id) == nullptr) return program.sinks[id].site;
  }
  for (const ir::Table& table : program.tables) {
    if (table.system == system) return table.site;
  }
  return {};
}

}  // namespace piperun::cli
