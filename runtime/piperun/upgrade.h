// What becomes of stored state when the program has changed: plan compares manifests, the engine asks through this.
#pragma once
#include <optional>
#include <string_view>

#include "lang/ir/program.h"
#include "lang/plan/manifest.h"
#include "runtime/engine/options.h"
#include "runtime/piperun/compile.h"

namespace piperun::cli {

// `--upgrade`; None: what is not plainly compatible is refused.
std::optional<plan::Upgrade> upgrade_of(std::string_view word);  // "": None
engine::CompareManifests comparer(plan::Upgrade upgrade);

// Before a run, what the engine cannot see because it looks at one unit at a time: a unit whose positions lie in another system is refused
// (P0515); with Reset, the stored keys of stages that have changed are forgotten.
base::Result<void> prepare_upgrade(const Compiled& compiled, plan::Upgrade upgrade, const std::string& state_dir, const std::string& base_dir);

std::optional<ir::Delivery> delivery_of(std::string_view word);

}  // namespace piperun::cli
