// A commit domain that holds positions and nothing else: every other question is an error.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "runtime/commit/domain.h"

namespace piperun::engine {

class StoredPositions : public commit::Domain {
 public:
  std::vector<commit::Position> stored;

  base::Result<std::vector<commit::Position>> read_positions(ir::StepMode) override { return stored; }

  base::Result<std::vector<commit::Position>> claim(std::span<const commit::PartitionName>) override { return none(); }
  void keep(std::span<const commit::PartitionName>) override {}
  base::Result<std::vector<commit::Manifest>> manifests() override { return none(); }
  base::Result<void> put_manifest(const commit::Manifest&) override { return none(); }
  base::Result<void> seed_positions(std::span<const commit::Position>) override { return none(); }
  base::Result<void> begin() override { return none(); }
  base::Result<void> fence(std::span<const commit::Advance>) override { return none(); }
  base::Result<void> commit() override { return none(); }
  void abort() override {}
  base::Result<void> commit_offsets(std::span<const commit::Advance>, ir::StepMode) override { return none(); }
  base::Result<std::vector<commit::KeyEntry>> lookup_keys(const std::string&, std::span<const std::string>) override {
    return none();
  }
  base::Result<bool> claim_keys(const std::string&, std::span<const commit::KeyClaim>) override { return none(); }
  base::Result<void> put_letters(std::span<const commit::Letter>) override { return none(); }
  base::Result<std::vector<commit::Letter>> letters(bool) override { return none(); }
  base::Result<void> remove_letter(const commit::Letter&) override { return none(); }
  base::Result<void> ask_replay(const commit::Letter&) override { return none(); }
  base::Result<void> add_rows(const std::string&, std::int64_t) override { return none(); }
  base::Result<std::vector<std::pair<std::string, std::int64_t>>> rows() override { return none(); }
  void release() override {}
  base::Result<void> freeze(const commit::Manifest&) override { return none(); }
  base::Result<std::vector<commit::KeyEntry>> all_keys(const std::string&, const std::string&, std::int64_t) override {
    return none();
  }
  base::Result<void> expire_keys(const std::string&, std::int64_t, std::int32_t) override { return none(); }
  base::Result<void> retire() override { return none(); }
  base::Result<void> check_idle() override { return none(); }
  base::Result<void> remove_manifest() override { return none(); }
  base::Result<void> rename_stage(const std::string&, const std::string&) override { return none(); }

 private:
  static std::unexpected<base::Error> none() { return base::failure(base::ErrorCode::StoreDamaged, "nobody asks this"); }
};

}  // namespace piperun::engine
