#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "lang/plan/manifest.h"
#include "lang/value/duration_text.h"

namespace piperun::plan {
namespace {

using diag::Code;

const Manifest::State* find_state(const Manifest& manifest, const std::string& name) {
  const auto found = std::ranges::find(manifest.operators, name, &Manifest::State::name);
  return found == manifest.operators.end() ? nullptr : &*found;
}

const Manifest::Topic* find_topic(const Manifest& manifest, const std::string& source) {
  const auto found = std::ranges::find(manifest.sources, source, &Manifest::Topic::source);
  return found == manifest.sources.end() ? nullptr : &*found;
}

bool same_form(const Manifest::State& a, const Manifest::State& b) { return a.kind == b.kind && a.key == b.key; }

bool same_fields(const Manifest::State& a, const Manifest::State& b) {
  return a.fields == b.fields || a.fields.empty() || b.fields.empty();
}

bool same_key(const Manifest::State& a, const Manifest::State& b) { return same_form(a, b) && same_fields(a, b); }

// "`order_id`, `sku` (string, int64)"
std::string key_words(const Manifest::State& state) {
  const std::string fields = state.fields.empty() ? "" : fmt::format("`{}` ", fmt::join(state.fields, "`, `"));
  return fmt::format("{}({})", fields, fmt::join(state.key, ", "));
}

bool answers(const std::vector<Upgrade>& ways, Upgrade chosen) { return std::ranges::count(ways, chosen) > 0; }

// Keys go from database to database; to a log, whose keys lie in partitions, and from one, they do not.
bool can_hold_keys_of(const Manifest& stored, const Manifest& now) {
  const auto is_own = [](const Manifest& m) { return m.domain_kind == "embedded" || m.domain_kind == "state_store"; };
  return stored.domain_kind == now.domain_kind || (is_own(stored) && is_own(now));
}

// Collects what differs. What needs a person is refused unless `chosen` answers every one of these changes.
class Comparison {
 public:
  // Of a unit with itself, or with the unit that it has become (`is_move`).
  Comparison(const Manifest& stored, const Manifest& now, Upgrade chosen, bool is_move = false)
      : stored_(stored), now_(now), chosen_(chosen), is_move_(is_move) {}

  Decision decide() {
    decision_.unit = now_.unit;
    if (is_move_) move();
    if (stored_.program != now_.program) change("the stages have changed");
    sinks();
    delivery();
    sources();
    operators();
    if (is_move_) {
      decision_.outcome = Outcome::Moved;
      decision_.from = stored_.unit;
      carry();
      return std::move(decision_);
    }
    const bool is_equal = decision_.changes.empty();
    decision_.outcome = decision_.code ? Outcome::Refused : is_equal ? Outcome::Equal : Outcome::Compatible;
    return std::move(decision_);
  }

 private:
  void change(std::string words) { decision_.changes.push_back(std::move(words)); }

  void ask(Code code, std::vector<Upgrade> ways, std::string words) {
    change(std::move(words));
    if (is_move_) {  // there, all that goes along is migrated
      std::ranges::replace(ways, Upgrade::Keep, Upgrade::Migrate);
      if (!answers(ways, Upgrade::Reset)) ways.push_back(Upgrade::Reset);
    }
    if (answers(ways, chosen_) || decision_.code) return;
    decision_.code = code;
    decision_.ways = std::move(ways);
  }

  void move() {
    const std::string words = fmt::format("it reads what `{}` read, which committed in `{}`; positions move to `{}`",
                                          stored_.unit, stored_.domain, now_.domain);
    if (stored_.operators.empty() || can_hold_keys_of(stored_, now_))
      return ask(Code::P0515, {Upgrade::Migrate, Upgrade::Reset}, words);
    ask(Code::P0516, {Upgrade::Reset}, fmt::format("{}; the keys of `{}` stay behind", words, stored_.operators.front().name));
  }

  // Of a unit that moves, every stage's keys either go along or are forgotten.
  void carry() {
    for (const Manifest::State& state : stored_.operators) {
      const Manifest::State* after = find_state(now_, state.name);
      const bool is_told = std::ranges::count(decision_.keys, state.name, &StateMove::from) > 0;
      if (!is_told) decision_.keys.push_back({state.name, chosen_ == Upgrade::Reset || !after ? std::string() : state.name});
    }
  }

  void forget_on_reset(const Manifest::State& state) {
    if (chosen_ == Upgrade::Reset) decision_.keys.push_back({state.name, {}});
  }

  void delivery() {
    if (stored_.delivery == now_.delivery) return;
    if (is_move_) return change(fmt::format("`delivery` was {} and is {} now", stored_.delivery, now_.delivery));
    ask(Code::P0520, {Upgrade::Keep}, fmt::format("`delivery` was {} and is {} now", stored_.delivery, now_.delivery));
  }

