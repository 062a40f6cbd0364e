#include "lang/prove/explore.h"

#include <algorithm>
#include <array>
#include <map>
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

void search(const Subject& subject, const ir::Program& program, const Bounds& bounds, Faults kind, Verdict& verdict) {
  Search search(subject, bounds, kind);
  const auto tell = [&](std::size_t world, Ending ending) { return in_words(search.way_to(world), subject, program, ending); };
  const auto look = [&](std::size_t index, const World& world, int faults) {
    const int most = std::max(world.effects[0], world.effects[1]);
    if (most > 1 && verdict.repeat.empty()) verdict.repeat = tell(index, Ending::Repeated), verdict.at_most = 2;
    if (!is_settled(world)) return;
    if (faults == 0) verdict.terminates = true;
    const int least = std::min(world.effects[0], world.effects[1]);
    if (least == 0 && verdict.at_least != 0) verdict.loss = tell(index, Ending::Lost), verdict.at_least = 0;
    if (subject.track_state && verdict.state_once && !state_fits(subject, world)) {
      verdict.state_once = false;
      verdict.state = tell(index, Ending::StateWrong);
    }
  };
  // The world after a refusal is the world after a kill: only the move itself shows that it was for nothing.
  const auto cross = [&](std::size_t from, const Event& event) {
    if (event.what != Happening::Refused || event.by_ex || !event.current || !verdict.alarm.empty()) return;
    verdict.alarm = in_words(search.way_to(from, {event}), subject, program, Ending::Refused);
  };
  search.run(look, cross);
  verdict.states += search.size();
}

}  // namespace

Verdict explore(const Subject& subject, const ir::Program& program, ir::SinkId sink, const Bounds& bounds) {
  Verdict verdict;
  verdict.sink = sink;
  verdict.ignores_repeats = subject.ignores_repeats;
  verdict.terminates = false;
  search(subject, program, {.faults = std::min(1, bounds.faults)}, Faults::Kills, verdict);
  verdict.states = 0;
  search(subject, program, bounds, Faults::All, verdict);
  if (!verdict.terminates && verdict.loss.empty()) verdict.loss = {"no fault is needed: the second batch is never done"};
  return verdict;
}

Subject subject_of(const ir::Program& program, const ir::Unit& unit, ir::SinkId sink) {
  Subject subject{.protocol = unit.protocol, .group = false, .ignores_repeats = program.sinks[sink].idempotent_by_key};
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
  std::map<std::string, std::size_t> known;
  for (const ir::SinkId sink : unit.sinks) {
    const Subject subject = subject_of(program, unit, sink);
    const auto [found, is_new] = known.try_emplace(shape(subject), verdicts.size());
    if (is_new) {
      verdicts.push_back(explore(subject, program, sink, bounds));
      continue;
    }
    Verdict same = verdicts[found->second];
    if (!same.loss.empty() || !same.repeat.empty() || !same.state.empty() || !same.alarm.empty())
      same = explore(subject, program, sink, bounds);
    same.sink = sink;
    verdicts.push_back(std::move(same));
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

Effects range_of(const std::vector<int>& counts) {
  const auto [least, most] = std::ranges::minmax(counts);
  return {least, most};
}

// Killed when `steps` steps of the first batch are done.
void kill_after(const Subject& subject, std::size_t steps, CrashRow& row) {
  const auto reached = [&](const World& w) {
    if (!w.owner.alive || static_cast<ListId>(w.owner.list) != ListId::Batch) return false;
    return w.owner.position > 0 || w.owner.step >= steps;
  };
  const World killed = run_until(subject, World{}, reached);
  row.position_moved = killed.position > 0;
  std::vector<int> visible, finally;
  for (const World& world : Changes(subject).gone(killed, false)) {
    visible.push_back(world.effects[0]);
    finally.push_back(run_until(subject, world, is_idle).effects[0]);
  }
  row.visible.push_back(range_of(visible));
  row.finally.push_back(range_of(finally));
}

}  // namespace

std::vector<CrashRow> crash_table(const ir::Program& program, const ir::Unit& unit) {
  std::vector<CrashRow> table;
  const auto& batch = unit.protocol.batch;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    CrashRow row{.step = ir::step_name(batch[i], program.sinks), .position_moved = false, .visible = {}, .finally = {}};
    for (const ir::SinkId sink : unit.sinks) {
      const Subject subject = subject_of(program, unit, sink);
      const auto done = std::count_if(batch.begin(), batch.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                                      [&](const ir::Step& s) { return s.sink == ir::kNone || s.sink == sink; });
      kill_after(subject, static_cast<std::size_t>(done), row);
    }
    table.push_back(std::move(row));
  }
  return table;
}

}  // namespace piperun::prove
