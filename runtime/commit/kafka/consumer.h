// The client of a member of a consumer group: who it is in the group, and what the group has committed. Reading is the connector's.
#pragma once
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/commit/kafka/client.h"

namespace piperun::kafka {

struct ConsumerSettings {
  std::string group;
  std::string instance{};  // group.instance.id: static membership where the slot is durable; "": dynamic
  bool keeps_partitions = false;  // assignor cooperative-sticky: the group takes and gives parts; false: range, all at once
  std::int64_t session_timeout = 6'000'000, heartbeat = 1'000'000, max_poll_interval = 300'000'000;  // microseconds
  std::int64_t stall_patience = 60'000'000;  // microseconds; see StallWatch
  std::int64_t queued_kilobytes = 16'384;  // memory for records that are not taken yet, of all partitions
};

// A member of a group as it is at one moment; what TxnOffsetCommit is fenced with.
class Membership {
 public:
  Membership(GroupMetadataPtr metadata, std::int32_t generation, std::string member, bool keeps_partitions)
      : metadata_(std::move(metadata)),
        generation_(generation),
        member_(std::move(member)),
        keeps_partitions_(keeps_partitions) {}
  std::int32_t generation() const { return generation_; }
  const std::string& member() const { return member_; }
  bool keeps_partitions() const { return keeps_partitions_; }  // while the group goes from one generation to the next
  const rd_kafka_consumer_group_metadata_t* metadata() const { return metadata_.get(); }

 private:
  GroupMetadataPtr metadata_;
  std::int32_t generation_;
  std::string member_;
  bool keeps_partitions_;
};

// A change of the assignment, before it is answered.
struct Rebalance {
  enum class Kind : std::uint8_t {
    Assigned,  // `partitions`: all that the member has now
    Kept,  // the same, and nothing has changed: the group has come to its next generation
    Revoked,  // `partitions`: what is taken, of a member that keeps partitions perhaps not all
    Lost,  // all of them
  } kind = Kind::Assigned;
  std::vector<commit::PartitionName> partitions;
};

// All methods may be called from any thread; one of them polls (Group).
class Consumer {
 public:
  static base::Result<std::unique_ptr<Consumer>> open(const ClientSettings& client, const ConsumerSettings& settings);
  ~Consumer() { close(kDestroyDeadline); }

  // Generation ≥ 0, a member id, the assignment not lost, and `needed` all among what the group gave; else LostOwnership. Without this
  // check a broker accepts an unfenced commit (generation −1).
  base::Result<Membership> membership(std::span<const commit::PartitionName> needed = {}) const;

  // Positions of settled transactions (KIP-447: waits while one of them is open); offset −1: none. In the order of `partitions`.
  base::Result<std::vector<PartitionOffset>> committed(std::span<const commit::PartitionName> partitions,
                                                       std::int64_t deadline = 30'000'000) const;

  // Waits for the answer. LostOwnership: the group has given the partitions to another member.
  base::Result<void> commit(std::span<const PartitionOffset> offsets);
  // The first failure comes with the next take_commit_failure(); later commits make up for it.
  void commit_async(std::span<const PartitionOffset> offsets);
  std::optional<base::Error> take_commit_failure();

  const ConsumerSettings& settings() const { return settings_; }
  rd_kafka_t* handle() const { return client_.get(); }
  ClientState& state() const { return client_.state(); }

  // ---- For the thread that polls

  // The oldest change that was not answered.
  std::optional<Rebalance> change() const;
  // Answers Assigned and Kept, or reads again from other places: in any case from here, for the client's own position may be one behind a
  // record that it has not given. What is assigned starts at its offset; an empty list, or partitions fewer than given: the others are held.
  base::Result<void> answer_assign(std::span<const PartitionOffset> partitions);
  // Nothing more is read. What is not taken by the change is read again with answer_assign.
  base::Result<void> answer_unassign();

  // Leaves the group (a static member stays until its session ends) and gives up the client.
  bool close(std::int64_t deadline);

 private:
  struct State;
  Consumer(Client client, State& state, ConsumerSettings settings)
      : client_(std::move(client)), state_(&state), settings_(std::move(settings)) {}
  base::Result<void> stop_reading();

  Client client_;
  State* state_;
  ConsumerSettings settings_;
};

}  // namespace piperun::kafka
