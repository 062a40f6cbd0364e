#include "runtime/engine/unit_end.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace piperun::engine {
namespace {

constexpr std::int64_t kLookEvery = 200'000, kTellAfter = 2'000'000;  // microseconds
constexpr std::int64_t kLookForSettledEvery = 1'000'000;
constexpr std::int64_t kLookForGoodEvery = 2'000'000;  // of a time to come, which may be days away

std::int64_t next_offset(const std::vector<commit::Position>& stored, const commit::PartitionName& name) {
  const auto found = std::ranges::find(stored, name, &commit::Position::partition);
  return found == stored.end() ? -1 : found->next_offset;
}

}  // namespace

// One of its sources has no stop time.
bool UnitEnd::never_ends() const {
  for (std::uint32_t source = 0; kind_ == Kind::ForGood && source < unit_.sources.size(); ++source) {
    if (stop_time_(source) == INT64_MAX) return true;
  }
  return false;
}

base::Result<bool> UnitEnd::is_reached(Membership& membership, const ReadPositions& read_positions) {
  if (clock_.monotonic() < look_at_ || never_ends()) return false;
  look_at_ = clock_.monotonic() + (kind_ == Kind::ForGood ? kLookForGoodEvery : kLookEvery);
  if (const auto found = find_ends(membership); !found) return std::unexpected(found.error());
  std::vector<Ending*> others;
  for (Ending& each : endings_) {
    if (!each.is_reached && std::ranges::count(membership.assigned(), each.name) == 0) others.push_back(&each);
  }
  if (others.empty()) return true;
  const auto stored = read_positions();
  if (!stored) return std::unexpected(stored.error());
  for (Ending* other : others) {
    const auto reached = is_reached(*other, next_offset(*stored, other->name), membership);
    if (reached && !*reached) tell(*other);
    if (!reached || !*reached) return reached;
    other->is_reached = true;
  }
  return true;
}

// For good: the ends move until a record of the stop time is there.
base::Result<void> UnitEnd::find_ends(Membership& membership) {
  const bool are_settled = std::ranges::all_of(endings_, [](const Ending& each) { return each.settled >= each.end; });
  if (is_asked_ && kind_ == Kind::OfNow && (are_settled || clock_.monotonic() < settle_at_)) return {};
  settle_at_ = clock_.monotonic() + kLookForSettledEvery;
  const auto partitions = membership.partitions();
  if (!partitions) return std::unexpected(partitions.error());
  for (const auto& [source, partition, high_watermark] : *partitions) {
    const commit::PartitionName name{partition.topic, partition.number};
    const std::int64_t end = kind_ == Kind::OfNow ? std::max(partition.end, high_watermark) : partition.end;
    const auto known = std::ranges::find(endings_, name, &Ending::name);
    if (known != endings_.end()) {
      known->settled = partition.end;
      if (kind_ == Kind::ForGood && std::exchange(known->end, end) != end) known->unread = -1;
    } else if (!is_asked_ || kind_ == Kind::ForGood) {
      endings_.push_back({.name = name, .source = source, .end = end, .settled = partition.end});
    }
  }
  if (!std::exchange(is_asked_, true)) tell_at_ = clock_.monotonic() + kTellAfter;
  return {};
}

// Once: who waits for a program that seems to do nothing wants to know for what.
void UnitEnd::tell(const Ending& ending) {
  if (is_told_ || kind_ == Kind::ForGood || clock_.monotonic() < tell_at_) return;
  is_told_ = true;
  spdlog::info("waiting for what others have to read unit={} topic={} partition={}", unit_.name, ending.name.topic,
               ending.name.number);
}

// Numbers alone do not tell: behind the last record there may be the mark of its transaction. What was looked at is not looked at again
// until its owner has come on, or more is there.
base::Result<bool> UnitEnd::is_reached(Ending& ending, std::int64_t position, Membership& membership) const {
  if (position < 0) return false;  // not seeded yet
  if (position >= ending.end) return kind_ == Kind::OfNow;
  if (std::exchange(ending.seen, position) != position) return false;  // its owner is at work
  if (position == ending.unread) return false;
  if (kind_ == Kind::OfNow && ending.settled < ending.end) return false;  // what an open transaction has, nobody has read
  const auto time = membership.next_time(ending.name, position, ending.end);
  if (!time) return std::unexpected(time.error());
  if (*time ? **time >= stop_time_(ending.source) : kind_ == Kind::OfNow) return true;
  ending.unread = position;
  return false;
}

}  // namespace piperun::engine
