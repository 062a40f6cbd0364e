#include "lang/plan/unit_order.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace piperun::plan {
namespace {

bool writes(const ir::Unit& unit, const ir::Link& link) { return std::ranges::count(unit.sinks, link.sink) > 0; }
bool reads(const ir::Unit& unit, const ir::Link& link) { return std::ranges::count(unit.sources, link.source) > 0; }

// It reads what one of the others is still to write.
bool waits(const ir::Program& program, const ir::Unit& unit, const std::vector<ir::Unit>& others) {
  return std::ranges::any_of(program.links, [&](const ir::Link& link) {
    return reads(unit, link) &&
           std::ranges::any_of(others, [&](const ir::Unit& other) { return &other != &unit && writes(other, link); });
  });
}

}  // namespace

void order_units(ir::Program& program) {
  const auto writes_link = [&](const ir::Unit& unit) {
    return std::ranges::any_of(program.links, [&](const ir::Link& link) { return writes(unit, link); });
  };
  std::ranges::stable_sort(program.units, [&](const ir::Unit& a, const ir::Unit& b) {
    const bool first = writes_link(a), second = writes_link(b);
    return first != second ? first : a.name < b.name;
  });
  std::vector<ir::Unit> rest = std::exchange(program.units, {});
  while (!rest.empty()) {
    auto next = std::ranges::find_if(rest, [&](const ir::Unit& unit) { return !waits(program, unit, rest); });
    if (next == rest.end()) next = rest.begin();
    program.units.push_back(std::move(*next));
    rest.erase(next);
  }
}

}  // namespace piperun::plan
