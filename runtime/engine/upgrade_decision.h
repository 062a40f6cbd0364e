// What an upgrade means. Decided by plan; passed in, because the engine does not know plan.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "runtime/commit/domain.h"

namespace piperun::engine {

struct UpgradeDecision {
  enum class Kind : std::uint8_t {
    New,  // nothing is stored of it
    Equal,
    Compatible,  // the same positions, a new manifest
    Moved,  // it takes over what is stored of the unit `from`, which is gone
    Refused,
  };
  struct StageMove {
    std::string from, to;  // `to` empty: the keys are forgotten
  };
  Kind kind = Kind::New;
  std::string reason;  // for Refused: code, what changed, and the ways out
  std::string from;  // for Moved
  std::string left_behind;  // for Moved: the manifest of `from` from then on
  std::vector<StageMove> keys;  // of stages whose keys do not stay as they are; for Moved: of all stages of `from`
};
struct UpgradePlan {
  std::vector<UpgradeDecision> units;  // one per manifest of now
  std::vector<std::string> retired;  // units of which all that is stored has been taken over
};
using CompareManifests =
    std::function<UpgradePlan(const std::vector<commit::Manifest>& stored, const std::vector<std::string>& now)>;

}  // namespace piperun::engine
