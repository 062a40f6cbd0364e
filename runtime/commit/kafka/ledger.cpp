#include "runtime/commit/kafka/ledger.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/commit/database_identity.h"

namespace piperun::kafka {

using base::Result;
using commit::Advance;
using commit::PartitionName;
using commit::Position;

PartitionName Ledger::stored_name(const PartitionName& partition) const {
  if (partition.topic == kReplay) return {replay_topic_, 0};
  const auto outbox = progress_topics_.find(partition.topic);
  return outbox == progress_topics_.end() ? partition : PartitionName{outbox->second, 0};
}

PartitionName Ledger::counted_name(const PartitionName& partition) const {
  if (partition.topic == replay_topic_) return {kReplay, 0};
  const auto outbox = std::ranges::find(progress_topics_, partition.topic, [](const auto& each) { return each.second; });
  return outbox == progress_topics_.end() ? partition : PartitionName{outbox->first, 0};
}

Position Ledger::position_of(const PartitionOffset& stored) const {
  const OffsetMetadata metadata = OffsetMetadata::parse(stored.metadata);
  Position result;
  result.partition = counted_name(stored.partition);
  result.next_offset = metadata.is_none ? -1 : stored.offset;
  if (result.next_offset < 0) return result;
  if (result.partition.topic == kReplay) result.next_offset = metadata.at;
  result.in_flight = metadata.in_flight;
  result.counts = metadata.counts;
  result.newest_time = metadata.time.value_or(commit::kNoTime);
  return result;
}

Position Ledger::load(const PartitionOffset& stored) {
  Position result = position_of(stored);
  Entry entry{result.next_offset < 0 ? -1 : stored.offset, OffsetMetadata::parse(stored.metadata)};
  if (result.next_offset < 0) entry.metadata = {};
  entry.metadata.counts.read += entry.metadata.in_flight;
  entry.metadata.counts.unknown += entry.metadata.in_flight;
  entry.metadata.in_flight = 0;
  result.counts = entry.metadata.counts;
  result.in_flight = 0;
  entries_[stored.partition] = std::move(entry);
  return result;
}

void Ledger::forget() {
  entries_.clear();
  planned_.clear();
}

Result<void> Ledger::name_topic(const std::string& topic, const std::string& id) {
  for (const auto& [partition, entry] : entries_) {
    const std::string& known = entry.metadata.topic_id;
    if (partition.topic != topic || entry.offset < 0 || known.empty() || known == id) continue;
    return base::failure(base::ErrorCode::PositionGone,
                         fmt::format("{}[{}]: the next record is {} of the topic with the id {}, and the topic was made anew "
                                     "since: it has the id {}; `offsets reset` accepts the gap",
                                     topic, partition.number, entry.offset, known, id));
  }
  topic_ids_[topic] = id;
  return {};
}

Result<void> Ledger::name_database(const std::string& outbox, const std::string& identity) {
  const PartitionName name = stored_name({outbox, 0});
  const auto held = entries_.find(name);
  const std::string known = held == entries_.end() || held->second.offset < 0 ? "" : held->second.metadata.database;
  if (!known.empty() && !commit::is_same_database(known, identity)) {
    return base::failure(base::ErrorCode::PositionGone,
                         fmt::format("outbox `{}`: row {} is the next one, a position of {}, and the connection leads to {}; {}",
                                     outbox, held->second.offset, known, identity, commit::kOtherDatabase));
  }
  databases_[name.topic] = identity;
  return {};
}

Result<PartitionOffset> Ledger::offset_of(const PartitionName& partition, Entry& entry) const {
  if (const auto id = topic_ids_.find(partition.topic); id != topic_ids_.end()) entry.metadata.topic_id = id->second;
  if (const auto now = databases_.find(partition.topic); now != databases_.end()) entry.metadata.database = now->second;
  auto text = entry.metadata.text();
  if (!text) return std::unexpected(text.error());
  return PartitionOffset{partition, entry.offset, std::move(*text)};
}

Result<Ledger::Entry> Ledger::advanced(const Advance& advance, std::int64_t replay_offset) const {
  const auto known = entries_.find(stored_name(advance.partition));
  const bool is_replay = advance.partition.topic == kReplay;
  const std::int64_t held = known == entries_.end() ? -1 : is_replay ? known->second.metadata.at : known->second.offset;
  if (held != advance.from) {
    return base::failure(base::ErrorCode::LostOwnership,
                         fmt::format("the position of {}/{} is {} here, not {}", advance.partition.topic,
                                     advance.partition.number, held, advance.from));
  }
  Entry result = known->second;
  result.offset = is_replay ? replay_offset : advance.to;
  if (is_replay) result.metadata.at = advance.to;
  result.metadata.counts += advance.counts;
  result.metadata.in_flight = advance.in_flight;
  if (advance.newest_time > result.metadata.time.value_or(commit::kNoTime)) result.metadata.time = advance.newest_time;
  return result;
}

Result<std::vector<PartitionOffset>> Ledger::plan(std::span<const Advance> advances, const SinkRows& rows,
                                                  std::int64_t replay_offset) {
  std::vector<PartitionOffset> result;
  for (const Advance& advance : advances) {
    auto entry = advanced(advance, replay_offset);
    if (!entry) return std::unexpected(entry.error());
    if (result.empty()) {
      for (const auto& [sink, count] : rows) entry->metadata.rows[sink] += count;
    }
    auto offset = offset_of(stored_name(advance.partition), *entry);
    if (!offset) return std::unexpected(offset.error());
    planned_[offset->partition] = std::move(*entry);
    result.push_back(std::move(*offset));
  }
  return result;
}

Result<std::vector<PartitionOffset>> Ledger::plan_seeds(std::span<const Position> positions) {
  std::vector<PartitionOffset> result;
  for (const Position& position : positions) {
    const PartitionName name = stored_name(position.partition);
    Entry entry;
    const bool is_replay = position.partition.topic == kReplay;
    entry.offset = is_replay ? std::max<std::int64_t>(0, stored_offset(name)) : position.next_offset;
    if (is_replay) entry.metadata.at = position.next_offset;
    entry.metadata.counts = position.counts;
    if (position.newest_time != commit::kNoTime) entry.metadata.time = position.newest_time;
    if (const auto known = entries_.find(name); known != entries_.end()) entry.metadata.rows = known->second.metadata.rows;
    auto offset = offset_of(name, entry);
    if (!offset) return std::unexpected(offset.error());
    planned_[name] = std::move(entry);
    result.push_back(std::move(*offset));
  }
  return result;
}

bool Ledger::is_what_was_planned(std::span<const PartitionOffset> stored) const {
  return !planned_.empty() && std::ranges::all_of(planned_, [&](const auto& planned) {
    const auto found = std::ranges::find(stored, planned.first, &PartitionOffset::partition);
    return found != stored.end() && found->offset == planned.second.offset &&
           OffsetMetadata::parse(found->metadata) == planned.second.metadata;
  });
}

void Ledger::settle() {
  for (auto& [name, entry] : planned_) entries_[name] = std::move(entry);
  planned_.clear();
}

Result<std::vector<PartitionOffset>> Ledger::unchanged(std::span<const PartitionName> partitions) const {
  std::vector<PartitionOffset> result;
  for (const PartitionName& partition : partitions) {
    const auto known = entries_.find(stored_name(partition));
    if (known == entries_.end() || known->second.offset < 0) continue;
    Entry same = known->second;
    auto offset = offset_of(known->first, same);
    if (!offset) return std::unexpected(offset.error());
    result.push_back(std::move(*offset));
  }
  return result;
}

std::int64_t Ledger::stored_offset(const PartitionName& partition) const {
  const auto known = entries_.find(stored_name(partition));
  return known == entries_.end() ? -1 : known->second.offset;
}

}  // namespace piperun::kafka
