// The commit domain that is a Kafka cluster: a transaction of one producer has output, letters, keys and the positions of a consumer
// group (KIP-98, KIP-447); without transactions the group's committed offsets alone.
#pragma once
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "runtime/base/clock.h"
#include "runtime/commit/domain.h"
#include "runtime/commit/kafka/consumer.h"
#include "runtime/commit/kafka/ledger.h"
#include "runtime/commit/kafka/own_topics.h"
#include "runtime/commit/kafka/producer.h"
#include "runtime/commit/kafka/topic_reader.h"

namespace piperun::kafka {

struct Keys;
struct KeyShard;
using KeyShards = std::map<std::int32_t, KeyShard>;

struct DomainSettings {
  ClientSettings client;
  std::string pipeline, unit;
  // With the number of the worker the end of the transactional id. "": no worker runs the unit here; what is stored is read or moved.
  std::string slot;
  std::uint32_t worker = 0;
  bool is_transactional = true;  // exactly_once
  std::string state_dir;  // of the local stores of keys
  std::vector<std::string> stages;  // that have keys; others are restored when they are asked for first
  std::vector<std::string> outboxes{};  // that the unit reads: the group holds positions of their progress topics
  std::map<std::string, std::string> databases{};  // of the outboxes: commit/database_identity.h
  std::int64_t transaction_timeout = 10'000'000;
};

// One worker's share of one unit. Who owns a partition is the group's word: every commit is stamped with the member's generation, and
// producers of the same slot are fenced by their epoch. Used by one thread.
class KafkaDomain final : public commit::Domain {
 public:
  // `member`: of the group `<pipeline>.<unit>`; null where no worker runs the unit.
  KafkaDomain(DomainSettings settings, Consumer* member, base::Clock& clock);
  ~KafkaDomain() override;

  base::Result<std::vector<commit::Position>> claim(std::span<const commit::PartitionName> partitions) override;
  void keep(std::span<const commit::PartitionName> partitions) override;
  base::Result<std::vector<commit::Position>> read_positions(ir::StepMode mode) override;
  base::Result<std::vector<commit::Manifest>> manifests() override;
  base::Result<void> put_manifest(const commit::Manifest& manifest) override;
  base::Result<void> seed_positions(std::span<const commit::Position> positions) override;

  base::Result<void> begin() override;
  base::Result<void> fence(std::span<const commit::Advance> advances) override;  // as store_offsets
  base::Result<void> commit() override;
  void abort() override;
  base::Result<void> commit_offsets(std::span<const commit::Advance> advances, ir::StepMode mode) override;

  base::Result<std::vector<commit::KeyEntry>> lookup_keys(const std::string& stage, std::span<const std::string> keys) override;
  base::Result<bool> claim_keys(const std::string& stage, std::span<const commit::KeyClaim> claims) override;
  base::Result<void> expire_keys(const std::string& stage, std::int64_t before, std::int32_t partition = -1) override;
  bool keeps_keys_by_partition() const override { return true; }

  base::Result<void> put_letters(std::span<const commit::Letter> letters) override;
  base::Result<std::vector<commit::Letter>> letters(bool only_asked) override;
  base::Result<void> remove_letter(const commit::Letter& letter) override;
  base::Result<void> ask_replay(const commit::Letter& letter) override;

  base::Result<void> add_rows(const std::string& sink, std::int64_t rows) override;
  base::Result<std::vector<std::pair<std::string, std::int64_t>>> rows() override;
  void release() override;

  base::Result<void> init_producer() override;
  base::Result<void> check_membership() override;
  base::Result<void> store_offsets(std::span<const commit::Advance> advances) override;
  base::Result<void> retire_producer_if_unclear() override;
  base::Result<void> restore_state() override;
  base::Result<void> apply_state() override;

  base::Result<void> freeze(const commit::Manifest& manifest) override;
  base::Result<std::vector<commit::KeyEntry>> all_keys(const std::string& stage, const std::string& after,
                                                       std::int64_t limit) override;
  base::Result<void> retire() override;
  base::Result<void> check_idle() override;
  base::Result<void> remove_manifest() override;
  base::Result<void> remove_letters(std::span<const commit::Letter> letters) override;
  base::Result<void> ask_replays(std::span<const commit::Letter> letters) override;
  base::Result<void> rename_stage(const std::string& from, const std::string& to) override;

  // Of the open transaction, for sinks that join it; null: none is open. Another one after each begin(), perhaps.
  Producer* producer() { return is_open_ ? producer_.get() : nullptr; }
  const std::string& group() const { return group_; }

