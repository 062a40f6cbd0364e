// What becomes of stored state when the program has changed: plan compares manifests, the engine asks through this.
#pragma once
#include <optional>
#include <string_view>

#include "lang/ir/program.h"
#include "lang/plan/manifest.h"
#include "runtime/engine/options.h"

namespace piperun::cli {

// `--upgrade`; None: what is not plainly compatible is refused.
std::optional<plan::Upgrade> upgrade_of(std::string_view word);  // "": None
engine::CompareManifests comparer(plan::Upgrade upgrade);

std::optional<ir::Delivery> delivery_of(std::string_view word);

}  // namespace piperun::cli
