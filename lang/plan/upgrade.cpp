#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "lang/plan/manifest.h"

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

bool answers(const std::vector<Upgrade>& ways, Upgrade chosen) { return std::ranges::count(ways, chosen) > 0; }

// Collects what differs. What needs a person is refused unless `chosen` answers every one of these changes.
class Comparison {
 public:
  Comparison(const Manifest& stored, const Manifest& now, Upgrade chosen) : stored_(stored), now_(now), chosen_(chosen) {}

  Decision decide() {
    decision_.unit = now_.unit;
    if (stored_.program != now_.program) change("the stages have changed");
    if (stored_.sinks != now_.sinks) change("the sinks have changed");
    delivery();
    sources();
    operators();
    const bool is_equal = decision_.changes.empty();
    decision_.outcome = decision_.code ? Outcome::Refused : is_equal ? Outcome::Equal : Outcome::Compatible;
    return std::move(decision_);
  }

 private:
  void change(std::string words) { decision_.changes.push_back(std::move(words)); }

  void ask(Code code, std::vector<Upgrade> ways, std::string words) {
    change(std::move(words));
    if (answers(ways, chosen_) || decision_.code) return;
    decision_.code = code;
    decision_.ways = std::move(ways);
  }

  void delivery() {
    if (stored_.delivery == now_.delivery) return;
    ask(Code::P0520, {Upgrade::Keep}, fmt::format("`delivery` was {} and is {} now", stored_.delivery, now_.delivery));
  }

  void sources() {
    for (const Manifest::Topic& topic : now_.sources) {
      const Manifest::Topic* before = find_topic(stored_, topic.source);
      if (!before) {
        change(fmt::format("`{}` is a new source: its option `start` applies to it", topic.source));
      } else if (before->topic != topic.topic) {
        ask(Code::P0517, {Upgrade::Keep}, fmt::format("`{}` read `{}` and reads `{}` now", topic.source, before->topic, topic.topic));
      } else if (before->partitions > 0 && topic.partitions > 0 && before->partitions != topic.partitions && !now_.operators.empty()) {
        ask(Code::P0518, {Upgrade::Reset}, fmt::format("`{}` had {} partitions and has {} now", topic.source, before->partitions, topic.partitions));
      }
    }
    for (const Manifest::Topic& topic : stored_.sources) {
      if (!find_topic(now_, topic.source)) ask(Code::P0517, {Upgrade::Keep}, fmt::format("`{}` is not read any more", topic.source));
    }
  }

  void operators() {
    for (const Manifest::State& state : now_.operators) {
      const Manifest::State* before = find_state(stored_, state.name);
      if (!before) {
        if (!takes_over(state)) ask(Code::P0514, {Upgrade::Keep, Upgrade::Reset}, fmt::format("`{}` is new and begins without keys", state.name));
      } else if (!same_form(*before, state)) {
        ask(Code::P0511, {Upgrade::Reset},
            fmt::format("the key of `{}` was ({}) and is ({}) now", state.name, fmt::join(before->key, ", "), fmt::join(state.key, ", ")));
      } else if (before->within != state.within) {
        ask(Code::P0512, {Upgrade::Keep, Upgrade::Reset}, fmt::format("`{}` remembered keys for {} s and does for {} s now", state.name,
                                                                      before->within / 1'000'000, state.within / 1'000'000));
      }
    }
    for (const Manifest::State& state : stored_.operators) {
      if (find_state(now_, state.name)) continue;
      std::vector<Upgrade> ways{Upgrade::Reset};
      if (heirs(state) == 1) ways.insert(ways.begin(), Upgrade::Migrate);
      ask(Code::P0513, std::move(ways), fmt::format("`{}` is not in the program any more, and its keys are stored", state.name));
    }
  }

  // New stages that could have been `state` before a renaming.
  std::ptrdiff_t heirs(const Manifest::State& state) const {
    return std::ranges::count_if(now_.operators, [&](const auto& n) { return !find_state(stored_, n.name) && same_form(n, state); });
  }

  // A new stage that is one left-behind state under another name: that question is asked once, as P0513.
  bool takes_over(const Manifest::State& state) const {
    return std::ranges::any_of(stored_.operators, [&](const auto& s) { return !find_state(now_, s.name) && same_form(s, state) && heirs(s) == 1; });
  }

  const Manifest& stored_;
  const Manifest& now_;
  Upgrade chosen_;
  Decision decision_;
};

const Manifest* find_unit(const std::vector<Manifest>& manifests, const std::string& unit) {
  const auto found = std::ranges::find(manifests, unit, &Manifest::unit);
  return found == manifests.end() ? nullptr : &*found;
}

bool shares_source(const Manifest& a, const Manifest& b) {
  return std::ranges::any_of(a.sources, [&](const Manifest::Topic& t) {
    const Manifest::Topic* other = find_topic(b, t.source);
    return other && other->topic == t.topic;
  });
}

Decision moved(const Manifest& from, const Manifest& now, Upgrade chosen) {
  Decision decision{.unit = now.unit, .outcome = Outcome::Moved, .from = from.unit, .changes = {}, .code = {}, .ways = {}};
  decision.changes.push_back(fmt::format("it reads what `{}` read, which committed in `{}`; positions move to `{}`", from.unit, from.domain, now.domain));
  if (!from.operators.empty()) {
    decision.changes.push_back(fmt::format("the keys of `{}` stay behind", from.operators.front().name));
    decision.ways = {Upgrade::Reset};
    decision.code = Code::P0516;
  } else {
    decision.ways = {Upgrade::Migrate};
    decision.code = Code::P0515;
  }
  if (answers(decision.ways, chosen)) decision.code.reset();
  return decision;
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
  Decision decision{.unit = is ? is->unit : "", .outcome = Outcome::Refused, .from = {}, .changes = {}, .code = Code::P0519, .ways = {}};
  decision.changes.push_back(fmt::format("the stored manifest cannot be read: {}", was ? is.error() : was.error()));
  return decision;
}

std::vector<Decision> compare(const std::vector<Manifest>& stored, const std::vector<Manifest>& now, Upgrade chosen) {
  std::vector<Decision> decisions;
  std::vector<std::string> moved_from;
  for (const Manifest& unit : now) {
    if (const Manifest* same = find_unit(stored, unit.unit)) {
      decisions.push_back(compare(*same, unit, chosen));
      continue;
    }
    const auto from = std::ranges::find_if(stored, [&](const Manifest& m) { return !find_unit(now, m.unit) && shares_source(m, unit); });
    if (from == stored.end()) {
      decisions.push_back({.unit = unit.unit, .outcome = Outcome::New, .from = {}, .changes = {"nothing is stored: it begins at `start`"}, .code = {}, .ways = {}});
    } else {
      decisions.push_back(moved(*from, unit, chosen));
      moved_from.push_back(from->unit);
    }
  }
  for (const Manifest& unit : stored) {
    if (find_unit(now, unit.unit) || std::ranges::count(moved_from, unit.unit)) continue;
    decisions.push_back({.unit = unit.unit, .outcome = Outcome::Gone, .from = {},
                         .changes = {"it is not in the program any more; its positions stay where they are"}, .code = {}, .ways = {}});
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
