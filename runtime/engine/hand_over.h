// What a unit finds of itself, or takes over from a unit in another system, when a changed program starts. The steps of `on_assign`
// call it: `freeze` before the transaction, `put_manifest` in it.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/connectors/connectors.h"
#include "runtime/engine/options.h"

namespace piperun::engine {

// What is stored of one unit of a pipeline, and where.
struct StoredManifest {
  commit::Manifest manifest;
  ir::SystemId system = ir::kNone;  // of the program; kNone: its state store
};

// Of all units that this pipeline has or had, from all its systems.
base::Result<std::vector<StoredManifest>> stored_manifests(const ir::Program& program, connectors::Connectors& connectors);

// Of the first worker of a unit. A crash at any place is mended by doing it all again. All references outlive it.
class HandOver {
 public:
  HandOver(const ir::Program& program, const ir::Unit& unit, const Options& options, connectors::Connectors& connectors)
      : program_(program), unit_(unit), options_(options), connectors_(connectors) {}

  // Reads the manifests of this pipeline from all its systems and decides. If the unit has moved here, the old one can commit nothing
  // more from now on, and what it left is read. ManifestConflict if a person must decide about any unit of the program. While another
  // system is away, only a unit that is stored as the program has it goes on.
  base::Result<void> freeze(commit::Domain& own);

  // Stores the manifest, the keys and the dead letters that are taken over; forgets the keys that are not to stay.
  base::Result<void> put_manifest(commit::Domain& own, bool has_positions, bool has_partitions);

  // Of the unit, as this program has it.
  const std::string& own_manifest() const { return options_.manifests[unit_index()]; }

  // The manifest that is stored is the one of this program: every source had its positions before. Known after `freeze`.
  bool is_as_stored() const { return decision_.kind == UpgradeDecision::Kind::Equal; }

  // What another unit left is taken over; known after `freeze`.
  bool takes_over() const { return old_ != nullptr; }
  // Where the old unit stood; null: nothing was taken over, or not this partition.
  const commit::Position* position(const commit::PartitionName& partition) const;

  // It has nothing stored yet and is to begin where another run ended; known after `freeze`.
  bool follows_run() const { return decision_.kind == UpgradeDecision::Kind::New && options_.beginnings.contains(unit_.name); }
  // Puts a new position where that run ended. False: the run did not have this partition, so that it begins at its beginning.
  // PositionGone when what the run read there is not what is there now, where positions tell: not those in Kafka.
  base::Result<bool> follow(commit::Position& position) const;

  // After the commit: what was taken over is removed where it was. What fails here, the next start does.
  void retire(commit::Domain& own);

 private:
  std::size_t unit_index() const { return static_cast<std::size_t>(&unit_ - program_.units.data()); }
  base::Result<void> decide(commit::Domain& own);
  base::Result<std::vector<StoredManifest>> find_manifests(commit::Domain& own) const;
  base::Result<void> remove_retired();
  base::Result<std::unique_ptr<commit::Domain>> open(const std::string& unit);
  std::optional<std::string> own_text(const std::vector<commit::Manifest>& manifests) const;
  base::Result<void> change_stages(commit::Domain& own);
  base::Result<void> take_keys(commit::Domain& own, const UpgradeDecision::StageMove& stage);

  const ir::Program& program_;
  const ir::Unit& unit_;
  const Options& options_;
  connectors::Connectors& connectors_;
  std::vector<StoredManifest> stored_;
  std::vector<std::string> retired_;
  UpgradeDecision decision_;
  std::optional<std::string> decided_on_;  // the manifest that was stored of this unit then
  std::unique_ptr<commit::Domain> old_;  // of the unit that it takes over
  std::vector<commit::Position> positions_;  // of that one
};

}  // namespace piperun::engine