  void sinks() {
    if (stored_.sinks != now_.sinks) change("the sinks have changed");
    for (std::size_t i = 0; i < now_.sinks.size() && i < now_.places.size(); ++i) {
      const auto before = static_cast<std::size_t>(std::ranges::find(stored_.sinks, now_.sinks[i]) - stored_.sinks.begin());
      if (before >= stored_.places.size() || stored_.places[before] == now_.places[i]) continue;
      change(fmt::format("`{}` wrote to `{}` and writes to `{}` from now on; what was written stays where it is", now_.sinks[i],
                         stored_.places[before], now_.places[i]));
    }
  }

  void sources() {
    for (const Manifest::Topic& topic : now_.sources) {
      const Manifest::Topic* before = find_topic(stored_, topic.source);
      if (!before) {
        change(fmt::format("`{}` is a new source: its option `start` applies to it", topic.source));
      } else if (before->topic != topic.topic) {
        ask(Code::P0517, {Upgrade::Keep},
            fmt::format("`{}` read `{}` and reads `{}` now", topic.source, before->topic, topic.topic));
      } else if (before->partitions > 0 && topic.partitions > 0 && before->partitions != topic.partitions &&
                 !now_.operators.empty()) {
        ask(Code::P0518, {Upgrade::Reset},
            fmt::format("`{}` had {} partitions and has {} now", topic.source, before->partitions, topic.partitions));
        are_keys_misplaced_ = true;
      }
    }
    for (const Manifest::Topic& topic : stored_.sources) {
      if (!find_topic(now_, topic.source))
        ask(Code::P0517, {Upgrade::Keep}, fmt::format("`{}` is not read any more", topic.source));
    }
  }

  void operators() {
    for (const Manifest::State& state : now_.operators) {
      const Manifest::State* before = find_state(stored_, state.name);
      if (!before) {
        if (!takes_over(state))
          ask(Code::P0514, {Upgrade::Keep, Upgrade::Reset}, fmt::format("`{}` is new and begins without keys", state.name));
      } else if (!same_key(*before, state)) {
        ask(Code::P0511, ways_to_another_key(*before, state),
            fmt::format("the key of `{}` was {} and is {} now", state.name, key_words(*before), key_words(state)));
        forget_on_reset(state);
      } else if (before->within != state.within) {
        ask(Code::P0512, {Upgrade::Keep, Upgrade::Reset},
            fmt::format("`{}` remembered keys for {} and does for {} now", state.name, value::duration_text(before->within),
                        value::duration_text(state.within)));
        forget_on_reset(state);
      } else if (are_keys_misplaced_) {
        forget_on_reset(state);
      }
    }
    for (const Manifest::State& state : stored_.operators) {
      if (find_state(now_, state.name)) continue;
      const std::vector<std::string> heirs = this->heirs(state);
      std::vector<Upgrade> ways{Upgrade::Reset};
      if (heirs.size() == 1) ways.insert(ways.begin(), Upgrade::Migrate);
      ask(Code::P0513, std::move(ways), fmt::format("`{}` is not in the program any more, and its keys are stored", state.name));
      if (chosen_ == Upgrade::Migrate && heirs.size() == 1) decision_.keys.push_back({state.name, heirs.front()});
      forget_on_reset(state);
    }
  }

  // Fields of the same types may be the same ones under other names. In a move `migrate` answers where to, and not this.
  std::vector<Upgrade> ways_to_another_key(const Manifest::State& before, const Manifest::State& now) const {
    if (is_move_ || !same_form(before, now)) return {Upgrade::Reset};
    return {Upgrade::Migrate, Upgrade::Reset};
  }

  // New stages that could have been `state` before a renaming.
  std::vector<std::string> heirs(const Manifest::State& state) const {
    std::vector<std::string> names;
    for (const Manifest::State& after : now_.operators) {
      if (!find_state(stored_, after.name) && same_key(after, state)) names.push_back(after.name);
    }
    return names;
  }

  // A new stage that is one left-behind state under another name: that question is asked once, as P0513.
  bool takes_over(const Manifest::State& state) const {
    return std::ranges::any_of(stored_.operators, [&](const auto& s) {
      return !find_state(now_, s.name) && same_key(s, state) && heirs(s).size() == 1;
    });
  }

