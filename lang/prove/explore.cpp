#include "lang/prove/explore.h"

#include <algorithm>
#include <map>
#include <optional>

#include "lang/plan/protocols.h"
#include "lang/plan/systems.h"
#include "lang/prove/search.h"
#include "lang/prove/trace.h"

namespace piperun::prove {
namespace {

using ir::StepKind;

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

}  // namespace piperun::prove
