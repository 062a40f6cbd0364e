#include "lang/prove/explore.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string_view>
#include <unordered_set>

#include "lang/plan/protocols.h"
#include "lang/plan/systems.h"
#include "lang/prove/changes.h"
#include "lang/prove/trace.h"

namespace piperun::prove {
namespace {

using ir::StepKind;

struct HashWorld {
  std::size_t operator()(const World& world) const {
    return std::hash<std::string_view>{}({reinterpret_cast<const char*>(&world), sizeof world});
  }
};

// Worlds in the order in which they are found: by number of faults, then by number of steps. So the first world that shows a fault of
// the protocol shows it with the fewest faults and steps.
class Search {
 public:
  Search(const Subject& subject, const Bounds& bounds, Faults kind) : subject_(subject), bounds_(bounds), kind_(kind) {
    layer_.push_back({0, Event{.what = Happening::Restart}, World{}});
  }

  // `look` sees every world once, `cross` every move out of one.
  template <typename Look, typename Cross>
  void run(Look look, Cross cross) {
    for (faults_ = 0; faults_ <= bounds_.faults && !layer_.empty(); ++faults_) {
      std::vector<Next> after;
      for (std::size_t i = 0; i < layer_.size(); ++i) {
        const auto [from, event, world] = layer_[i];
        if (!enter(from, event, world)) continue;
        const std::size_t here = found_.size() - 1;
        look(here, world, faults_);
        for (const Move& move : moves(subject_, world, faults_ < bounds_.faults ? kind_ : Faults::None)) {
          cross(here, move.event);
          if (!seen_.contains(move.next)) (is_fault(move.event.what) ? after : layer_).push_back({here, move.event, move.next});
        }
      }
      layer_ = std::move(after);
    }
  }

  std::vector<Event> way_to(std::size_t index, std::vector<Event> events = {}) const {
    for (; index != 0; index = found_[index].from) events.push_back(found_[index].event);
    std::ranges::reverse(events);
    return events;
  }

  std::size_t size() const { return found_.size(); }

 private:
  struct Next {
    std::size_t from;
    Event event;
    World world;
  };
  struct Found {
    std::size_t from;
    Event event;
  };

  bool enter(std::size_t from, const Event& event, const World& world) {
    if (!seen_.insert(world).second) return false;
    found_.push_back({from, event});
    return true;
  }

