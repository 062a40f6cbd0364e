#include "runtime/piperun/upgrade.h"

namespace piperun::cli {

std::optional<plan::Upgrade> upgrade_of(std::string_view word) {
  using plan::Upgrade;
  if (word.empty()) return Upgrade::None;
  for (const Upgrade each : {Upgrade::Keep, Upgrade::Migrate, Upgrade::Reset}) {
    if (word == plan::name(each)) return each;
  }
  return std::nullopt;
}

engine::CompareManifests comparer(plan::Upgrade upgrade) {
  return [upgrade](const std::string& stored, const std::string& now) -> engine::UpgradeDecision {
    using Kind = engine::UpgradeDecision::Kind;
    const plan::Decision decision = plan::compare(std::string_view(stored), std::string_view(now), upgrade);
    switch (decision.outcome) {
      case plan::Outcome::Equal: return {Kind::Equal, {}};
      case plan::Outcome::Compatible:
      case plan::Outcome::New: return {Kind::Compatible, {}};
      case plan::Outcome::Refused:
      case plan::Outcome::Moved:
      case plan::Outcome::Gone: break;
    }
    return {Kind::Refused, plan::words(decision)};
  };
}

std::optional<ir::Delivery> delivery_of(std::string_view word) {
  if (word == "at_most_once") return ir::Delivery::AtMostOnce;
  if (word == "at_least_once") return ir::Delivery::AtLeastOnce;
  if (word == "exactly_once") return ir::Delivery::ExactlyOnce;
  return std::nullopt;
}

}  // namespace piperun::cli
