// Who owns a partition, and where it stands.
#include <fmt/core.h>

#include <algorithm>

#include "runtime/commit/database_identity.h"
#include "runtime/commit/postgres/blockers.h"
#include "runtime/commit/postgres/postgres_domain.h"

namespace piperun::postgres {

using base::ErrorCode;
using base::Result;
using commit::Advance;
using commit::PartitionName;
using commit::Position;

namespace {

constexpr const char* kColumns =
    "o.topic, o.partition, o.epoch, o.next_offset, o.in_flight, o.read, o.used, o.filtered, o.duplicates, o.late, o.skipped, "
    "o.dead, "
    "o.unknown, o.cluster_id, o.newest_time";
constexpr int kClusterColumn = 13;
constexpr int kTimeColumn = 14;

Position position_of(const Rows& rows, std::size_t row) {
  Position result;
  result.partition = {rows.text(row, 0), static_cast<std::int32_t>(rows.integer(row, 1))};
  result.epoch = rows.integer(row, 2);
  result.next_offset = rows.integer(row, 3);
  result.in_flight = rows.integer(row, 4);
  const auto count = [&](int column) { return rows.integer(row, column); };
  result.counts = {count(5), count(6), count(7), count(8), count(9), count(10), count(11), count(12)};
  result.mark = rows.text(row, kClusterColumn);
  if (!rows.is_null(row, kTimeColumn)) result.newest_time = rows.integer(row, kTimeColumn);
  return result;
}

// null: none
template <typename Range>
void add_times(Parameters& parameters, const Range& range) {
  Array times(Wire::Integer);
  for (const auto& each : range) {
    if (each.newest_time == commit::kNoTime) times.null();
    else times.integer(each.newest_time);
  }
  parameters.array(times);
}

constexpr std::int64_t commit::Counts::* kCounts[] = {
    &commit::Counts::read, &commit::Counts::used,    &commit::Counts::filtered, &commit::Counts::duplicates,
    &commit::Counts::late, &commit::Counts::skipped, &commit::Counts::dead,     &commit::Counts::unknown};

template <typename Range>
void add_counts(Parameters& parameters, const Range& range) {
  for (const auto member : kCounts) {
    Array array = integers(range, [&](const auto& each) { return each.counts.*member; });
    parameters.array(array);
  }
}

template <typename Range>
void add_names(Parameters& parameters, const Range& range, auto partition) {
  Array topics = texts(range, [&](const auto& each) { return std::string_view(partition(each).topic); });
  Array numbers = integers(range, [&](const auto& each) { return std::int64_t{partition(each).number}; });
  parameters.array(topics).array(numbers);
}

// Records whose fates were never stored, because their owner died after it had moved the position, are unknown.
const std::string kClaim = fmt::format(
    "INSERT INTO piperun.offsets AS o (pipeline, unit, topic, partition, cluster_id, epoch, next_offset, owner) "
    "SELECT $1, $2, w.topic, w.partition, w.identity, 1, -1, $6 FROM unnest($3::text[], $4::int8[], $5::text[]) "
    "w(topic, partition, identity) "
    "ORDER BY w.topic, w.partition "
    "ON CONFLICT (pipeline, unit, topic, partition) DO UPDATE SET epoch = o.epoch + 1, owner = excluded.owner, "
    "cluster_id = CASE WHEN excluded.cluster_id <> '' AND (o.cluster_id = '' OR "
    "starts_with(excluded.cluster_id, o.cluster_id || ' ')) THEN excluded.cluster_id ELSE o.cluster_id END, "
    "read = o.read + o.in_flight, unknown = o.unknown + o.in_flight, in_flight = 0, updated = now() RETURNING {}",
    kColumns);

const std::string kSelect =
    fmt::format("SELECT {} FROM piperun.offsets o WHERE pipeline = $1 AND unit = $2 ORDER BY topic, partition", kColumns);

constexpr const char* kLockAll =
    "SELECT 1 FROM piperun.offsets WHERE pipeline = $1 AND unit = $2 ORDER BY topic, partition FOR UPDATE";
constexpr const char* kLockClaimed =
    "SELECT 1 FROM piperun.offsets o JOIN unnest($3::text[], $4::int8[]) w(topic, partition) "
    "ON o.topic = w.topic AND o.partition = w.partition WHERE o.pipeline = $1 AND o.unit = $2 "
    "ORDER BY o.topic, o.partition FOR UPDATE OF o";

constexpr const char* kSeed =
    "UPDATE piperun.offsets o SET next_offset = w.next_offset, in_flight = 0, cluster_id = w.mark, read = w.read, used = w.used, "
    "filtered = w.filtered, duplicates = w.duplicates, late = w.late, skipped = w.skipped, dead = w.dead, unknown = w.unknown, "
    "newest_time = w.newest, updated = now() "
    "FROM unnest($3::text[], $4::int8[], $5::int8[], $6::int8[], $7::int8[], $8::int8[], $9::int8[], $10::int8[], $11::int8[], "
    "$12::int8[], $13::int8[], $14::int8[], $15::text[], $16::int8[]) w(topic, partition, epoch, next_offset, read, used, "
    "filtered, "
    "duplicates, "
    "late, skipped, dead, unknown, mark, newest) "
    "WHERE o.pipeline = $1 AND o.unit = $2 AND o.topic = w.topic AND o.partition = w.partition AND o.epoch = w.epoch";

constexpr const char* kAdvance =
    "SELECT piperun.advance($1, $2, $3::text[], $4::int8[], $5::int8[], $6::int8[], $7::int8[], $8::int8[], $9::int8[], "
    "$10::int8[], "
    "$11::int8[], $12::int8[], $13::int8[], $14::int8[], $15::int8[], $16::int8[], $17::int8[])";
// Behind kAdvance, in its transaction.
constexpr const char* kMark =
    "UPDATE piperun.offsets o SET cluster_id = w.mark FROM unnest($3::text[], $4::int8[], $5::text[]) w(topic, partition, mark) "
    "WHERE o.pipeline = $1 AND o.unit = $2 AND o.topic = w.topic AND o.partition = w.partition AND o.cluster_id <> w.mark";
constexpr const char* kCheckOwner = "SELECT piperun.check_owner($1, $2, $3::text[], $4::int8[], $5::int8[])";

}  // namespace

// A paused owner's open transaction is waited for, and ended after a while: that it is over is what the claim is for.
Result<std::vector<Position>> PostgresDomain::claim(std::span<const PartitionName> partitions) {
  Transaction transaction(*session_);
  if (auto begun = transaction.begin(); !begun) return std::unexpected(begun.error());
  if (auto set = session_->set_lock_timeout(0); !set) return std::unexpected(set.error());
  Parameters parameters;
  parameters.text(pipeline_).text(unit_);
  add_names(parameters, partitions, [](const PartitionName& name) -> const PartitionName& { return name; });
  Array identities(Wire::Text);
  for (const PartitionName& partition : partitions) identities.text(identity_of(partition.topic));
  parameters.array(identities).text(application_name(session_->settings().purpose));
  const auto claim_rows = [&] {
    const BlockerEnder ender(session_->settings(), session_->backend());
    return session_->query(kClaim, parameters);
  };
  auto rows = claim_rows();
  if (!rows) return std::unexpected(rows.error());
  std::map<PartitionName, Position> claimed;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    Position position = position_of(*rows, i);
    if (auto checked = check_cluster(position.partition.topic, rows->text(i, kClusterColumn)); !checked)
      return std::unexpected(checked.error());
    claimed[position.partition] = position;
  }
  if (auto set = session_->set_lock_timeout(session_->settings().lock_timeout); !set) return std::unexpected(set.error());
  if (auto done = transaction.commit(); !done) return std::unexpected(done.error());
  std::vector<Position> result;
  for (const PartitionName& partition : partitions) {
    result.push_back(claimed[partition]);
    epochs_[partition] = result.back().epoch;
  }
  return result;
}

