#include "runtime/engine/hand_over.h"

#include <algorithm>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "runtime/engine/retry.h"

namespace piperun::engine {
namespace {
constexpr std::int64_t kKeysAtOnce = 10'000;
using Kind = UpgradeDecision::Kind;
}  // namespace

base::Result<std::vector<StoredManifest>> stored_manifests(const ir::Program& program, connectors::Connectors& connectors) {
  std::vector<ir::SystemId> systems{ir::kNone};
  for (ir::SystemId id = 0; id < program.systems.size(); ++id) {
    if (program.systems[id].kind != ir::SystemKind::StateStore) systems.push_back(id);
  }
  std::vector<StoredManifest> result;
  for (const ir::SystemId id : systems) {
    const auto domain = connectors.open_stored(program, id, "");
    if (!domain) return std::unexpected(domain.error());
    if (!*domain) continue;
    auto manifests = (*domain)->manifests();
    if (!manifests) return std::unexpected(manifests.error());
    for (commit::Manifest& manifest : *manifests) {
      const bool is_known =
          std::ranges::any_of(result, [&](const StoredManifest& stored) { return stored.manifest.unit == manifest.unit; });
      if (!is_known) result.push_back({std::move(manifest), id});  // two connections may name one file
    }
  }
  return result;
}

// A unit that another system has taken over is marked here, so that one whose own manifest is that of the program need not wait for them.
base::Result<std::vector<StoredManifest>> HandOver::find_manifests(commit::Domain& own) const {
  auto all = stored_manifests(program_, connectors_);
  if (all || !is_passing(all.error())) return all;
  auto manifests = own.manifests();
  if (!manifests) return std::unexpected(manifests.error());
  const auto found = std::ranges::find(*manifests, unit_.name, &commit::Manifest::unit);
  if (found == manifests->end() || found->moved || found->text != own_manifest()) return all;
  spdlog::warn("other systems are not asked what they store unit={} error={}", unit_.name, all.error().message);
  return std::vector{StoredManifest{*found, unit_.domain}};
}

base::Result<void> HandOver::decide(commit::Domain& own) {
  retired_.clear();
  auto stored = find_manifests(own);
  if (!stored) return std::unexpected(stored.error());
  stored_ = std::move(*stored);
  std::vector<commit::Manifest> manifests;
  for (const StoredManifest& each : stored_) manifests.push_back(each.manifest);
  UpgradePlan plan = options_.compare(manifests, options_.manifests);
  for (const UpgradeDecision& each : plan.units) {  // before anything is taken from a program that may still run
    if (each.kind == Kind::Refused) return base::failure(base::ErrorCode::ManifestConflict, each.reason);
  }
  decision_ = std::move(plan.units[unit_index()]);
  decided_on_ = own_text(manifests);
  retired_ = std::move(plan.retired);
  return {};
}

base::Result<void> HandOver::freeze(commit::Domain& own) {
  old_.reset();
  positions_.clear();
  if (const auto decided = decide(own); !decided) return decided;
  if (const auto removed = remove_retired(); !removed) return removed;
  const bool was_here_once = decided_on_ && (decision_.kind == Kind::Moved || decision_.kind == Kind::New);
  if (was_here_once) {
    if (const auto cleared = own.retire(); !cleared) return cleared;
  }
  if (decision_.kind != Kind::Moved) return {};
  auto old = open(decision_.from);
  if (!old) return std::unexpected(old.error());
  old_ = std::move(*old);
  if (const auto frozen = old_->freeze({decision_.from, decision_.left_behind, true}); !frozen) return frozen;
  auto positions = old_->read_positions(ir::StepMode::Locking);
  if (!positions) return std::unexpected(positions.error());
  positions_ = std::move(*positions);
  return {};
}

base::Result<void> HandOver::put_manifest(commit::Domain& own, bool has_positions, bool has_partitions) {
  const auto manifests = own.manifests();
  if (!manifests) return std::unexpected(manifests.error());
  const std::optional<std::string> stored = own_text(*manifests);
  if (stored != decided_on_)
    return base::failure(base::ErrorCode::SystemUnavailable,
                         fmt::format("another process has just started the unit {}", unit_.name));
  const bool is_in_use = decision_.kind == Kind::Equal || decision_.kind == Kind::Compatible;
  if (is_in_use != has_positions && has_partitions) {
    return base::failure(base::ErrorCode::StoreDamaged,
                         fmt::format("unit {}: {}", unit_.name,
                                     has_positions ? "positions without a manifest"
                                                   : "a manifest without positions; where a group has lost them, `offsets "
                                                     "reset` makes them again"));
  }
  if (const auto changed = change_stages(own); !changed) return changed;
  const std::string& text = own_manifest();
  return stored == text ? base::Result<void>() : own.put_manifest({unit_.name, text, false});
}

base::Result<void> HandOver::change_stages(commit::Domain& own) {
  for (const UpgradeDecision::StageMove& stage : decision_.keys) {
    if (stage.to.empty() && old_) continue;
    const auto done = stage.to.empty() ? own.expire_keys(stage.from, INT64_MAX)
                      : old_           ? take_keys(own, stage)
                                       : own.rename_stage(stage.from, stage.to);
    if (!done) return done;
  }
  if (!old_) return {};
  const auto letters = old_->letters(false);
  if (!letters) return std::unexpected(letters.error());
  return own.put_letters(*letters);
}

base::Result<void> HandOver::take_keys(commit::Domain& own, const UpgradeDecision::StageMove& stage) {
  for (std::string after;;) {
    auto entries = old_->all_keys(stage.from, after, kKeysAtOnce);
    if (!entries) return std::unexpected(entries.error());
    if (entries->empty()) return {};
    after = entries->back().key;
    std::vector<commit::KeyClaim> claims;
    for (commit::KeyEntry& entry : *entries) claims.push_back({std::move(entry.key), {}, std::move(entry.times)});
    const auto claimed = own.claim_keys(stage.to, claims);
    if (!claimed) return std::unexpected(claimed.error());
    if (!*claimed)
      return base::failure(base::ErrorCode::StoreDamaged,
                           fmt::format("unit {}: keys of `{}` are there already", unit_.name, stage.to));
  }
}

const commit::Position* HandOver::position(const commit::PartitionName& partition) const {
  const auto found = std::ranges::find(positions_, partition, &commit::Position::partition);
  return found == positions_.end() || found->next_offset < 0 ? nullptr : &*found;
}

base::Result<bool> HandOver::follow(commit::Position& position) const {
  const Beginning& beginning = options_.beginnings.at(unit_.name);
  const commit::PartitionName& name = position.partition;
  const auto end = std::ranges::find(beginning.positions, name, &commit::Position::partition);
  if (end == beginning.positions.end() || end->next_offset < 0) {
    spdlog::info("begins at its beginning, for the run did not have it unit={} run={} topic={} partition={}", unit_.name,
                 beginning.run, name.topic, name.number);
    return false;
  }
  // What was stored of a cluster alone fits every topic of it.
  if (!position.mark.starts_with(end->mark) && !position.mark.empty()) {
    return base::failure(
        base::ErrorCode::PositionGone,
        fmt::format("{}/{} was made anew, or is in another cluster, since the run {} ended at {} of it; a run over "
                    "what is there now has another end",
                    name.topic, name.number, beginning.run, end->next_offset));
  }
  position.next_offset = end->next_offset;
  if (position.mark.empty()) position.mark = end->mark;
  return true;
}

void HandOver::retire(commit::Domain& own) {
  if (!old_) return;
  old_.reset();
  positions_.clear();
  auto removed = decide(own);
  if (removed) removed = remove_retired();
  if (!removed)
    spdlog::warn("what was taken over is still stored unit={} from={} error={}", unit_.name, decision_.from,
                 removed.error().message);
}

// Most often there is nothing left to remove, and the file is not written.
base::Result<void> HandOver::remove_retired() {
  for (const std::string& unit : retired_) {
    const auto domain = open(unit);
    if (!domain) return std::unexpected(domain.error());
    const auto positions = (*domain)->read_positions(ir::StepMode::Plain);
    if (!positions) return std::unexpected(positions.error());
    if (positions->empty()) continue;
    if (const auto removed = (*domain)->retire(); !removed) return removed;
  }
  return {};
}

base::Result<std::unique_ptr<commit::Domain>> HandOver::open(const std::string& unit) {
  const auto found = std::ranges::find_if(stored_, [&](const StoredManifest& stored) { return stored.manifest.unit == unit; });
  auto domain = connectors_.open_stored(program_, found->system, unit);
  if (domain && !*domain)
    return base::failure(base::ErrorCode::CannotOpen, fmt::format("what is stored of the unit {} has just gone", unit));
  return domain;
}

std::optional<std::string> HandOver::own_text(const std::vector<commit::Manifest>& manifests) const {
  const auto found = std::ranges::find(manifests, unit_.name, &commit::Manifest::unit);
  return found == manifests.end() ? std::nullopt : std::optional(found->text);
}

}  // namespace piperun::engine
