// The list `on_assign`, one function per step: what a worker takes over, and where it begins.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "lang/value/time.h"
#include "runtime/base/random.h"
#include "runtime/engine/attempt.h"
#include "runtime/engine/hand_over.h"
#include "runtime/engine/secrets.h"

namespace piperun::engine {

base::Result<void> Worker::open() {
  sinks_.clear();
  auto domain = connectors_.open_domain(program_, unit_, number_, group_.get());
  if (!domain) return std::unexpected(domain.error());
  domain_ = std::move(*domain);
  for (const ir::SinkId id : unit_.sinks) {
    auto sink = connectors_.open_sink(program_, unit_, id, *domain_);
    if (!sink) return std::unexpected(sink.error());
    sinks_.push_back(std::move(*sink));
  }
  return {};
}

base::Result<void> Worker::claim() {
  sources_.clear();
  tables_.clear();
  all_.clear();
  for (const ir::TableId id : unit_.tables) {
    auto table = connectors_.open_table(program_, unit_, id, *domain_);
    if (!table) return std::unexpected(table.error());
    tables_.push_back(std::move(*table));
  }
  for (std::uint32_t i = 0; i < unit_.sources.size(); ++i) {
    auto source = connectors_.open_source(program_, unit_, unit_.sources[i]);
    if (!source) return std::unexpected(source.error());
    auto partitions = (*source)->partitions();
    if (!partitions) return std::unexpected(partitions.error());
    for (std::uint32_t number = 0; number < partitions->size(); ++number) {
      const connectors::Partition& partition = (*partitions)[number];
      const std::uint64_t seed = base::fnv1a(fmt::format("{}/{}/{}", program_.id, partition.topic, partition.number));
      all_.push_back({i, number, {partition.topic, partition.number}, seed});
    }
    sources_.push_back(std::move(*source));
  }
  all_.push_back({ir::kNone, 0, {kReplayTopic, 0}, 0});
  mine_.clear();
  std::vector<commit::PartitionName> names;
  for (std::uint32_t i = 0; i < all_.size(); ++i) {
    const bool is_replay = i + 1 == all_.size();
    if (!is_replay && i % options_.workers == number_) mine_.push_back(i);
    if (number_ == 0 || (!is_replay && !mine_.empty() && mine_.back() == i)) names.push_back(all_[i].name);
  }
  auto claimed = domain_->claim(names);
  if (!claimed) return std::unexpected(claimed.error());
  claimed_ = std::move(*claimed);
  return {};
}

base::Result<void> Worker::put_manifest() {
  if (number_ != 0) return {};
  const bool has_positions =
      std::ranges::any_of(claimed_, [](const commit::Position& position) { return position.next_offset >= 0; });
  return hand_over_.put_manifest(*domain_, has_positions, all_.size() > 1);
}

// Positions that this unit takes over go first. `start` applies to a topic of which no partition has a position; a partition that
// appeared later starts at its beginning.
base::Result<void> Worker::seed_positions() {
  std::set<std::string> known;
  std::vector<commit::Position> seeds;
  for (commit::Position& position : claimed_) {
    const commit::Position* taken = hand_over_.position(position.partition);
    if (number_ != 0 || !taken) continue;
    position.next_offset = taken->next_offset;
    position.counts = taken->counts;
    seeds.push_back(position);
  }
  for (const commit::Position& position : claimed_) {
    if (position.next_offset >= 0) known.insert(position.partition.topic);
  }
  for (commit::Position& position : claimed_) {
    if (position.next_offset >= 0) continue;
    const ReadPartition& partition = *std::ranges::find(all_, position.partition, &ReadPartition::name);
    position.next_offset = 0;
    if (partition.source != ir::kNone) {
      const ir::Source& source = program_.sources[unit_.sources[partition.source]];
      const std::string& start = known.contains(position.partition.topic) ? "earliest" : source.start;
      const auto resolved = sources_[partition.source]->resolve(start, partition.number);
      if (!resolved) return std::unexpected(resolved.error());
      position.next_offset = *resolved;
    }
    seeds.push_back(position);
  }
  if (seeds.empty()) return {};
  return domain_->seed_positions(seeds);
}

base::Result<void> Worker::start_intake() {
  const auto secrets = read_secrets(program_, options_);
  if (!secrets) return std::unexpected(secrets.error());
  positions_.assign(all_.size(), 0);
  for (std::size_t i = 0; i < all_.size(); ++i) {
    const auto position = std::ranges::find(claimed_, all_[i].name, &commit::Position::partition);
    if (position != claimed_.end()) positions_[i] = position->next_offset;
  }
  unsettled_.assign(all_.size(), {});
  newest_time_.assign(all_.size(), INT64_MIN);
  process_ = std::make_unique<Process>(program_, unit_, options_.natives, *secrets, tables_, all_);
  reading_.clear();
  std::vector<std::int64_t> from;
  std::vector<commit::PartitionName> kept;
  if (number_ == 0) kept.push_back(all_.back().name);
  for (const std::uint32_t index : mine_) {
    kept.push_back(all_[index].name);
    reading_.push_back(all_[index]);
    from.push_back(positions_[index]);
  }
  domain_->keep(kept);  // the first worker claimed all partitions to seed them; the other workers claim theirs after it
  std::vector<std::int64_t> stop_times;
  for (const ir::SourceId id : unit_.sources) {
    const std::string& stop_at = program_.sources[id].stop_at;
    stop_times.push_back(stop_at.empty() ? INT64_MAX : value::parse_timestamp(stop_at).value_or(INT64_MAX));
  }
  auto reader = std::make_unique<Reader>(sources_, reading_, std::move(from), std::move(stop_times));
  const auto limit = static_cast<std::size_t>(program_.commit_records);
  intake_ =
      options_.inline_intake ? make_inline_intake(std::move(reader), limit) : make_threaded_intake(std::move(reader), limit);
  return {};
}

}  // namespace piperun::engine