 private:
  base::Error settle(Fault fault);
  base::Result<Membership> membership() const;
  void tell_foreign(const PartitionOffset& stored);
  base::Result<void> check_topics(std::span<const commit::PartitionName> stored);
  void drop_producer();
  void forget_changes();
  base::Result<void> write(std::span<const OwnRecord> records);
  base::Result<void> write_to(Producer& producer, std::span<const OwnRecord> records);
  base::Result<void> make_topic(rd_kafka_t* handle, const OwnRecord& record);
  base::Result<void> make_replay_topic(rd_kafka_t* handle, std::span<const commit::PartitionName> sources);
  base::Result<void> begin_own();
  base::Result<TopicReader*> reader();
  base::Result<Consumer*> consumer();
  base::Result<rd_kafka_t*> handle();

  base::Result<void> reload();
  std::optional<std::int64_t> patience() const;
  std::int64_t replay_offset(std::span<const commit::Advance> advances) const;
  base::Result<void> commit_waiting(std::span<const PartitionOffset> offsets);
  bool must_wait(ir::StepMode mode);
  base::Result<std::vector<commit::Letter>> stored_letters();
  base::Result<OwnRecord> own_record(const commit::Letter& letter);
  base::Result<bool> takes_letter(std::int64_t size);
  base::Result<void> read_marks();
  std::string own_key(const commit::Letter& letter) const;

  std::vector<commit::PartitionName> key_partitions() const;
  struct KeySource {
    std::string topic;  // "": this worker has no partition
    std::int32_t partitions = 0;
  };
  base::Result<KeySource> key_source(const std::string& stage);
  base::Result<bool> has_read();
  base::Result<void> make_changelog(rd_kafka_t* client, const std::string& topic, const KeySource& source);
  base::Result<void> make_changelogs();
  base::Result<void> remake_changelog(const std::string& topic);
  std::unexpected<base::Error> lost_changelog(const std::string& topic, const std::string& what = "is gone") const;
  std::unexpected<base::Error> missing_changelog(const std::string& topic);
  base::Result<void> check_never_read(const std::string& topic);
  base::Result<void> check_keeps_keys(rd_kafka_t* client, const std::string& topic);
  base::Result<std::string> find_changelog(const std::string& stage);
  base::Result<KeyShards*> shards(const std::string& stage);
  base::Result<KeyShard*> shard_of(const std::string& stage, KeyShards& all, const commit::KeyClaim& claim);
  base::Result<void> catch_up(const std::string& stage, KeyShard& shard, const std::string& log);
  base::Result<void> follow(const std::string& stage, KeyShard& shard);
  base::Result<void> watch_changelogs();
  base::Result<std::optional<std::vector<std::map<std::string, std::string>>>> read_changelog(const std::string& topic);
  base::Result<void> remove_changelog(const std::string& stage);
  base::Result<void> remove_doomed();

  DomainSettings settings_;
  Consumer* member_;
  base::Clock& clock_;
  const std::string group_;
  const std::string replay_topic_;

  std::unique_ptr<Producer> producer_;  // with the transactional id
  std::unique_ptr<Producer> writer_;  // idempotent alone: where nothing is transactional
  std::unique_ptr<Consumer> own_consumer_;  // in the place of a member
  std::optional<TopicReader> reader_;
  bool is_open_ = false;  // a transaction
  bool is_spent_ = false;  // the producer must not begin another one
  std::set<std::pair<commit::PartitionName, std::int64_t>> told_foreign_;  // positions that another tool has set
  std::deque<std::int64_t> fences_;  // when another producer with our id was met, monotonic microseconds

  Ledger ledger_;
  std::vector<commit::PartitionName> claimed_;  // and kept
  std::vector<commit::PartitionName> owned_;  // those of them that the group gave
  SinkRows rows_;  // of the commit to come
  bool is_unclear_ = false;  // what the group holds is not known: read it again
  std::int64_t waited_at_ = 0;  // when a commit was last waited for, monotonic microseconds

  struct Mark {
    std::int64_t next = 0;  // where to go on in the replay topic
    std::string letter;  // its key
    std::int64_t replays = 0;
    bool is_gone = false;  // the letter was not there at the last look
  };
  std::vector<Mark> marks_;  // that wait for their replay
  std::int64_t passed_marks_ = 0;  // behind those whose letters are gone, and that no commit has passed yet
  std::int64_t look_again_at_ = INT64_MIN;  // for marks, monotonic microseconds
  std::set<std::string> handled_;  // letters put or removed by the commit to come
  std::int64_t largest_letter_ = 10'000;  // bytes of a record that the topic of letters surely takes

  std::unique_ptr<Keys> keys_;
};

}  // namespace piperun::kafka
