#include "runtime/piperun/environment.h"

#include <algorithm>

namespace piperun::cli {
namespace {

template <typename Declaration>
const ir::Site* first_use(const std::vector<Declaration>& declarations, ir::SystemId system) {
  const auto found = std::ranges::find(declarations, system, &Declaration::system);
  return found == declarations.end() ? nullptr : &found->site;
}

}  // namespace

ir::Site site_of(const ir::Program& program, ir::SystemId system) {
  const ir::Site* site = first_use(program.sources, system);
  if (site == nullptr) site = first_use(program.sinks, system);
  if (site == nullptr) site = first_use(program.tables, system);
  return site == nullptr ? ir::Site{} : *site;
}

}  // namespace piperun::cli
