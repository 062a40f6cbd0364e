#include "runtime/piperun/outbox_relays.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "lang/ir/declared.h"
#include "lang/ir/outbox.h"
#include "runtime/connectors/postgres/outbox_table.h"
#include "runtime/engine/secrets.h"

namespace piperun::cli {
namespace {

using base::Result;

using Visit = std::function<Result<void>(const ir::Source&, connectors::OutboxRelay&)>;

enum class Of : std::uint8_t { Anybody, NobodyElse };

// Calls `visit` with the relay of each outbox table that the unit reads, claimed: who had it can change nothing more. Of::NobodyElse
// leaves out those that another process reads now.
Result<void> each_relay(const ir::Program& program, const ir::Unit& unit, connectors::Connectors& connectors, const Visit& visit,
                        Of of = Of::Anybody) {
  for (const ir::SourceId id : unit.sources) {
    const ir::Source& source = program.sources[id];
    if (!ir::is_outbox(source) || program.systems[source.system].stand_in) continue;
    auto relay = connectors.open_relay(program, unit, id);
    if (!relay) return std::unexpected(relay.error());
    if (!*relay) continue;
    const auto is_held = of == Of::NobodyElse ? (*relay)->is_held_elsewhere() : Result<bool>(false);
    if (!is_held) return std::unexpected(is_held.error());
    if (*is_held) continue;
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
      auto kept = relay.keep_from(std::min(now.next_offset, target->second));
      const bool is_of_another = !kept && kept.error().code == base::ErrorCode::PositionGone && now.next_offset < target->second;
      if (is_of_another) kept = relay.keep_from(target->second);  // numbers of another database say nothing about its rows
      // Rows that are left out get their numbers now: a position ahead of all numbers is that of a database that went back in time.
      if (kept && target->second > now.next_offset) kept = relay.number_rows(target->second, 0);
      if (!kept) return kept;
    }
    return {};
  });
}

Result<void> forget_relays(const StoreSet& set, const std::string& unit, World& world) {
  return each_relay(set, unit, world, leave);
}

Result<void> forget_relays(const ir::Program& program, connectors::Connectors& connectors) {
  for (const ir::Unit& unit : program.units) {
    if (auto done = each_relay(program, unit, connectors, leave, Of::NobodyElse); !done) return done;
  }
  return {};
}

Result<std::vector<std::string>> outboxes_begun(const ir::Program& program) {
  std::vector<std::string> result;
  for (const ir::Unit& unit : program.units) {
    for (const ir::SourceId id : unit.sources) {
      const ir::Source& source = program.sources[id];
      const bool is_link = ir::link_read(program, id) != nullptr;
      if (!ir::is_outbox(source) || is_link || program.systems[source.system].stand_in || source.start != "earliest") continue;
      auto settings = postgres::postgres_settings(program.systems[source.system], engine::secret_from_environment, unit.name);
      if (!settings) return std::unexpected(settings.error());
      const auto session = postgres::Session::open(std::move(*settings));
      if (!session) return std::unexpected(session.error());
      const auto stored = postgres::describe(**session, source.object);
      if (!stored) return std::unexpected(stored.error());
      const auto gone = postgres::rows_gone(**session, *stored, program.id, unit.name);
      if (!gone) return std::unexpected(gone.error());
      if (*gone == 0) continue;
      result.push_back(fmt::format(
          "the outbox `{}` is emptied by those who read it, and the {} have been sent by others and are gone: {} of {} "
          "reads what comes behind",
          source.object, *gone == 1 ? "row 0" : fmt::format("rows 0 to {}", *gone - 1), unit.name, program.id));
    }
  }
  return result;
}

}  // namespace piperun::cli
