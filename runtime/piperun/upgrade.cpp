#include "runtime/piperun/upgrade.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "runtime/piperun/stores.h"

namespace piperun::cli {
namespace {

using embedded::Database;

// Of every unit of this pipeline, in every database file that the program names.
base::Result<std::vector<plan::Manifest>> stored_manifests(const ir::Program& program, const std::string& state_dir, const std::string& base_dir) {
  std::vector<plan::Manifest> manifests;
  std::set<std::string> seen;
  for (ir::SystemId id = 0; id < program.systems.size(); ++id) {
    const std::string path = database_path(program, id, state_dir, base_dir);
    if (path.empty() || !std::filesystem::exists(path) || !seen.insert(path).second) continue;
    auto inspector = embedded::Inspector::open(path, Database::Access::Read);
    if (!inspector) return std::unexpected(inspector.error());
    const auto stored = std::move(*inspector).domain(program.id, "")->manifests();
    if (!stored) return std::unexpected(stored.error());
    for (const commit::Manifest& each : *stored) {
      auto manifest = plan::parse_manifest(each.text);
      if (manifest && !each.moved) manifests.push_back(std::move(*manifest));
    }
  }
  return manifests;
}

// Safe to repeat: a crash before the new manifest is written does it again.
base::Result<void> forget_changed(const ir::Program& program, const ir::Unit& unit, const plan::Manifest& stored, const plan::Manifest& now,
                                  const std::string& path) {
  auto inspector = embedded::Inspector::open(path, Database::Access::Write);
  if (!inspector) return std::unexpected(inspector.error());
  const auto domain = std::move(*inspector).domain(program.id, unit.name);
  for (const plan::Manifest::State& state : stored.operators) {
    if (std::ranges::find(now.operators, state) != now.operators.end()) continue;
    if (const auto cleared = domain->expire_keys(state.name, INT64_MAX); !cleared) return cleared;
  }
  return {};
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

base::Result<void> prepare_upgrade(const Compiled& compiled, plan::Upgrade upgrade, const std::string& state_dir, const std::string& base_dir) {
  const ir::Program& program = *compiled.program;
  const auto stored = stored_manifests(program, state_dir, base_dir);
  if (!stored) return std::unexpected(stored.error());
  std::vector<plan::Manifest> now;
  for (const ir::Unit& unit : program.units) now.push_back(plan::manifest_of(program, unit));
  for (const plan::Decision& decision : plan::compare(*stored, now)) {
    if (decision.outcome != plan::Outcome::Moved) continue;
    const char* more = upgrade == plan::Upgrade::None ? "" : "\n  = note: moving positions between systems is not in this version; keep the unit where it is";
    return base::failure(base::ErrorCode::ManifestConflict, plan::words(decision) + more);
  }
  for (std::size_t i = 0; upgrade == plan::Upgrade::Reset && i < now.size(); ++i) {
    const auto old = std::ranges::find(*stored, now[i].unit, &plan::Manifest::unit);
    if (old == stored->end()) continue;
    const std::string path = database_path(program, program.units[i].domain, state_dir, base_dir);
    if (const auto forgotten = forget_changed(program, program.units[i], *old, now[i], path); !forgotten) return forgotten;
  }
  return {};
}

std::optional<ir::Delivery> delivery_of(std::string_view word) {
  if (word == "at_most_once") return ir::Delivery::AtMostOnce;
  if (word == "at_least_once") return ir::Delivery::AtLeastOnce;
  if (word == "exactly_once") return ir::Delivery::ExactlyOnce;
  return std::nullopt;
}

}  // namespace piperun::cli
