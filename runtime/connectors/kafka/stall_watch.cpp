#include "runtime/connectors/kafka/stall_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace piperun::kafka {

base::Result<void> StallWatch::look(std::int64_t now, std::span<const Progress> reading, const Ends& ends) {
  const std::vector<Behind> before = std::exchange(behind_, {});
  looked_at_ = now;
  std::vector<commit::PartitionName> names;
  for (const Progress& each : reading) names.push_back(each.partition);
  const auto found = ends(names);
  if (!found) return {};
  for (const Behind& each : before) {
    const auto same = std::ranges::find(reading, each.reading.partition, &Progress::partition);
    if (same == reading.end() || same->next != each.reading.next || same->seen_end >= each.end) continue;
    return base::failure(
        base::ErrorCode::LostOwnership,
        fmt::format(
            "{}[{}] has records from {} to {}, and none was fetched for {} s: the client is taken for stuck, and replaced",
            same->partition.topic, same->partition.number, same->next, each.end, patience_ / 1'000'000));
  }
  for (std::size_t i = 0; i < reading.size(); ++i) {
    if ((*found)[i] > reading[i].reached()) behind_.push_back({reading[i], (*found)[i]});
  }
  return {};
}

void StallWatch::forget(std::int64_t now) {
  behind_.clear();
  looked_at_ = now;
}

}  // namespace piperun::kafka
