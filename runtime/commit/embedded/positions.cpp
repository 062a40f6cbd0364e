#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>

#include "runtime/commit/embedded/embedded_domain.h"

namespace piperun::embedded {

using base::ErrorCode;
using base::Result;
using commit::Advance;
using commit::PartitionName;
using commit::Position;

namespace {

constexpr const char* kColumns =
    "topic, partition, epoch, next_offset, in_flight, read, used, filtered, duplicates, late, skipped, dead, unknown, mark, "
    "newest_time";

Position position_of(const Query& row) {
  Position result;
  result.partition = {row.text(0), static_cast<std::int32_t>(row.integer(1))};
  result.epoch = row.integer(2);
  result.next_offset = row.integer(3);
  result.in_flight = row.integer(4);
  result.counts = {row.integer(5), row.integer(6),  row.integer(7),  row.integer(8),
                   row.integer(9), row.integer(10), row.integer(11), row.integer(12)};
  result.mark = row.text(13);
  if (!row.is_null(14)) result.newest_time = row.integer(14);
  return result;
}

void bind_time(Query& query, int parameter, std::int64_t time) {
  if (time == commit::kNoTime) query.bind_null(parameter);
  else query.bind(parameter, time);
}

void bind_counts(Query& query, int first, const commit::Counts& counts) {
  for (const std::int64_t count :
       {counts.read, counts.used, counts.filtered, counts.duplicates, counts.late, counts.skipped, counts.dead, counts.unknown}) {
    query.bind(first++, count);
  }
}

// Records whose fates were never stored, because their owner died after it had moved the position, are unknown.
constexpr const char* kClaim =
    "INSERT INTO piperun_positions (pipeline, unit, topic, partition, epoch, next_offset, owner_pid) VALUES (?1, ?2, ?3, ?4, 1, "
    "-1, ?5) "
    "ON CONFLICT DO UPDATE SET epoch = epoch + 1, owner_pid = ?5, read = read + in_flight, unknown = unknown + in_flight, "
    "in_flight = 0 "
    "RETURNING topic, partition, epoch, next_offset, in_flight, read, used, filtered, duplicates, late, skipped, dead, unknown, "
    "mark, newest_time";

constexpr const char* kFence =
    "UPDATE piperun_positions SET next_offset = ?7, read = read + ?8, used = used + ?9, filtered = filtered + ?10, duplicates = "
    "duplicates + ?11, "
    "late = late + ?12, skipped = skipped + ?13, dead = dead + ?14, unknown = unknown + ?15, in_flight = ?16, mark = ?17, "
    "newest_time = coalesce(max(newest_time, ?18), newest_time, ?18) "
    "WHERE pipeline = ?1 AND unit = ?2 AND topic = ?3 AND partition = ?4 AND epoch = ?5 AND next_offset = ?6";

constexpr const char* kSeed =
    "UPDATE piperun_positions SET next_offset = ?6, in_flight = 0, read = ?7, used = ?8, filtered = ?9, duplicates = ?10, late = "
    "?11, "
    "skipped = ?12, dead = ?13, unknown = ?14, mark = ?15, newest_time = ?16 "
    "WHERE pipeline = ?1 AND unit = ?2 AND topic = ?3 AND partition = ?4 AND epoch = ?5";

}  // namespace

Result<std::vector<Position>> EmbeddedDomain::claim(std::span<const PartitionName> partitions) {
  Transaction transaction(*database_);
  if (auto begun = transaction.begin(); !begun) return std::unexpected(begun.error());
  std::vector<Position> result;
  {
    Query query = database_->query(kClaim);
    for (const PartitionName& partition : partitions) {
      query.bind(1, pipeline_)
          .bind(2, unit_)
          .bind(3, partition.topic)
          .bind(4, std::int64_t{partition.number})
          .bind(5, std::int64_t{getpid()});
      auto row = query.step();
      if (!row) return std::unexpected(row.error());
      result.push_back(position_of(query));
      query.reset();
    }
  }
  if (auto done = transaction.commit(); !done) return std::unexpected(done.error());
  for (const Position& position : result) epochs_[position.partition] = position.epoch;
  return result;
}

void EmbeddedDomain::keep(std::span<const PartitionName> partitions) {
  std::erase_if(epochs_, [&](const auto& claimed) { return std::ranges::find(partitions, claimed.first) == partitions.end(); });
}

Result<std::vector<Position>> EmbeddedDomain::stored_positions() {
  Query query = database_->query(
      fmt::format("SELECT {} FROM piperun_positions WHERE pipeline = ?1 AND unit = ?2 ORDER BY topic, partition", kColumns));
  query.bind(1, pipeline_).bind(2, unit_);
  std::vector<Position> result;
  for (;;) {
    auto row = query.step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return result;
    result.push_back(position_of(query));
  }
}

Result<std::vector<Position>> EmbeddedDomain::read_positions(ir::StepMode mode) {
  // Locking waits for whoever still writes: a commit whose outcome is unknown is then over.
  Transaction transaction(*database_);
  if (mode == ir::StepMode::Locking) {
    if (auto begun = transaction.begin(); !begun) return std::unexpected(begun.error());
  }
  auto positions = stored_positions();
  if (!positions) return positions;
  for (const Position& position : *positions) {
    const auto claimed = epochs_.find(position.partition);
    if (claimed != epochs_.end() && claimed->second != position.epoch) return std::unexpected(lost(position.partition));
  }
  if (auto done = transaction.commit(); !done) return std::unexpected(done.error());
  return positions;
}

Result<void> EmbeddedDomain::seed_positions(std::span<const Position> positions) {
  Transaction transaction(*database_);
  if (auto begun = transaction.begin(); !begun) return begun;
  {
    Query query = database_->query(kSeed);
    for (const Position& position : positions) {
      const auto claimed = epochs_.find(position.partition);
      if (claimed == epochs_.end()) return std::unexpected(lost(position.partition));
      query.bind(1, pipeline_).bind(2, unit_).bind(3, position.partition.topic).bind(4, std::int64_t{position.partition.number});
      query.bind(5, claimed->second).bind(6, position.next_offset);
      bind_counts(query, 7, position.counts);
      query.bind(15, position.mark);
      bind_time(query, 16, position.newest_time);
      auto changed = query.run();
      if (!changed) return std::unexpected(changed.error());
      if (*changed != 1) return std::unexpected(lost(position.partition));
    }
  }
  return transaction.commit();
}

Result<void> EmbeddedDomain::fence(std::span<const Advance> advances) {
  if (auto owner = check_owner(); !owner) return owner;
  Query query = database_->query(kFence);
  for (const Advance& advance : advances) {
    const auto claimed = epochs_.find(advance.partition);
    if (claimed == epochs_.end()) return std::unexpected(lost(advance.partition));
    query.bind(1, pipeline_).bind(2, unit_).bind(3, advance.partition.topic).bind(4, std::int64_t{advance.partition.number});
    query.bind(5, claimed->second).bind(6, advance.from).bind(7, advance.to);
    bind_counts(query, 8, advance.counts);
    query.bind(16, advance.in_flight).bind(17, advance.mark);
    bind_time(query, 18, advance.newest_time);
    auto changed = query.run();
    if (!changed) return std::unexpected(changed.error());
    if (*changed != 1) return std::unexpected(lost(advance.partition));
  }
  is_fenced_ = database_->in_transaction();
  return {};
}

Result<void> EmbeddedDomain::commit_offsets(std::span<const Advance> advances, ir::StepMode) {
  Transaction transaction(*database_);
  if (auto begun = transaction.begin(); !begun) return begun;
  auto fenced = fence(advances);
  auto done = fenced ? transaction.commit() : fenced;
  if (transaction.is_own()) is_fenced_ = false;
  return done;
}

// Compares the epochs of all claimed partitions; cheap enough for each transaction, as a unit has few of them.
Result<void> EmbeddedDomain::check_owner() {
  if (is_fenced_) return {};
  Query query =
      database_->query("SELECT epoch FROM piperun_positions WHERE pipeline = ?1 AND unit = ?2 AND topic = ?3 AND partition = ?4");
  for (const auto& [partition, epoch] : epochs_) {
    query.bind(1, pipeline_).bind(2, unit_).bind(3, partition.topic).bind(4, std::int64_t{partition.number});
    auto row = query.step();
    if (!row) return std::unexpected(row.error());
    const bool is_ours = *row && query.integer(0) == epoch;
    query.reset();
    if (!is_ours) return std::unexpected(lost(partition));
  }
  return {};
}

base::Error EmbeddedDomain::lost(const PartitionName& partition) {
  Query query = database_->query(
      "SELECT epoch, next_offset, owner_pid FROM piperun_positions WHERE pipeline = ?1 AND unit = ?2 AND topic = ?3 AND "
      "partition = ?4");
  query.bind(1, pipeline_).bind(2, unit_).bind(3, partition.topic).bind(4, std::int64_t{partition.number});
  const auto row = query.step();
  const std::string who = row && *row ? fmt::format("process {} has it with epoch {} at position {}", query.integer(2),
                                                    query.integer(0), query.integer(1))
                                      : std::string("it was never claimed, or its position was removed");
  return {ErrorCode::LostOwnership,
          fmt::format("{} of {}: partition {} of `{}` is not this worker's any more: {}", unit_, pipeline_, partition.number,
                      partition.topic, who),
          {},
          -1};
}

}  // namespace piperun::embedded
