#include "runtime/connectors/kafka/topic_positions.h"

#include <fmt/format.h>

#include "lang/value/time.h"
#include "runtime/commit/kafka/admin.h"

namespace piperun::kafka {

using base::ErrorCode;
using base::Result;

Result<std::vector<connectors::Partition>> topic_partitions(rd_kafka_t* handle, const std::string& topic) {
  const auto description = find_topic(handle, topic);
  if (!description) return std::unexpected(description.error());
  std::vector<commit::PartitionName> names;
  for (std::int32_t i = 0; i < description->partitions; ++i) names.push_back({topic, i});
  const auto begins = list_offsets(handle, names, kEarliest);
  if (!begins) return std::unexpected(begins.error());
  const auto ends = list_offsets(handle, names, kLatest);
  if (!ends) return std::unexpected(ends.error());
  std::vector<connectors::Partition> result;
  for (std::size_t i = 0; i < names.size(); ++i) result.push_back({topic, names[i].number, (*begins)[i], (*ends)[i]});
  return result;
}

Result<std::int64_t> resolve_start(rd_kafka_t* handle, const commit::PartitionName& partition, const std::string& start) {
  const auto ask = [&](std::int64_t at) -> Result<std::int64_t> {
    const auto answer = list_offsets(handle, std::span(&partition, 1), at);
    if (!answer) return std::unexpected(answer.error());
    return answer->front();
  };
  if (start == "earliest") return ask(kEarliest);
  if (start == "latest") return ask(kLatest);
  const auto time = value::parse_timestamp(start);
  if (!time) {
    return base::failure(ErrorCode::PositionGone,
                         fmt::format("{}[{}] has no position yet and `start` is `{}`", partition.topic, partition.number, start));
  }
  const auto first = ask((*time + 999) / 1000);
  return first && *first < 0 ? ask(kLatest) : first;
}

}  // namespace piperun::kafka
