#include "runtime/piperun/ended_run.h"

#include <fmt/format.h>

#include <algorithm>

#include "lang/ir/declared.h"
#include "runtime/engine/hand_over.h"

namespace piperun::cli {
namespace {

using base::Result;

constexpr const char* kBeforeAllRecords = "0001-01-01T00:00:00Z";

Result<void> put(commit::Domain& domain, const plan::Manifest& manifest) {
  return domain.put_manifest({manifest.unit, plan::to_text(manifest), false});
}

}  // namespace

Result<plan::Manifest> parse_stored(const commit::Manifest& stored) {
  auto manifest = plan::parse_manifest(stored.text);
  if (manifest) return std::move(*manifest);
  return base::failure(base::ErrorCode::ManifestConflict,
                       fmt::format("what is stored of the unit {} cannot be read: {}", stored.unit, manifest.error()));
}

Result<StoredRun> stored_run(const ir::Program& program, connectors::Connectors& connectors) {
  const auto stored = engine::stored_manifests(program, connectors);
  if (!stored) return std::unexpected(stored.error());
  StoredRun result;
  for (const engine::StoredManifest& each : *stored) {
    auto manifest = parse_stored(each.manifest);
    if (!manifest) return std::unexpected(manifest.error());
    result[manifest->unit] = std::move(*manifest);
  }
  return result;
}

const plan::Manifest* find(const StoredRun& stored, const std::string& unit) {
  const auto found = stored.find(unit);
  return found == stored.end() || !found->second.moved_to.empty() ? nullptr : &found->second;
}

bool has_ended(const Compiled& compiled, const StoredRun& stored) {
  return std::ranges::all_of(compiled.manifests, [&](const std::string& text) {
    const plan::Manifest now = *plan::parse_manifest(text);
    const plan::Manifest* before = find(stored, now.unit);
    return before != nullptr && before->ended && before->from == now.from && before->until == now.until;
  });
}

void read_no_more(Compiled& compiled) {
  for (ir::SourceId id = 0; id < compiled.program->sources.size(); ++id) {
    if (ir::link_read(*compiled.program, id) == nullptr) compiled.program->sources[id].stop_at = kBeforeAllRecords;
  }
  for (std::string& text : compiled.manifests) {
    plan::Manifest manifest = *plan::parse_manifest(text);
    manifest.ended = true;
    text = plan::to_text(manifest);
  }
}

Result<void> mark_ended(const ir::Program& program, connectors::Connectors& connectors) {
  const auto stored = engine::stored_manifests(program, connectors);
  if (!stored) return std::unexpected(stored.error());
  for (const engine::StoredManifest& each : *stored) {
    auto manifest = parse_stored(each.manifest);
    if (!manifest) return std::unexpected(manifest.error());
    const bool is_ours = std::ranges::count(program.units, manifest->unit, &ir::Unit::name) > 0 && manifest->moved_to.empty();
    if (!is_ours || manifest->ended || manifest->until.empty()) continue;
    const auto domain = connectors.open_stored(program, each.system, manifest->unit);
    if (!domain) return std::unexpected(domain.error());
    manifest->ended = true;
    if (auto done = put(**domain, *manifest); !done) return done;
  }
  return {};
}

Result<void> unmark_ended(commit::Domain& domain, const std::string& unit) {
  const auto stored = domain.manifests();
  if (!stored) return std::unexpected(stored.error());
  const auto own = std::ranges::find(*stored, unit, &commit::Manifest::unit);
  if (own == stored->end()) return {};
  auto manifest = plan::parse_manifest(own->text);
  if (!manifest || !manifest->ended) return {};
  manifest->ended = false;
  return put(domain, *manifest);
}

}  // namespace piperun::cli
