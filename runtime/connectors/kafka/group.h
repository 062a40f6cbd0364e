// A member of a Kafka consumer group, and the records of the partitions that the group gives it.
#pragma once
#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/commit/kafka/topic_watch.h"
#include "runtime/connectors/group.h"
#include "runtime/connectors/kafka/drain_end.h"
#include "runtime/connectors/kafka/group_member.h"
#include "runtime/connectors/kafka/old_positions.h"
#include "runtime/connectors/kafka/stall_watch.h"
#include "runtime/connectors/kafka/topic_log.h"
#include "runtime/connectors/kafka/wakeup.h"

namespace piperun::kafka {

// A topic that the unit reads. `source`: index into ir::Unit::sources.
struct SourceTopic {
  std::uint32_t source = 0;
  std::string topic;
  std::string old_group{};  // that it takes the positions of; "": none
};

// The records of all partitions meet in one queue of the client, which is read only when records are wanted; the client goes on being
// polled for changes. What it fetches ahead is bounded (ConsumerSettings::queued_kilobytes), nothing is paused, thrown away or rewound.
class KafkaGroup final : public connectors::Group {
 public:
  // Joins. NoSuchTopic when one of the topics is missing.
  static base::Result<std::unique_ptr<KafkaGroup>> open(const ClientSettings& client, const ConsumerSettings& settings,
                                                        std::vector<SourceTopic> topics);
  ~KafkaGroup() override;

  base::Result<Polled> poll(std::int64_t wait, bool take_records, std::size_t max_records, std::size_t max_bytes) override;
  base::Result<void> read_from(std::span<const connectors::StartAt> partitions) override;
  base::Result<void> let_go() override;
  base::Result<std::vector<connectors::GroupPartition>> partitions() override;
  base::Result<std::int64_t> resolve(const std::string& start, std::uint32_t partition) override;
  base::Result<std::optional<std::int64_t>> next_time(const commit::PartitionName& partition, std::int64_t from,
                                                      std::int64_t end) override;
  base::Result<bool> is_at_end() override;
  bool mirror(std::span<const connectors::StartAt> positions, bool is_last) override;
  bool is_refused() const override { return member_.is_refused() || is_stalled_; }
  void close() override;

  // The same client, for the commit domain: usable from its thread until close().
  Consumer& consumer() { return member_.consumer(); }

 private:
  struct Reading {  // one per partition of `assigned_`
    std::int64_t expected = -1;  // the next offset to hand over; -1: held
    std::int64_t seen_end = -1;  // the partition's end when it was last reached
    QueuePtr own;  // the partition's queue, until something came from it
    rd_kafka_resp_err_t failure = RD_KAFKA_RESP_ERR_NO_ERROR;  // that was told last
    std::int64_t failure_told = 0;  // monotonic microseconds
  };
  struct Pending;  // messages taken from the queue and not handed over

  KafkaGroup(const ClientSettings& client, std::unique_ptr<Consumer> consumer, std::vector<SourceTopic> topics);
  Polled told(Rebalance change);
  base::Result<void> go_on();
  base::Result<std::optional<record::Slab>> take(std::size_t max_records, std::size_t max_bytes);
  base::Result<void> note(const rd_kafka_message_t& message, std::size_t index);
  void tell_failure(const rd_kafka_message_t& message, std::size_t index);
  base::Result<void> explain_gap(std::size_t index, const char* words);
  std::optional<std::size_t> index_of(const rd_kafka_message_t& message);
  std::vector<Progress> progress() const;
  base::Result<void> look_for_stall();
  void drop_queue();
  void forward_queues();
  void heard(std::size_t index);

  const ClientSettings client_;
  GroupMember member_;
  std::vector<SourceTopic> topics_;
  Wakeup wakeup_;
  QueuePtr changes_queue_;  // the client's own
  QueuePtr records_queue_;  // of this assignment; null: nothing is read
  std::unique_ptr<Pending> pending_;
  std::vector<commit::PartitionName> assigned_;  // sorted
  std::vector<commit::PartitionName> taken_;  // of them, by the change that was told last; sorted
  std::vector<Reading> reading_;
  std::size_t unheard_ = 0;  // partitions of which nothing came yet
  DrainEnd drain_end_;
  std::vector<connectors::GroupPartition> all_;  // as partitions() returned them last
  OldPositions old_positions_;
  std::int64_t mirrored_at_ = 0;  // monotonic microseconds
  TopicWatch topic_watch_;
  StallWatch stall_watch_;
  std::optional<base::Error> stall_;  // told until the client is replaced
  std::atomic<bool> is_stalled_ = false;
  std::optional<TopicLog> looking_;  // of next_time()
};

}  // namespace piperun::kafka
