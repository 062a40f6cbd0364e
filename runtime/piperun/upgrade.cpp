#include "runtime/piperun/upgrade.h"

#include <fmt/format.h>

#include <algorithm>

#include "lang/ir/print.h"

namespace piperun::cli {
namespace {

engine::UpgradeDecision decision_of(const plan::Decision& decision) {
  using Kind = engine::UpgradeDecision::Kind;
  engine::UpgradeDecision result;
  for (const plan::StateMove& move : decision.keys) result.keys.push_back({move.from, move.to});
  switch (decision.outcome) {
    case plan::Outcome::Equal: result.kind = Kind::Equal; break;
    case plan::Outcome::Compatible: result.kind = Kind::Compatible; break;
    case plan::Outcome::New: result.kind = Kind::New; break;
    case plan::Outcome::Moved: result.kind = decision.code ? Kind::Refused : Kind::Moved; break;
    case plan::Outcome::Refused:
    case plan::Outcome::Gone: result.kind = Kind::Refused; break;
  }
  if (result.kind == Kind::Refused) result.reason = plan::words(decision);
  if (result.kind != Kind::Moved) return result;
  result.from = decision.from;
  result.left_behind = plan::to_text(*decision.left_behind);
  return result;
}

// Nothing is guessed from a manifest that cannot be read: no unit begins at `start` beside it.
engine::UpgradePlan refused(const commit::Manifest& unreadable, std::size_t units) {
  plan::Decision decision = plan::compare(std::string_view(unreadable.text), std::string_view(unreadable.text));
  decision.unit = unreadable.unit;
  return {std::vector<engine::UpgradeDecision>(units, decision_of(decision)), {}};
}

std::string bounds_text(const plan::Manifest& manifest) {
  std::string text;
  if (!manifest.from.empty()) text += " --from " + manifest.from;
  if (!manifest.until.empty()) text += " --until " + manifest.until;
  return text.empty() ? "without bounds" : "with" + text;
}

// A run of --as goes on from its positions, whatever --from says: other bounds than those that it was made with are somebody's mistake.
void refuse_other_bounds(const plan::Manifest& stored, const plan::Manifest& now, engine::UpgradeDecision& decision) {
  using Kind = engine::UpgradeDecision::Kind;
  if (decision.kind != Kind::Equal && decision.kind != Kind::Compatible) return;
  if (stored.from == now.from && stored.until == now.until) return;
  decision.kind = Kind::Refused;
  decision.reason = fmt::format(
      "the run {} was made {}, has positions in {}, and is called {} now\n"
      "  = help: the bounds that it was made with go on with it; --upgrade keep goes on from its positions with those of now\n"
      "  = help: another --as NAME is another run; `piperun offsets delete FILE --as NAME` forgets this one",
      now.id, bounds_text(stored), now.unit, bounds_text(now));
}

// Units whose heirs have all begun.
std::vector<std::string> retired(const std::vector<plan::Manifest>& stored) {
  const auto has_begun = [&](const std::string& unit) {
    return std::ranges::any_of(stored, [&](const plan::Manifest& m) { return m.unit == unit && m.moved_to.empty(); });
  };
  std::vector<std::string> units;
  for (const plan::Manifest& manifest : stored) {
    if (!manifest.moved_to.empty() && std::ranges::all_of(manifest.moved_to, has_begun)) units.push_back(manifest.unit);
  }
  return units;
}

}  // namespace

std::optional<plan::Upgrade> upgrade_of(std::string_view word) {
  using plan::Upgrade;
  if (word.empty()) return Upgrade::None;
  for (const Upgrade each : {Upgrade::Keep, Upgrade::Migrate, Upgrade::Reset}) {
    if (word == plan::name(each)) return each;
  }
  return std::nullopt;
}

engine::CompareManifests comparer(plan::Upgrade upgrade) {
  return [upgrade](const std::vector<commit::Manifest>& stored, const std::vector<std::string>& now) -> engine::UpgradePlan {
    std::vector<plan::Manifest> before, after;
    for (const commit::Manifest& each : stored) {
      auto manifest = plan::parse_manifest(each.text);
      if (!manifest) return refused(each, now.size());
      before.push_back(std::move(*manifest));
    }
    for (const std::string& text : now) after.push_back(*plan::parse_manifest(text));
    const std::vector<plan::Decision> decisions = plan::compare(before, after, upgrade);
    engine::UpgradePlan result{{}, retired(before)};
    for (std::size_t i = 0; i < after.size(); ++i) {
      result.units.push_back(decision_of(decisions[i]));
      const auto same = std::ranges::find(before, after[i].unit, &plan::Manifest::unit);
      if (same != before.end() && upgrade != plan::Upgrade::Keep) refuse_other_bounds(*same, after[i], result.units.back());
    }
    return result;
  };
}

std::optional<ir::Delivery> delivery_of(std::string_view word) {
  for (const auto each : {ir::Delivery::AtMostOnce, ir::Delivery::AtLeastOnce, ir::Delivery::ExactlyOnce}) {
    if (word == ir::name(each)) return each;
  }
  return std::nullopt;
}

}  // namespace piperun::cli
