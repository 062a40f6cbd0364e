// Reads topics of ours to their end, outside of any consumer group: manifests, dead letters, changelogs.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "runtime/commit/kafka/client.h"

namespace piperun::kafka {

struct TopicRecord {
  std::int64_t offset = 0;
  std::optional<std::string> key, value;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;
};

// One thread at a time.
class TopicReader {
 public:
  // `patience`: for how long nothing may come that is not there yet (microseconds); then it is an outage.
  static base::Result<TopicReader> open(const ClientSettings& settings, std::int64_t patience = 60'000'000);

  // Where the log ends now, with what is written but not committed. NoSuchTopic.
  base::Result<std::int64_t> end(const commit::PartitionName& partition);

  // Every committed record from `from` on, up to the end that the log has when this is called: it waits for the transactions that are
  // open below that end, and goes on until the partition's end is seen at or past it (a log that ends in a transaction marker never
  // delivers its last offset). Returns where to go on. PositionGone when `from` is not in the log.
  static constexpr std::int64_t kFromBeginning = -1;
  using Visit = std::function<void(TopicRecord)>;
  base::Result<std::int64_t> read(const commit::PartitionName& partition, std::int64_t from, const Visit& visit);

  rd_kafka_t* handle() const { return client_.get(); }

 private:
  TopicReader(Client client, std::int64_t patience) : client_(std::move(client)), patience_(patience) {}
  base::Result<std::int64_t> consume(const commit::PartitionName& partition, rd_kafka_queue_t* queue, std::int64_t end,
                                     const Visit& visit);
  Client client_;
  std::int64_t patience_;
  std::set<std::string> known_;  // topics that are there
};

}  // namespace piperun::kafka
