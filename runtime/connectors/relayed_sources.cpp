#include "runtime/connectors/relayed_sources.h"

#include <algorithm>

#include "runtime/base/steady_now.h"

namespace piperun::connectors {

using base::ErrorCode;
using base::Result;
using base::steady_now;

namespace {

// A member that was paused reads what its successor has sent and removed: before that is an error, the group has time to say so.
constexpr std::int64_t kGoneFor = 10'000'000;  // microseconds

}  // namespace

Result<std::string> RelayedSources::add(std::uint32_t source, std::unique_ptr<Source> reader) {
  auto partitions = reader->partitions();
  if (!partitions) return std::unexpected(partitions.error());
  const std::string name = partitions->front().topic;
  all_.insert(std::ranges::upper_bound(all_, name, {}, &Relayed::name), Relayed{source, std::move(reader), name});
  return name;
}

std::vector<std::string> RelayedSources::names() const {
  std::vector<std::string> result;
  for (const Relayed& each : all_) result.push_back(each.name);
  return result;
}

std::map<std::string, std::string> RelayedSources::identities() const {
  std::map<std::string, std::string> result;
  for (const Relayed& each : all_) {
    if (std::string identity = each.reader->identity(); !identity.empty()) result[each.name] = std::move(identity);
  }
  return result;
}

void RelayedSources::assign(std::vector<std::string> names) {
  hold();
  assigned_.clear();
  for (const std::string& name : names)
    assigned_.push_back(static_cast<std::size_t>(std::ranges::find(all_, name, &Relayed::name) - all_.begin()));
}

void RelayedSources::hold() {
  for (Relayed& each : all_) each.position = -1;
  gone_since_ = 0;
}

void RelayedSources::start(std::span<const StartAt> partitions) {
  hold();
  for (const StartAt& start : partitions) {
    for (const std::size_t index : assigned_) {
      if (all_[index].name == start.partition.topic) all_[index].position = start.offset;
    }
  }
}

Result<std::optional<record::Slab>> RelayedSources::take(std::size_t max_records, std::size_t max_bytes) {
  for (std::size_t tried = 0; tried < assigned_.size(); ++tried) {
    const std::size_t index = turn_++ % assigned_.size();
    Relayed& from = all_[assigned_[index]];
    if (from.position < 0) continue;
    auto slab = from.reader->read(0, from.position, max_records, max_bytes);
    if (!slab && slab.error().code == ErrorCode::PositionGone) {
      if (gone_since_ == 0) gone_since_ = steady_now();
      if (steady_now() - gone_since_ < kGoneFor) return std::nullopt;
    }
    if (!slab) return std::unexpected(slab.error());
    gone_since_ = 0;
    if (slab->records.empty()) continue;
    from.position = slab->records.back().next;
    slab->partition = static_cast<std::uint32_t>(index);
    return std::move(*slab);
  }
  return std::nullopt;
}

Result<std::vector<GroupPartition>> RelayedSources::partitions() {
  std::vector<GroupPartition> result;
  for (Relayed& each : all_) {
    auto found = each.reader->partitions();
    if (!found) return std::unexpected(found.error());
    result.push_back({each.source, found->front()});
  }
  return result;
}

Result<std::int64_t> RelayedSources::resolve(const std::string& start, std::uint32_t partition) {
  return all_.at(partition).reader->resolve(start, 0);
}

Result<bool> RelayedSources::is_at_end() {
  for (const std::size_t index : assigned_) {
    Relayed& each = all_[index];
    if (each.position < 0) continue;
    if (each.end < 0) {
      const auto now_there = each.reader->partitions();
      if (!now_there) return std::unexpected(now_there.error());
      if (each.position > now_there->front().end) return false;  // reading will say what is wrong
      each.end = now_there->front().end;
    }
    if (each.position < each.end) return false;
  }
  return true;
}

}  // namespace piperun::connectors
