#include "runtime/operators/dedup.h"

#include <algorithm>

namespace piperun::operators {
namespace {

// |a - b| < limit, for any two times.
bool are_within(std::int64_t a, std::int64_t b, std::int64_t limit) {
  const auto distance = a > b ? static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b)
                              : static_cast<std::uint64_t>(b) - static_cast<std::uint64_t>(a);
  return distance < static_cast<std::uint64_t>(limit);
}

}  // namespace

void Dedup::load(std::span<const commit::KeyEntry> stored) {
  for (const commit::KeyEntry& entry : stored) entries_[entry.key] = {entry.times, entry.times, -1};
}

bool Dedup::accept(const std::string& key, std::int64_t time, std::int32_t partition) {
  Entry& entry = entries_[key];
  std::vector<std::int64_t>& accepted = entry.now;
  // Ascending, so only the two neighbours of `time` can be near enough.
  const auto after = std::lower_bound(accepted.begin(), accepted.end(), time);
  if (after != accepted.end() && are_within(*after, time, within_)) return false;
  if (after != accepted.begin() && are_within(*std::prev(after), time, within_)) return false;
  accepted.insert(after, time);
  entry.partition = partition;
  return true;
}

std::vector<commit::KeyClaim> Dedup::claims() const {
  std::vector<commit::KeyClaim> changed;
  for (const auto& [key, entry] : entries_) {
    if (entry.now.size() != entry.read.size()) changed.push_back({key, entry.read, entry.now, entry.partition});
  }
  return changed;
}

}  // namespace piperun::operators
