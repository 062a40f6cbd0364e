// Partitions of a topic read outside of any group: committed records and the ends of partitions, from offsets that the caller names.
#pragma once
#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/commit/kafka/client.h"

namespace piperun::kafka {

// One thread at a time.
class TopicLog {
 public:
  static base::Result<TopicLog> open(const ClientSettings& settings);
  TopicLog(TopicLog&&) = default;
  TopicLog& operator=(TopicLog&&) = delete;
  ~TopicLog();

  base::Result<void> start(const commit::PartitionName& partition, std::int64_t offset);
  // The next record, or an event whose `err` is _PARTITION_EOF and whose offset the end; null: nothing within `wait` microseconds.
  // PositionGone, NoSuchTopic. Outages pass by.
  base::Result<MessagePtr> next(std::int64_t wait);

  // Reads each partition from `from` (−1: its beginning) to its end of now; `visit(message)` returns false when it has enough of the
  // partition. SystemUnavailable when nothing comes for a minute.
  template <typename Visit>
  base::Result<void> read_to_ends(std::span<const PartitionOffset> from, Visit visit);

  rd_kafka_t* handle() const { return client_.get(); }

 private:
  explicit TopicLog(Client client);
  struct Ending {
    commit::PartitionName partition;
    std::int64_t next = 0, end = 0;
  };
  base::Result<std::vector<Ending>> begin_reading(std::span<const PartitionOffset> from);
  void stop(const commit::PartitionName& partition);

  Client client_;
  QueuePtr queue_;
  struct Started {
    TopicPtr topic;
    commit::PartitionName partition;
  };
  std::vector<Started> started_;
};

commit::PartitionName partition_of(const rd_kafka_message_t& message);

template <typename Visit>
base::Result<void> TopicLog::read_to_ends(std::span<const PartitionOffset> from, Visit visit) {
  constexpr std::int64_t kStep = 100'000, kSilence = 60'000'000;
  auto endings = begin_reading(from);
  if (!endings) return std::unexpected(endings.error());
  std::int64_t silent = 0;
  while (!endings->empty()) {
    auto message = next(kStep);
    if (!message) return std::unexpected(message.error());
    if (!*message) {
      if ((silent += kStep) < kSilence) continue;
      return failed(RD_KAFKA_RESP_ERR__TIMED_OUT, "reading " + endings->front().partition.topic);
    }
    silent = 0;
    const commit::PartitionName partition = partition_of(**message);
    const auto ending =
        std::find_if(endings->begin(), endings->end(), [&](const Ending& each) { return each.partition == partition; });
    if (ending == endings->end()) continue;
    bool wants_more = true;
    if ((*message)->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      ending->next = std::max(ending->next, (*message)->offset);
    } else if ((*message)->offset < ending->end) {
      ending->next = (*message)->offset + 1;
      wants_more = visit(**message);
    } else {
      ending->next = (*message)->offset;
    }
    if (wants_more && ending->next < ending->end) continue;
    stop(partition);
    endings->erase(ending);
  }
  return {};
}

}  // namespace piperun::kafka
