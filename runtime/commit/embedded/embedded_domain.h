// The commit domain that is one database file: positions, keys, letters and output of a unit in one transaction.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "runtime/commit/domain.h"
#include "runtime/commit/embedded/database.h"

namespace piperun::embedded {

// One unit of one pipeline in one file. Any number of them, in any processes, may work on a file; writers take turns.
// Every write outside of a fence first compares the epochs of all that was claimed. Used by one thread.
class EmbeddedDomain final : public commit::Domain {
 public:
  EmbeddedDomain(std::unique_ptr<Database> database, std::string pipeline, std::string unit)
      : database_(std::move(database)), pipeline_(std::move(pipeline)), unit_(std::move(unit)) {}

  base::Result<std::vector<commit::Position>> claim(std::span<const commit::PartitionName> partitions) override;
  void keep(std::span<const commit::PartitionName> partitions) override;
  base::Result<std::vector<commit::Position>> read_positions(ir::StepMode mode) override;
  base::Result<std::vector<commit::Manifest>> manifests() override;
  base::Result<void> put_manifest(const commit::Manifest& manifest) override;
  base::Result<void> seed_positions(std::span<const commit::Position> positions) override;

  base::Result<void> begin() override;
  base::Result<void> fence(std::span<const commit::Advance> advances) override;
  base::Result<void> commit() override;
  void abort() override;
  base::Result<void> commit_offsets(std::span<const commit::Advance> advances, ir::StepMode mode) override;

  base::Result<std::vector<commit::KeyEntry>> lookup_keys(const std::string& stage, std::span<const std::string> keys) override;
  base::Result<bool> claim_keys(const std::string& stage, std::span<const commit::KeyClaim> claims) override;
  base::Result<void> expire_keys(const std::string& stage, std::int64_t before, std::int32_t partition = -1) override;

  base::Result<void> put_letters(std::span<const commit::Letter> letters) override;
  base::Result<std::vector<commit::Letter>> letters(bool only_asked) override;
  base::Result<void> remove_letter(const commit::Letter& letter) override;
  base::Result<void> ask_replay(const commit::Letter& letter) override;

  base::Result<void> add_rows(const std::string& sink, std::int64_t rows) override;
  base::Result<std::vector<std::pair<std::string, std::int64_t>>> rows() override;
  void release() override;

  base::Result<void> freeze(const commit::Manifest& manifest) override;
  base::Result<std::vector<commit::KeyEntry>> all_keys(const std::string& stage, const std::string& after,
                                                       std::int64_t limit) override;
  base::Result<void> retire() override;
  base::Result<void> check_idle() override;
  base::Result<void> remove_manifest() override;
  base::Result<void> rename_stage(const std::string& from, const std::string& to) override;

  // Sinks of the same file write through it, inside of the open transaction.
  Database& database() { return *database_; }
  std::unique_ptr<Database> take_database() && { return std::move(database_); }

 private:
  base::Result<void> check_owner();
  base::Error lost(const commit::PartitionName& partition);
  base::Result<std::vector<commit::Position>> stored_positions();
  base::Result<std::int64_t> operator_id(const std::string& stage, bool create);
  base::Result<bool> claim_key(std::int64_t operator_id, const commit::KeyClaim& claim);
  base::Result<void> change_letter(std::string_view sql, const commit::Letter& letter);

  std::unique_ptr<Database> database_;
  std::string pipeline_;
  std::string unit_;
  std::map<commit::PartitionName, std::int64_t> epochs_;  // of what was claimed and kept
  bool is_fenced_ = false;                                // the open transaction holds the lock and has compared
  std::unordered_map<std::string, std::int64_t> operators_;
};

}  // namespace piperun::embedded
