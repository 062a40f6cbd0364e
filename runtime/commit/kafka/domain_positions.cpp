// Positions of a Kafka domain: the committed offsets of a consumer group, with the ledger beside them.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>

#include "runtime/commit/kafka/admin.h"
#include "runtime/commit/kafka/groups.h"
#include "runtime/commit/kafka/kafka_domain.h"
#include "runtime/commit/kafka/key_shards.h"

namespace piperun::kafka {

using base::ErrorClass;
using base::ErrorCode;
using base::Result;
using commit::Advance;
using commit::PartitionName;
using commit::Position;

namespace {

constexpr std::int64_t kWaitEvery = 30'000'000;  // hybrid: so often a commit is waited for
// A worker may be asked to stop, which has 15 s. A member that was killed or is paused in its transaction keeps it open for up to 14 s
// behind the end of its session: not longer than two attempts.
constexpr std::int64_t kClaimPatience = 9'000'000, kLookPatience = 2'000'000;

bool is_replay(const PartitionName& partition) { return partition.topic == Ledger::kReplay; }

}  // namespace

// An offset can be committed only of a topic that is there.
Result<void> KafkaDomain::make_replay_topic(rd_kafka_t* handle, std::span<const PartitionName> sources) {
  const auto found = describe_topic(handle, replay_topic_);
  if (found) return {};
  if (found.error().code != ErrorCode::NoSuchTopic) return std::unexpected(found.error());
  const auto source = std::ranges::find_if_not(sources, is_replay);
  if (source == sources.end()) return create_topic(handle, replay_topic_, 1, configuration(OwnTopic::Replay));
  return create_internal_topic(handle, {replay_topic_, 1, false}, ledger_.stored_name(*source).topic);
}

Result<std::vector<Position>> KafkaDomain::claim(std::span<const PartitionName> partitions) {
  auto client = consumer();
  if (!client) return std::unexpected(client.error());
  std::vector<PartitionName> names;
  for (const PartitionName& partition : partitions) {
    names.push_back(ledger_.stored_name(partition));
    if (!is_replay(partition)) continue;
    if (auto made = make_replay_topic((*client)->handle(), partitions); !made) return std::unexpected(made.error());
  }
  auto stored = (*client)->committed(names, kClaimPatience);
  if (!stored) return std::unexpected(stored.error());
  ledger_.forget();
  forget_changes();
  passed_marks_ = 0;
  is_unclear_ = false;
  claimed_.assign(partitions.begin(), partitions.end());
  owned_.clear();
  std::vector<Position> result;
  for (const PartitionOffset& each : *stored) {
    result.push_back(ledger_.load(each));
    const PartitionName& name = result.back().partition;
    if (member_ != nullptr && each.offset >= 0 && !OffsetMetadata::is_ours(each.metadata)) tell_foreign(each);
    if (member_ != nullptr && !is_replay(name) && member_->membership(std::span(&each.partition, 1))) owned_.push_back(name);
  }
  if (auto checked = check_topics(names); !checked) return std::unexpected(checked.error());
  return result;
}

void KafkaDomain::tell_foreign(const PartitionOffset& stored) {
  if (!told_foreign_.emplace(stored.partition, stored.offset).second) return;
  spdlog::warn("position was set by another tool, its ledger begins anew; `offsets reset` keeps it topic={} partition={} at={}",
               stored.partition.topic, stored.partition.number, stored.offset);
}

// A topic that was made anew has other records under the same offsets, another database has other rows under the same numbers. A person
// who moves positions is no member, and may.
Result<void> KafkaDomain::check_topics(std::span<const PartitionName> stored) {
  if (member_ == nullptr) return {};
  std::set<std::string> topics;
  for (const PartitionName& name : stored) topics.insert(name.topic);
  for (const std::string& topic : topics) {
    const auto id = topic_id(member_->handle(), topic);
    if (!id) return std::unexpected(id.error());
    if (auto checked = ledger_.name_topic(topic, *id); !checked) return checked;
  }
  for (const auto& [outbox, database] : settings_.databases) {
    if (auto checked = ledger_.name_database(outbox, database); !checked) return checked;
  }
  return {};
}

void KafkaDomain::keep(std::span<const PartitionName> partitions) {
  claimed_.assign(partitions.begin(), partitions.end());
  owned_.clear();
  std::ranges::remove_copy_if(claimed_, std::back_inserter(owned_), is_replay);
}

// What the group holds of what was claimed.
Result<void> KafkaDomain::reload() {
  std::vector<PartitionName> names;
  for (const PartitionName& partition : claimed_) names.push_back(ledger_.stored_name(partition));
  auto client = consumer();
  if (!client) return std::unexpected(client.error());
  if (names.empty()) return {};
  auto stored = (*client)->committed(names, kClaimPatience);
  if (!stored) return std::unexpected(stored.error());
  const bool was_stored = ledger_.is_what_was_planned(*stored);
  for (const PartitionOffset& each : *stored) ledger_.load(each);
  ledger_.drop();
  if (was_stored) {
    rows_.clear();
    handled_.clear();
  }
  is_unclear_ = false;
  return {};
}

// Of its own a worker's commit is settled at once. Who is no member reads positions to go on from there.
std::optional<std::int64_t> KafkaDomain::patience() const {
  return member_ == nullptr ? std::nullopt : std::optional(kLookPatience);
}

Result<std::vector<Position>> KafkaDomain::read_positions(ir::StepMode mode) {
  if (mode == ir::StepMode::Locking || is_unclear_) {
    if (auto done = reload(); !done) return std::unexpected(done.error());
  }
  auto client = handle();
  if (!client) return std::unexpected(client.error());
  const auto stored = group_offsets(*client, group_, patience());
  if (!stored) return std::unexpected(stored.error());
  std::vector<Position> result;
  for (const PartitionOffset& each : *stored) {
    Position position = ledger_.position_of(each);
    if (position.next_offset >= 0) result.push_back(std::move(position));
  }
  std::ranges::sort(result, {}, &Position::partition);
  return result;
}

// Of the partitions that this worker has, by their names in the group.
Result<Membership> KafkaDomain::membership() const {
  std::vector<PartitionName> names;
  for (const PartitionName& partition : owned_) names.push_back(ledger_.stored_name(partition));
  return member_->membership(names);
}

Result<void> KafkaDomain::check_membership() {
  if (member_ == nullptr) {
    return base::failure(ErrorCode::LostOwnership, fmt::format("group {}: this process is no member", group_));
  }
  const auto member = membership();
  if (!member) return std::unexpected(member.error());
  return {};
}

Result<void> KafkaDomain::seed_positions(std::span<const Position> positions) {
  if (positions.empty()) return {};
  auto offsets = ledger_.plan_seeds(positions);
  if (!offsets) return std::unexpected(offsets.error());
  if (!is_open_) return commit_waiting(*offsets);
  auto member = membership();
  if (!member) return std::unexpected(member.error());
  if (auto sent = producer_->send_offsets(*offsets, *member); !sent) return std::unexpected(settle(std::move(sent.error())));
  return {};
}

// ---- In a transaction

Result<void> KafkaDomain::store_offsets(std::span<const Advance> advances) {
  if (!is_open_) return base::failure(ErrorCode::SystemUnavailable, fmt::format("group {}: no transaction is open", group_));
  if (auto done = check_membership(); !done) return done;
  if (auto done = watch_changelogs(); !done) return done;
  auto offsets = ledger_.plan(advances, rows_, replay_offset(advances));
  if (!offsets) return std::unexpected(offsets.error());
  if (offsets->empty()) return {};
  const auto member = membership();
  if (!member) return std::unexpected(member.error());
  if (auto sent = producer_->send_offsets(*offsets, *member); !sent) return std::unexpected(settle(std::move(sent.error())));
  return {};
}

Result<void> KafkaDomain::fence(std::span<const Advance> advances) { return store_offsets(advances); }

// Before the first mark whose letter waits: this commit has put or removed those of the others, or they are gone.
std::int64_t KafkaDomain::replay_offset(std::span<const Advance> advances) const {
  const auto replay = std::ranges::find_if(advances, [](const Advance& advance) { return is_replay(advance.partition); });
  std::int64_t result = std::max<std::int64_t>(0, ledger_.stored_offset({Ledger::kReplay, 0}));
  if (replay == advances.end()) return result;
  for (const Mark& mark : marks_) {
    if (!mark.is_gone && !handled_.contains(mark.letter)) break;
    result = std::max(result, mark.next);
  }
  return result;
}

// ---- Without one

bool KafkaDomain::must_wait(ir::StepMode mode) {
  if (mode != ir::StepMode::Async && mode != ir::StepMode::Hybrid) return true;
  const auto failure = member_->take_commit_failure();
  if (failure) spdlog::warn("positions were not stored group={} error={}", group_, failure->message);
  return failure.has_value() || (mode == ir::StepMode::Hybrid && clock_.monotonic() - waited_at_ >= kWaitEvery);
}

Result<void> KafkaDomain::commit_waiting(std::span<const PartitionOffset> offsets) {
  auto client = consumer();
  if (!client) return std::unexpected(client.error());
  if (member_ != nullptr) {  // a commit of nobody's generation would be taken while the group is empty
    if (auto done = check_membership(); !done) return done;
  }
  if (auto done = (*client)->commit(offsets); !done) {
    is_unclear_ = true;
    return done;
  }
  waited_at_ = clock_.monotonic();
  ledger_.settle();
  keys_->confirm_owner();
  return {};
}

Result<void> KafkaDomain::commit_offsets(std::span<const Advance> advances, ir::StepMode mode) {
  if (is_unclear_) {
    if (auto done = reload(); !done) return done;
  }
  auto offsets = ledger_.plan(advances, rows_, replay_offset(advances));
  if (!offsets) return std::unexpected(offsets.error());
  if (offsets->empty()) return {};
  if (member_ == nullptr || must_wait(mode)) {
    if (auto done = commit_waiting(*offsets); !done) return done;
  } else {
    if (auto done = check_membership(); !done) return done;
    member_->commit_async(*offsets);  // what it stores, the next one stores again
    ledger_.settle();
  }
  rows_.clear();
  handled_.clear();
  return {};
}

// ---- Rows

Result<void> KafkaDomain::add_rows(const std::string& sink, std::int64_t rows) {
  rows_.emplace_back(sink, rows);
  return {};
}

Result<std::vector<std::pair<std::string, std::int64_t>>> KafkaDomain::rows() {
  auto client = handle();
  if (!client) return std::unexpected(client.error());
  const auto stored = group_offsets(*client, group_, patience());
  if (!stored) return std::unexpected(stored.error());
  std::map<std::string, std::int64_t> sums;
  for (const PartitionOffset& each : *stored) {
    for (const auto& [sink, count] : OffsetMetadata::parse(each.metadata).rows) sums[sink] += count;
  }
  return std::vector<std::pair<std::string, std::int64_t>>(sums.begin(), sums.end());
}

}  // namespace piperun::kafka