  const Manifest& stored_;
  const Manifest& now_;
  Upgrade chosen_;
  bool is_move_;
  bool are_keys_misplaced_ = false;
  Decision decision_;
};

const Manifest* find_unit(const std::vector<Manifest>& manifests, const std::string& unit) {
  const auto found = std::ranges::find(manifests, unit, &Manifest::unit);
  return found == manifests.end() ? nullptr : &*found;
}

bool is_in_use(const Manifest& manifest) { return manifest.moved_to.empty(); }

bool shares_source(const Manifest& a, const Manifest& b) {
  return std::ranges::any_of(a.sources, [&](const Manifest::Topic& t) {
    const Manifest::Topic* other = find_topic(b, t.source);
    return other && other->topic == t.topic;
  });
}

// What `unit` takes over: all that is stored of units that are gone, or that were on their way to it when the process ended.
std::vector<const Manifest*> predecessors(const std::vector<Manifest>& stored, const std::vector<Manifest>& now,
                                          const Manifest& unit) {
  std::vector<const Manifest*> found;
  for (const Manifest& manifest : stored) {
    const bool was_on_its_way = std::ranges::count(manifest.moved_to, unit.unit) > 0;
    const bool is_gone = is_in_use(manifest) && !find_unit(now, manifest.unit) && shares_source(manifest, unit);
    if (manifest.unit != unit.unit && (was_on_its_way || is_gone)) found.push_back(&manifest);
  }
  return found;
}

Decision decided(std::string unit, Outcome outcome, std::string words) {
  Decision decision;
  decision.unit = std::move(unit);
  decision.outcome = outcome;
  decision.changes.push_back(std::move(words));
  return decision;
}

Decision refused(std::string unit, Code code, std::string words, std::vector<Upgrade> ways = {}) {
  Decision decision = decided(std::move(unit), Outcome::Refused, std::move(words));
  decision.code = code;
  decision.ways = std::move(ways);
  return decision;
}

Decision decide(const std::vector<Manifest>& stored, const std::vector<Manifest>& now, const Manifest& unit, Upgrade chosen) {
  const Manifest* same = find_unit(stored, unit.unit);
  if (same && is_in_use(*same)) return Comparison(*same, unit, chosen).decide();
  const std::vector<const Manifest*> before = predecessors(stored, now, unit);
  if (before.size() > 1) {
    return refused(
        unit.unit, Code::P0515,
        fmt::format("both `{}` and `{}` read what it reads, each at a position of its own", before[0]->unit, before[1]->unit));
  }
  if (before.size() == 1) return Comparison(*before.front(), unit, chosen, true).decide();
  if (same && chosen != Upgrade::Reset) {
    return refused(unit.unit, Code::P0515, fmt::format("its positions were given to `{}`", fmt::join(same->moved_to, "`, `")),
                   {Upgrade::Reset});
  }
  return decided(unit.unit, Outcome::New, "nothing is stored: it begins at `start`");
}

// The manifest of `from` names all that take it over, so that one that did not get to it before a crash still does.
void note_where_it_went(std::vector<Decision>& decisions, const std::vector<Manifest>& stored) {
  for (Decision& decision : decisions) {
    if (decision.outcome != Outcome::Moved) continue;
    decision.left_behind = *find_unit(stored, decision.from);
    for (const Decision& other : decisions) {
      if (other.from == decision.from && !std::ranges::count(decision.left_behind->moved_to, other.unit))
        decision.left_behind->moved_to.push_back(other.unit);
    }
  }
}

}  // namespace

const char* name(Upgrade upgrade) {
  switch (upgrade) {
    case Upgrade::None: return "none";
    case Upgrade::Keep: return "keep";
    case Upgrade::Migrate: return "migrate";
    case Upgrade::Reset: return "reset";
  }
  return "";
}

Decision compare(const Manifest& stored, const Manifest& now, Upgrade chosen) { return Comparison(stored, now, chosen).decide(); }

Decision compare(std::string_view stored, std::string_view now, Upgrade chosen) {
  const auto was = parse_manifest(stored), is = parse_manifest(now);
  if (was && is) return compare(*was, *is, chosen);
  return refused(is ? is->unit : "", Code::P0519,
                 fmt::format("the stored manifest cannot be read: {}", was ? is.error() : was.error()));
}

std::vector<Decision> compare(const std::vector<Manifest>& stored, const std::vector<Manifest>& now, Upgrade chosen) {
  std::vector<Decision> decisions;
  for (const Manifest& unit : now) decisions.push_back(decide(stored, now, unit, chosen));
  note_where_it_went(decisions, stored);
  for (const Manifest& unit : stored) {
    if (find_unit(now, unit.unit) || !is_in_use(unit) || std::ranges::count(decisions, unit.unit, &Decision::from)) continue;
    decisions.push_back(
        decided(unit.unit, Outcome::Gone, "it is not in the program any more; its positions stay where they are"));
  }
  return decisions;
}

std::string words(const Decision& decision) {
  const char* outcome = "";
  switch (decision.outcome) {
    case Outcome::Equal: outcome = "equal: it goes on where it is"; break;
    case Outcome::Compatible: outcome = "compatible: it goes on where it is, with a new manifest"; break;
    case Outcome::Refused: outcome = "refused until somebody decides"; break;
    case Outcome::New: outcome = "new"; break;
    case Outcome::Moved: outcome = decision.code ? "moved: refused until somebody decides" : "moved"; break;
    case Outcome::Gone: outcome = "gone"; break;
  }
  std::string text = fmt::format("unit {}: {}\n", decision.unit, outcome);
  for (const std::string& change : decision.changes) text += fmt::format("  - {}\n", change);
  if (!decision.code) return text;
  std::vector<std::string> ways;
  for (const Upgrade way : decision.ways) ways.push_back(fmt::format("`--upgrade {}`", name(way)));
  const diag::CodeInfo& info = diag::info(*decision.code);
  text += fmt::format("  error[{}]: {}\n", info.name, info.title);
  if (!ways.empty()) text += fmt::format("  = help: {}; see `piperun explain {}`\n", fmt::join(ways, " or "), info.name);
  return text;
}

}  // namespace piperun::plan
