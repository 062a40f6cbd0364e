#include "lang/prove/crash_table.h"

#include <algorithm>
#include <array>
#include <map>

#include "lang/prove/changes.h"
#include "lang/prove/explore.h"

namespace piperun::prove {

namespace {

// The fault-free run, until `stop` says so; the first move is taken where there are several.
template <typename Stop>
World run_until(const Subject& subject, World world, Stop stop) {
  for (int i = 0; i < 1000 && !stop(world); ++i) {
    const auto next = moves(subject, world, Faults::None);
    if (next.empty()) break;
    world = next.front().next;
  }
  return world;
}

struct Killed {
  bool position_moved = false;
  Effects visible, finally;
};

Effects range_of(const std::vector<int>& counts) {
  const auto [least, most] = std::ranges::minmax(counts);
  return {least, most};
}

// Killed when `steps` steps of the first batch are done.
Killed kill_after(const Subject& subject, std::size_t steps) {
  const auto reached = [&](const World& w) {
    if (!w.owner.alive || static_cast<ListId>(w.owner.list) != ListId::Batch) return false;
    return w.owner.position > 0 || w.owner.step >= steps;
  };
  const World killed = run_until(subject, World{}, reached);
  std::vector<int> visible, finally;
  for (const World& world : Changes(subject).gone(killed, false)) {
    visible.push_back(world.effects[0]);
    finally.push_back(run_until(subject, world, is_idle).effects[0]);
  }
  return {killed.position > 0, range_of(visible), range_of(finally)};
}

// Per number of steps done: what a kill does then. The first entry is the kill before any step.
std::vector<Killed> kills(const Subject& subject) {
  std::vector<Killed> all;
  for (std::size_t done = 0; done <= subject.protocol.batch.size(); ++done) all.push_back(kill_after(subject, done));
  return all;
}

}  // namespace

std::vector<CrashRow> crash_table(const ir::Program& program, const ir::Unit& unit) {
  std::vector<CrashRow> table;
  for (const ir::Step& step : unit.protocol.batch)
    table.push_back({.step = ir::step_name(step, program.sinks), .position_moved = false, .visible = {}, .finally = {}});
  std::map<std::string, std::vector<Killed>> known;
  for (const ir::SinkId sink : unit.sinks) {
    const Subject subject = subject_of(program, unit, sink);
    const auto [of_shape, is_new] = known.try_emplace(shape(subject));
    if (is_new) of_shape->second = kills(subject);
    std::size_t done = 0;
    for (std::size_t i = 0; i < table.size(); ++i) {
      const ir::Step& step = unit.protocol.batch[i];
      if (step.sink == ir::kNone || step.sink == sink) ++done;
      const Killed& killed = of_shape->second[done];
      table[i].position_moved = killed.position_moved;
      table[i].visible.push_back(killed.visible);
      table[i].finally.push_back(killed.finally);
    }
  }
  return table;
}

std::string words(const Effects& effects) {
  static constexpr std::array kFates{"lost", "once", "twice"};
  const auto fate = [](int count) { return kFates.at(static_cast<std::size_t>(count)); };
  if (effects.least == effects.most) return fate(effects.least);
  if (effects.least == 1) return "once or twice";
  return effects.most == 1 ? "once or lost" : "lost, once or twice";
}

}  // namespace piperun::prove
