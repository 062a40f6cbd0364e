#include "runtime/operators/dedup.h"

#include <algorithm>
#include <iterator>

namespace piperun::operators {
namespace {

// |a - b| < limit, for any two times.
bool are_within(std::int64_t a, std::int64_t b, std::int64_t limit) {
  const auto distance = a > b ? static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b)
                              : static_cast<std::uint64_t>(b) - static_cast<std::uint64_t>(a);
  return distance < static_cast<std::uint64_t>(limit);
}

std::vector<std::int64_t> times_of(const std::vector<Dedup::Accepted>& accepted) {
  std::vector<std::int64_t> result;
  result.reserve(accepted.size());
  for (const Dedup::Accepted& one : accepted) result.push_back(one.time);
  return result;
}

}  // namespace

void Dedup::load(std::span<const commit::KeyEntry> stored) {
  for (const commit::KeyEntry& found : stored) {
    Entry& entry = entries_[found.key];
    for (const std::int64_t time : found.times) {
      const auto after = std::ranges::lower_bound(entry.now, time, {}, &Accepted::time);
      if (after != entry.now.end() && after->time == time) continue;
      entry.now.insert(after, {time, found.partition});
    }
    entry.read = times_of(entry.now);
  }
}

bool Dedup::accept(const std::string& key, std::int64_t time, std::int32_t partition) {
  Entry& entry = entries_[key];
  elsewhere_.reset();
  // By time, so only the two neighbours can be near enough.
  const auto after = std::ranges::lower_bound(entry.now, time, {}, &Accepted::time);
  const bool repeats_later = after != entry.now.end() && repeats(*after, time, partition);
  const bool repeats_earlier = after != entry.now.begin() && repeats(*std::prev(after), time, partition);
  if (repeats_later || repeats_earlier) return false;
  entry.now.insert(after, {time, partition});
  entry.partition = partition;
  return true;
}

bool Dedup::repeats(const Accepted& one, std::int64_t time, std::int32_t partition) {
  if (!are_within(one.time, time, within_)) return false;
  if (one.partition >= 0 && partition >= 0 && one.partition != partition) elsewhere_ = one;
  return true;
}

std::vector<commit::KeyClaim> Dedup::claims() const {
  std::vector<commit::KeyClaim> changed;
  for (const auto& [key, entry] : entries_) {
    if (entry.now.size() != entry.read.size()) changed.push_back({key, entry.read, times_of(entry.now), entry.partition});
  }
  return changed;
}

}  // namespace piperun::operators