  const Subject& subject_;
  Bounds bounds_;
  Faults kind_;
  int faults_ = 0;
  std::vector<Next> layer_;
  std::vector<Found> found_;
  std::unordered_set<World, HashWorld> seen_;
};

bool has(const ir::Protocol& protocol, StepKind kind) { return std::ranges::count(protocol.batch, kind, &ir::Step::kind) > 0; }

// All is done, and nobody is left who could still do something.
bool is_settled(const World& world) {
  return is_idle(world) && world.owner.queued == Queue{} && !world.ex.alive && !world.on_its_way.open;
}

bool state_fits(const Subject& subject, const World& world) {
  for (std::size_t i = 0; i < kRecords; ++i) {
    if (has(subject.protocol, StepKind::PutState) && world.state[i] != 1) return false;
    if (has(subject.protocol, StepKind::ApplyState) && world.local[i] != world.state[i]) return false;
  }
  return true;
}

// Two subjects with one shape have one verdict.
std::string shape(const Subject& subject) {
  std::string text = subject.group ? "g" : "-";
  text += subject.ignores_repeats ? "i" : "-";
  text += subject.outbox ? "o" : "-";
  for (int list = 0; list <= static_cast<int>(ListId::OnStop); ++list) {
    for (const ir::Step& step : list_of(subject.protocol, static_cast<ListId>(list))) {
      text += static_cast<char>(step.kind);
      text += static_cast<char>(static_cast<int>(step.mode) * 4 + (step.later ? 2 : 0) + (step.in_transaction ? 1 : 0));
    }
    text += '\xff';
  }
  return text;
}

}  // namespace

namespace {

using Way = std::optional<std::vector<Event>>;

// What all subjects of one shape share: the numbers of the verdict, and the shortest ways, not yet in words.
struct Findings {
  Verdict numbers;
  Way loss, repeat, state, alarm;
};

void search(const Subject& subject, const Bounds& bounds, Faults kind, Findings& found) {
  Search search(subject, bounds, kind);
  found.numbers.states = 0;
  const auto note = [&](Way& way, std::size_t world) {
    if (!way) way = search.way_to(world);
  };
  const auto look = [&](std::size_t index, const World& world, int faults) {
    if (std::max(world.effects[0], world.effects[1]) > 1) note(found.repeat, index);
    if (!is_settled(world)) return;
    if (faults == 0) found.numbers.terminates = true;
    if (std::min(world.effects[0], world.effects[1]) == 0) note(found.loss, index);
    if (subject.track_state && !state_fits(subject, world)) note(found.state, index);
  };
  // The world after a refusal is the world after a kill: only the move itself shows that it was for nothing.
  const auto cross = [&](std::size_t from, const Event& event) {
    if (event.what == Happening::Refused && !event.by_ex && event.current && !found.alarm)
      found.alarm = search.way_to(from, {event});
  };
  search.run(look, cross);
  found.numbers.states = search.size();
}

Findings find(const Subject& subject, const Bounds& bounds) {
  Findings found;
  found.numbers.ignores_repeats = subject.ignores_repeats;
  found.numbers.terminates = false;
  search(subject, {.faults = std::min(1, bounds.faults)}, Faults::Kills, found);
  search(subject, bounds, Faults::All, found);
  if (found.loss) found.numbers.at_least = 0;
  if (found.repeat) found.numbers.at_most = 2;
  found.numbers.state_once = !found.state;
  return found;
}

Verdict in_words(const Findings& found, const Subject& subject, const ir::Program& program, ir::SinkId sink) {
  Verdict verdict = found.numbers;
  verdict.sink = sink;
  const auto tell = [&](const Way& way, Ending ending) {
    return way ? in_words(*way, subject, program, ending) : std::vector<std::string>();
  };
  verdict.loss = tell(found.loss, Ending::Lost);
  verdict.repeat = tell(found.repeat, Ending::Repeated);
  verdict.state = tell(found.state, Ending::StateWrong);
  verdict.alarm = tell(found.alarm, Ending::Refused);
  if (!verdict.terminates && verdict.loss.empty()) verdict.loss = {"no fault is needed: the second batch is never done"};
  return verdict;
}

}  // namespace

Verdict explore(const Subject& subject, const ir::Program& program, ir::SinkId sink, const Bounds& bounds) {
  return in_words(find(subject, bounds), subject, program, sink);
}

Subject subject_of(const ir::Program& program, const ir::Unit& unit, ir::SinkId sink) {
  Subject subject{.protocol = unit.protocol, .group = false, .ignores_repeats = program.sinks[sink].idempotent_by_key};
  subject.outbox = plan::reads_outbox(program, unit);
  subject.group = plan::traits(plan::runs_as(program.systems[unit.domain])).group_managed;
  subject.track_state = program.delivery == ir::Delivery::ExactlyOnce;
  for (auto* list : {&subject.protocol.on_assign, &subject.protocol.batch, &subject.protocol.on_revoke, &subject.protocol.on_lost,
                     &subject.protocol.on_unclear, &subject.protocol.on_poison, &subject.protocol.on_stop}) {
    std::erase_if(*list, [&](const ir::Step& step) { return step.sink != ir::kNone && step.sink != sink; });
  }
  return subject;
}

std::vector<Verdict> explore(const ir::Program& program, const ir::Unit& unit, const Bounds& bounds) {
  std::vector<Verdict> verdicts;
  std::map<std::string, Findings> known;
  for (const ir::SinkId sink : unit.sinks) {
    const Subject subject = subject_of(program, unit, sink);
    const auto [found, is_new] = known.try_emplace(shape(subject));
    if (is_new) found->second = find(subject, bounds);
    verdicts.push_back(in_words(found->second, subject, program, sink));
  }
  return verdicts;
}

bool Verdict::holds(ir::Delivery delivery) const {
  if (!terminates || !alarm.empty()) return false;
  switch (delivery) {
    case ir::Delivery::AtMostOnce: return at_most <= 1;
    case ir::Delivery::AtLeastOnce: return at_least >= 1;
    case ir::Delivery::ExactlyOnce: return at_most <= 1 && at_least >= 1 && state_once;
  }
  return false;
}

std::string words(const Verdict& verdict) {
  if (!verdict.terminates) return "never: the unit makes no progress";
  if (verdict.at_least >= 1 && verdict.at_most <= 1) {
    return verdict.ignores_repeats ? "exactly once, if the receiver ignores what it has already" : "exactly once";
  }
  if (verdict.at_least >= 1) return "at least once";
  return verdict.at_most <= 1 ? "at most once" : "no promise";
}

std::string words(const Effects& effects) {
  static constexpr std::array kFates{"lost", "once", "twice"};
  const auto fate = [](int count) { return kFates.at(static_cast<std::size_t>(count)); };
  if (effects.least == effects.most) return fate(effects.least);
  if (effects.least == 1) return "once or twice";
  return effects.most == 1 ? "once or lost" : "lost, once or twice";
}

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

}  // namespace piperun::prove
