// The list `on_assign`, one function per step: what a worker takes over, and where it begins.
#include <fmt/format.h>

#include <algorithm>

#include "lang/ir/declared.h"
#include "lang/value/time.h"
#include "runtime/base/random.h"
#include "runtime/engine/attempt.h"
#include "runtime/engine/hand_over.h"
#include "runtime/engine/secrets.h"

namespace piperun::engine {

base::Result<void> Worker::open() {
  sinks_.clear();
  domain_.reset();
  if (!membership_) {
    auto group = connectors_.open_group(program_, unit_, number_);
    if (!group) return std::unexpected(group.error());
    if (*group) {
      membership_ = std::make_unique<Membership>(std::move(*group), clock_);
      share_.is_first = false;  // until it is given the first partition
    }
  }
  auto domain = connectors_.open_domain(program_, unit_, number_, membership_ ? &membership_->group() : nullptr);
  if (!domain) return std::unexpected(domain.error());
  domain_ = std::move(*domain);
  for (const ir::SinkId id : unit_.sinks) {
    auto sink = connectors_.open_sink(program_, unit_, id, *domain_);
    if (!sink) return std::unexpected(sink.error());
    sinks_.push_back(std::move(*sink));
  }
  return {};
}

ReadPartition Worker::make_partition(std::uint32_t source, std::uint32_t number, const connectors::Partition& partition) const {
  const std::uint64_t seed = base::fnv1a(fmt::format("{}/{}/{}", program_.id, partition.topic, partition.number));
  return {source, number, {partition.topic, partition.number}, seed};
}

base::Result<void> Worker::find_partitions() {
  sources_.clear();
  share_.all.clear();
  share_.mine.clear();
  for (std::uint32_t i = 0; i < unit_.sources.size(); ++i) {
    auto source = connectors_.open_source(program_, unit_, unit_.sources[i]);
    if (!source) return std::unexpected(source.error());
    auto partitions = (*source)->partitions();
    if (!partitions) return std::unexpected(partitions.error());
    for (std::uint32_t number = 0; number < partitions->size(); ++number) {
      share_.all.push_back(make_partition(i, number, (*partitions)[number]));
    }
    sources_.push_back(std::move(*source));
  }
  for (std::uint32_t i = number_; i < share_.all.size(); i += options_.workers) share_.mine.push_back(i);
  share_.all.push_back({ir::kNone, 0, {kReplayTopic, 0}, 0});
  return {};
}

base::Result<void> Worker::freeze() {
  if (!membership_) return share_.is_first ? hand_over_.freeze(*domain_) : base::Result<void>();
  if (const auto found = find_group_partitions(); !found) return found;
  return share_.is_first ? hand_over_.freeze(*domain_) : await_manifest();
}

// The first worker claims what has to be seeded, too: in a group only topics of which no partition has a position, since the others are
// at work on the rest, and seed what a topic has got since.
base::Result<void> Worker::claim() {
  tables_.clear();
  for (const ir::TableId id : unit_.tables) {
    auto table = connectors_.open_table(program_, unit_, id, *domain_);
    if (!table) return std::unexpected(table.error());
    tables_.push_back(std::move(*table));
  }
  relays_.forget();
  if (!membership_) {
    if (const auto found = find_partitions(); !found) return found;
  }
  known_topics_.clear();
  if (membership_ && share_.is_first && !hand_over_.takes_over()) {
    domain_->keep({});
    if (const auto known = read_known_topics(); !known) return known;
  }
  std::vector<commit::PartitionName> names = share_.names();
  for (const ReadPartition& partition : share_.all) {
    const bool is_others = partition.source != ir::kNone && known_topics_.contains(partition.name.topic);
    const bool is_to_seed = share_.is_first && !is_others;
    if (is_to_seed && std::ranges::count(names, partition.name) == 0) names.push_back(partition.name);
  }
  auto claimed = domain_->claim(names);
  if (!claimed) return std::unexpected(claimed.error());
  claimed_ = std::move(*claimed);
  know_topics(claimed_);
  const bool is_seeded = std::ranges::none_of(claimed_, [](const commit::Position& each) { return each.next_offset < 0; });
  return membership_ && !share_.is_first && !is_seeded ? read_known_topics() : base::Result<void>();
}

base::Result<void> Worker::read_known_topics() {
  const auto stored = domain_->read_positions(ir::StepMode::Plain);
  if (!stored) return std::unexpected(stored.error());
  know_topics(*stored);
  return {};
}

void Worker::know_topics(std::span<const commit::Position> positions) {
  for (const commit::Position& position : positions) {
    if (position.next_offset >= 0) known_topics_.insert(position.partition.topic);
  }
}

base::Result<void> Worker::put_manifest() {
  if (!share_.is_first) return {};
  const bool has_positions =
      std::ranges::any_of(claimed_, [](const commit::Position& position) { return position.next_offset >= 0; });
  return hand_over_.put_manifest(*domain_, has_positions, share_.all.size() > 1);
}

// Positions that this unit takes over go first. `start`, or the end of the run that it follows, applies to a topic of which no partition
// has a position; a partition that appeared later starts at its beginning.
base::Result<void> Worker::seed_positions() {
  std::vector<commit::Position> seeds = take_handed_over();
  know_topics(claimed_);
  for (commit::Position& position : claimed_) {
    if (position.next_offset >= 0) continue;
    if (const auto found = find_beginning(position); !found) return found;
    seeds.push_back(position);
  }
  if (seeds.empty()) return {};
  return domain_->seed_positions(seeds);
}

// Positions that the unit had elsewhere, as they were there.
std::vector<commit::Position> Worker::take_handed_over() {
  std::vector<commit::Position> result;
  for (commit::Position& position : claimed_) {
    const commit::Position* taken = hand_over_.position(position.partition);
    if (!share_.is_first || !taken) continue;
    position.next_offset = taken->next_offset;
    position.counts = taken->counts;
    position.mark = taken->mark;
    position.newest_time = taken->newest_time;
    result.push_back(position);
  }
  return result;
}

// Of a partition that has no position.
base::Result<void> Worker::find_beginning(commit::Position& position) {
  const ReadPartition& partition = share_.all[share_.index_of(position.partition)];
  bool is_known = known_topics_.contains(partition.name.topic);
  if (membership_ && !share_.is_first && !is_known) {
    return base::failure(base::ErrorCode::SystemUnavailable,
                         fmt::format("{}/{} has no position yet", partition.name.topic, partition.name.number));
  }
  if (partition.source == ir::kNone) {  // letters asked for again
    position.next_offset = 0;
    return {};
  }
  const ir::SourceId id = unit_.sources[partition.source];
  const ir::Source& source = program_.sources[id];
  // Of files each is a topic here, and new ones come; other topics stay.
  if (program_.systems[source.system].kind == ir::SystemKind::File) is_known |= hand_over_.is_as_stored();
  if (hand_over_.is_as_stored() && !is_known) {
    return base::failure(base::ErrorCode::PositionGone,
                         fmt::format("unit {} has read {} before, and its positions are gone: it was made anew, or they expired; "
                                     "`offsets reset` says where to go on",
                                     unit_.name, position.partition.topic));
  }
  const bool follows = hand_over_.follows_run() && ir::link_read(program_, id) == nullptr;  // a link is of this run alone
  if (follows) {
    const auto followed = hand_over_.follow(position);
    if (!followed) return std::unexpected(followed.error());
    if (*followed) return {};
  }
  const auto resolved = resolve(partition, is_known || follows ? "earliest" : source.start);
  if (!resolved) return std::unexpected(resolved.error());
  position.next_offset = *resolved;
  return {};
}

// What was read before is still there, or somebody must say where to go on. Nothing was written yet, and nobody reads the sources.
base::Result<void> Worker::check_marks() {
  if (membership_) return {};
  for (const std::uint32_t index : share_.mine) {
    const ReadPartition& partition = share_.all[index];
    const auto position = std::ranges::find(claimed_, partition.name, &commit::Position::partition);
    if (position == claimed_.end() || position->mark.empty()) continue;
    if (const auto checked = sources_[partition.source]->check(partition.number, position->mark); !checked) return checked;
  }
  return {};
}

base::Result<std::int64_t> Worker::resolve(const ReadPartition& partition, const std::string& start) {
  if (membership_) return membership_->resolve(start, partition.number);
  return sources_[partition.source]->resolve(start, partition.number);
}

// Everything is known that `process` and the reading need.
base::Result<void> Worker::start_reading() {
  const auto secrets = read_secrets(program_, options_);
  if (!secrets) return std::unexpected(secrets.error());
  positions_.assign(share_.all.size(), 0);
  for (std::size_t i = 0; i < share_.all.size(); ++i) {
    const auto position = std::ranges::find(claimed_, share_.all[i].name, &commit::Position::partition);
    if (position == claimed_.end()) continue;
    positions_[i] = position->next_offset;
    share_.all[i].mark = position->mark;
  }
  unsettled_.assign(share_.all.size(), {});
  process_ = std::make_unique<Process>(program_, unit_, options_.natives, *secrets, tables_, share_.all);
  std::vector<commit::PartitionName> kept = share_.names();
  if (share_.is_first) kept.push_back(share_.all.back().name);
  std::vector<std::int64_t> from;
  for (const std::uint32_t index : share_.mine) from.push_back(positions_[index]);
  domain_->keep(kept);  // the first worker claimed more, to seed it; the other workers claim theirs after it
  if (membership_) return start_reading_group(from);
  start_intake(std::move(from));
  return {};
}

// The time of the log at which a source ends; INT64_MAX: never.
std::int64_t Worker::stop_time(std::uint32_t source) const {
  const std::string& stop_at = program_.sources[unit_.sources[source]].stop_at;
  return stop_at.empty() ? INT64_MAX : value::parse_timestamp(stop_at).value_or(INT64_MAX);
}

void Worker::start_intake(std::vector<std::int64_t> from) {
  std::vector<std::int64_t> stop_times;
  for (std::uint32_t source = 0; source < unit_.sources.size(); ++source) stop_times.push_back(stop_time(source));
  std::vector<ReadPartition> reading;
  for (const std::uint32_t index : share_.mine) reading.push_back(share_.all[index]);
  auto reader = std::make_unique<Reader>(sources_, std::move(reading), std::move(from), std::move(stop_times));
  const auto limit = static_cast<std::size_t>(program_.commit_records);
  intake_ =
      options_.inline_intake ? make_inline_intake(std::move(reader), limit) : make_threaded_intake(std::move(reader), limit);
}

}  // namespace piperun::engine
