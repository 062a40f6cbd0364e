// The commit domain that is a PostgreSQL database: positions, keys, letters and rows of a unit in one transaction.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "runtime/commit/domain.h"
#include "runtime/commit/postgres/session.h"

namespace piperun::postgres {

// One worker of one unit of one pipeline, over one connection. Owners are told apart by epochs: every write locks and compares the rows
// of what was claimed, unless a fence of the same transaction has done so. READ COMMITTED. Used by one thread.
//
// commit() that fails with a Transient error has an unknown outcome; read_positions(Locking) then tells: it opens a new connection and
// waits for what the old one still holds.
class PostgresDomain final : public commit::Domain {
 public:
  // Makes the schema if it is missing. `cluster_id`: of the cluster whose positions these are; positions of another one are refused,
  // "" asks nothing.
  static base::Result<std::unique_ptr<PostgresDomain>> open(PostgresSettings settings, std::string pipeline, std::string unit,
                                                            std::string cluster_id = {});
  // Null: nothing of piperun is stored there.
  static base::Result<std::unique_ptr<PostgresDomain>> open_stored(PostgresSettings settings, std::string pipeline,
                                                                   std::string unit);
  PostgresDomain(std::unique_ptr<Session> session, std::string pipeline, std::string unit, std::string cluster_id)
      : session_(std::move(session)),
        pipeline_(std::move(pipeline)),
        unit_(std::move(unit)),
        cluster_id_(std::move(cluster_id)) {}

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

  // Ids of the topics whose positions these are, by name: positions of an earlier topic of the same name are refused. Before claim().
  void know_topics(std::map<std::string, std::string> ids) { topic_ids_ = std::move(ids); }

  // Sinks of the same database write through it, inside of the open transaction.
  Session& session() { return *session_; }
  std::unique_ptr<Session> take_session() && { return std::move(session_); }

 private:
  base::Result<void> check_owner();
  std::string identity_of(const std::string& topic) const;
  base::Result<void> check_cluster(const std::string& topic, const std::string& stored) const;
  base::Result<void> set_marks(std::span<const commit::Advance> advances);
  base::Result<void> lock_claimed();
  base::Result<std::vector<commit::Position>> stored_positions();
  base::Error lost(const commit::PartitionName& partition) const;
  base::Result<void> move(std::span<const commit::Advance> advances);
  // In the open transaction or one of its own, behind check_owner.
  base::Result<void> change_owned(const std::string& sql, const Parameters& parameters);
  base::Result<std::int64_t> count_changed(const std::string& sql, const Parameters& parameters);  // as change_owned: the rows
  base::Result<void> change_letter(const std::string& sql, const commit::Letter& letter);
  base::Result<std::int64_t> operator_id(const std::string& stage, bool create);
  base::Result<bool> insert_keys(std::int64_t id, std::span<const commit::KeyClaim* const> claims);
  base::Result<bool> replace_keys(std::int64_t id, std::span<const commit::KeyClaim* const> claims);
  base::Result<bool> remove_keys(std::int64_t id, std::span<const commit::KeyClaim* const> claims);

  std::unique_ptr<Session> session_;
  std::string pipeline_, unit_, cluster_id_;
  std::map<commit::PartitionName, std::int64_t> epochs_;  // of what was claimed and kept
  std::map<std::string, std::string> topic_ids_;
  bool is_checked_ = false;  // the open transaction holds the locks and has compared
  std::unordered_map<std::string, std::int64_t> operators_;
};

}  // namespace piperun::postgres