// What is stored beside a position of Kafka: the cluster, and the topic in it. A stored cluster alone is of any topic.
std::string PostgresDomain::identity_of(const std::string& topic) const {
  const auto id = topic_ids_.find(topic);
  return cluster_id_.empty() || id == topic_ids_.end() ? cluster_id_ : cluster_id_ + " " + id->second;
}

Result<void> PostgresDomain::check_cluster(const std::string& topic, const std::string& stored) const {
  if (topic.starts_with('#')) return {};  // replays: the letters lie here, whatever the source is
  const std::string now = identity_of(topic);
  if (stored.empty() || cluster_id_.empty() || stored == now || commit::is_same_database(stored, now)) return {};
  if (now.starts_with(commit::kDatabase)) {
    return base::failure(ErrorCode::PositionGone,
                         fmt::format("{} of {}: the position of the outbox `{}` is one of {}, and the connection leads to {}; {}",
                                     unit_, pipeline_, topic, stored, now, commit::kOtherDatabase));
  }
  const std::size_t blank = stored.find(' ');
  if (stored.substr(0, blank) == cluster_id_) {
    if (blank == std::string::npos || now == cluster_id_) return {};
    return base::failure(
        ErrorCode::PositionGone,
        fmt::format(
            "{} of {}: the positions of `{}` are those of the topic with the id {}, and it was made anew since: it has the "
            "id {}; `offsets reset` accepts the gap",
            unit_, pipeline_, topic, stored.substr(blank + 1), now.substr(cluster_id_.size() + 1)));
  }
  return base::failure(
      ErrorCode::PositionGone,
      fmt::format("{} of {}: the positions of `{}` are those of cluster {}, and the connection leads to cluster {}; "
                  "`offsets reset` accepts the new one",
                  unit_, pipeline_, topic, stored.substr(0, blank), cluster_id_));
}

