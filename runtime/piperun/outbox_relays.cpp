#include "runtime/piperun/outbox_relays.h"

#include <algorithm>
#include <functional>

#include "lang/ir/outbox.h"
#include "runtime/engine/secrets.h"

namespace piperun::cli {
namespace {

using base::Result;

using Visit = std::function<Result<void>(const ir::Source&, connectors::OutboxRelay&)>;

// Calls `visit` with the relay of each outbox table that the unit reads, claimed: who had it can change nothing more.
Result<void> each_relay(const ir::Program& program, const ir::Unit& unit, connectors::Connectors& connectors,
                        const Visit& visit) {
  for (const ir::SourceId id : unit.sources) {
    const ir::Source& source = program.sources[id];
    if (!ir::is_outbox(source) || program.systems[source.system].stand_in) continue;
    auto relay = connectors.open_relay(program, unit, id);
    if (!relay) return std::unexpected(relay.error());
    if (!*relay) continue;
    if (auto claimed = (*relay)->claim(); !claimed) return claimed;
    if (auto done = visit(source, **relay); !done) return done;
  }
  return {};
}

Result<void> each_relay(const StoreSet& set, const std::string& name, World& world, const Visit& visit) {
  if (!set.compiled) return {};
  const ir::Program& program = *set.compiled->program;
  const auto unit = std::ranges::find(program.units, name, &ir::Unit::name);
  if (unit == program.units.end()) return {};
  const auto connectors = connectors::make_connectors(set.state_dir, set.base_dir, world.clock, engine::secret_from_environment);
  return each_relay(program, *unit, *connectors, visit);
}

Result<void> leave(const ir::Source&, connectors::OutboxRelay& relay) { return relay.leave(); }

}  // namespace

Result<void> keep_rows(const StoreSet& set, const UnitLedger& unit,
                       const std::map<commit::PartitionName, std::int64_t>& positions, World& world) {
  return each_relay(set, unit.unit, world, [&](const ir::Source& source, connectors::OutboxRelay& relay) -> Result<void> {
    for (const commit::Position& now : unit.positions) {
      const auto target = positions.find(now.partition);
      if (now.partition.topic != source.object || target == positions.end()) continue;
      if (auto kept = relay.keep_from(std::min(now.next_offset, target->second)); !kept) return kept;
    }
    return {};
  });
}

Result<void> forget_relays(const StoreSet& set, const std::string& unit, World& world) {
  return each_relay(set, unit, world, leave);
}

Result<void> forget_relays(const ir::Program& program, connectors::Connectors& connectors) {
  for (const ir::Unit& unit : program.units) {
    if (auto done = each_relay(program, unit, connectors, leave); !done) return done;
  }
  return {};
}

}  // namespace piperun::cli
