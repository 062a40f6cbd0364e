#include "lang/plan/plan.h"

#include "lang/plan/dead_letters.h"
#include "lang/plan/protocols.h"
#include "lang/plan/units.h"

namespace piperun::plan {

bool make_units(ir::Program& program, const Places& places, diag::Report& report) {
  const std::size_t before = report.error_count();
  cut(program, places, report);
  relay_dead_letters(program, places, report);
  for (ir::Unit& unit : program.units) unit.protocol = protocol_of(program, unit);
  return report.error_count() == before;
}

}  // namespace piperun::plan