void PostgresDomain::keep(std::span<const PartitionName> partitions) {
  std::erase_if(epochs_, [&](const auto& claimed) { return std::ranges::find(partitions, claimed.first) == partitions.end(); });
}

Result<std::vector<Position>> PostgresDomain::stored_positions() {
  auto rows = session_->query(kSelect, Parameters().text(pipeline_).text(unit_));
  if (!rows) return std::unexpected(rows.error());
  std::vector<Position> result;
  for (std::size_t i = 0; i < rows->size(); ++i) result.push_back(position_of(*rows, i));
  return result;
}

// Waits until no transaction holds the positions any more, be it one whose COMMIT is on its way.
Result<void> PostgresDomain::lock_claimed() {
  if (auto set = session_->set_lock_timeout(0); !set) return set;
  Parameters parameters;
  parameters.text(pipeline_).text(unit_);
  if (!epochs_.empty()) add_names(parameters, epochs_, [](const auto& each) -> const PartitionName& { return each.first; });
  const BlockerEnder ender(session_->settings(), session_->backend());
  auto locked = session_->query(epochs_.empty() ? kLockAll : kLockClaimed, parameters);
  if (!locked) return std::unexpected(locked.error());
  return {};
}

Result<std::vector<Position>> PostgresDomain::read_positions(ir::StepMode mode) {
  Transaction transaction(*session_);
  if (mode == ir::StepMode::Locking) {
    if (auto begun = transaction.begin(); !begun) return std::unexpected(begun.error());
    if (auto locked = lock_claimed(); !locked) return std::unexpected(locked.error());
  }
  auto positions = stored_positions();
  if (!positions) return positions;
  for (const Position& position : *positions) {
    const auto claimed = epochs_.find(position.partition);
    if (claimed != epochs_.end() && claimed->second != position.epoch) return std::unexpected(lost(position.partition));
  }
  if (mode == ir::StepMode::Locking) {
    if (auto done = transaction.commit(); !done) return std::unexpected(done.error());
  }
  return positions;
}

Result<void> PostgresDomain::seed_positions(std::span<const Position> positions) {
  if (positions.empty()) return {};
  Array epochs(Wire::Integer);
  for (const Position& position : positions) {
    const auto claimed = epochs_.find(position.partition);
    if (claimed == epochs_.end()) return std::unexpected(lost(position.partition));
    epochs.integer(claimed->second);
  }
  Array offsets = integers(positions, [](const Position& position) { return position.next_offset; });
  Parameters parameters;
  parameters.text(pipeline_).text(unit_);
  add_names(parameters, positions, [](const Position& position) -> const PartitionName& { return position.partition; });
  parameters.array(epochs).array(offsets);
  add_counts(parameters, positions);
  Array marks(Wire::Text);
  for (const Position& position : positions)
    marks.text(position.mark.empty() ? identity_of(position.partition.topic) : position.mark);
  parameters.array(marks);
  add_times(parameters, positions);
  Transaction transaction(*session_);
  if (auto begun = transaction.begin(); !begun) return begun;
  auto changed = session_->query(kSeed, parameters);
  if (!changed) return std::unexpected(changed.error());
  if (changed->changed() != std::ssize(positions)) return std::unexpected(lost(positions.front().partition));
  return transaction.commit();
}

Result<void> PostgresDomain::move(std::span<const Advance> advances) {
  if (advances.empty()) return {};
  Array epochs(Wire::Integer);
  for (const Advance& advance : advances) {
    const auto claimed = epochs_.find(advance.partition);
    if (claimed == epochs_.end()) return std::unexpected(lost(advance.partition));
    epochs.integer(claimed->second);
  }
  Array from = integers(advances, [](const Advance& advance) { return advance.from; });
  Array to = integers(advances, [](const Advance& advance) { return advance.to; });
  Array in_flight = integers(advances, [](const Advance& advance) { return advance.in_flight; });
  Parameters parameters;
  parameters.text(pipeline_).text(unit_);
  add_names(parameters, advances, [](const Advance& advance) -> const PartitionName& { return advance.partition; });
  parameters.array(epochs).array(from).array(to).array(in_flight);
  add_counts(parameters, advances);
  add_times(parameters, advances);
  auto moved = session_->query(kAdvance, parameters);
  if (!moved) return std::unexpected(moved.error());
  return cluster_id_.empty() ? set_marks(advances) : Result<void>{};
}

// Positions that are in no cluster: of a file, which is known again by its mark.
Result<void> PostgresDomain::set_marks(std::span<const Advance> advances) {
  Parameters parameters;
  parameters.text(pipeline_).text(unit_);
  add_names(parameters, advances, [](const Advance& advance) -> const PartitionName& { return advance.partition; });
  Array marks = texts(advances, [](const Advance& advance) { return std::string_view(advance.mark); });
  parameters.array(marks);
  auto set = session_->query(kMark, parameters);
  if (!set) return std::unexpected(set.error());
  return {};
}

Result<void> PostgresDomain::fence(std::span<const Advance> advances) {
  if (auto owner = check_owner(); !owner) return owner;
  return move(advances);
}

Result<void> PostgresDomain::commit_offsets(std::span<const Advance> advances, ir::StepMode) {
  Transaction transaction(*session_);
  if (auto begun = transaction.begin(); !begun) return begun;
  auto fenced = fence(advances);
  auto done = fenced ? transaction.commit() : fenced;
  if (transaction.is_own()) is_checked_ = false;
  return done;
}

// Of all that was claimed: a worker that has lost one partition has lost them all.
Result<void> PostgresDomain::check_owner() {
  if (is_checked_ || epochs_.empty()) return {};
  Parameters parameters;
  parameters.text(pipeline_).text(unit_);
  add_names(parameters, epochs_, [](const auto& each) -> const PartitionName& { return each.first; });
  Array epochs = integers(epochs_, [](const auto& each) { return each.second; });
  parameters.array(epochs);
  auto checked = session_->query(kCheckOwner, parameters);
  if (!checked) return std::unexpected(checked.error());
  is_checked_ = session_->in_transaction();
  return {};
}

base::Error PostgresDomain::lost(const PartitionName& partition) const {
  return {
      ErrorCode::LostOwnership,
      fmt::format("{} of {}: partition {} of `{}` is not this worker's any more: another process has claimed it, or its position "
                  "was removed",
                  unit_, pipeline_, partition.number, partition.topic),
      {},
      -1};
}

}  // namespace piperun::postgres
