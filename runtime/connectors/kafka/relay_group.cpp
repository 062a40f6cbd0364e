#include "runtime/connectors/kafka/relay_group.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace piperun::kafka {

using base::Result;
using commit::PartitionName;

namespace {

constexpr std::int64_t kPollEvery = 10'000;  // microseconds

}  // namespace

Result<std::unique_ptr<RelayGroup>> RelayGroup::open(const ClientSettings& client, const ConsumerSettings& settings,
                                                     std::vector<RelayedSource> sources) {
  connectors::RelayedSources relayed;
  std::map<std::string, std::string> progress;
  std::vector<std::string> topics;
  for (RelayedSource& source : sources) {
    const auto name = relayed.add(source.source, std::move(source.reader));
    if (!name) return std::unexpected(name.error());
    topics.push_back(source.progress_topic);
    progress[*name] = std::move(source.progress_topic);
  }
  auto consumer = Consumer::open(client, settings);
  if (!consumer) return std::unexpected(consumer.error());
  std::unique_ptr<RelayGroup> group(new RelayGroup(std::move(*consumer), std::move(relayed), std::move(progress)));
  group->member_.join(topics);
  return group;
}

RelayGroup::RelayGroup(std::unique_ptr<Consumer> consumer, connectors::RelayedSources sources,
                       std::map<std::string, std::string> progress)
    : member_(std::move(consumer)), sources_(std::move(sources)), progress_(std::move(progress)) {}

RelayGroup::~RelayGroup() { close(); }

Result<RelayGroup::Polled> RelayGroup::poll(std::int64_t wait, bool take_records, std::size_t max_records,
                                            std::size_t max_bytes) {
  for (const std::int64_t until = steady_now() + wait;;) {
    if (auto served = member_.serve(wait); !served) return std::unexpected(served.error());
    if (member_.is_changing()) {
      const auto change = member_.untold_change();
      if (change && change->kind != Rebalance::Kind::Kept) return told(*change);
      if (change) {
        if (auto going = member_.start({}); !going) return std::unexpected(going.error());
      }
    } else if (take_records) {
      auto slab = sources_.take(max_records, max_bytes);
      if (!slab) return std::unexpected(slab.error());
      if (*slab) return Polled{Change::None, {}, std::move(*slab)};
    }
    const std::int64_t left = until - steady_now();
    if (left <= 0) return Polled{};
    std::this_thread::sleep_for(std::chrono::microseconds(std::min(left, kPollEvery)));
  }
}

// In the names of the sources.
RelayGroup::Polled RelayGroup::told(const Rebalance& change) {
  Polled result;
  result.change = change_of(change.kind);
  std::vector<std::string> names;
  for (const auto& [name, topic] : progress_) {
    if (std::ranges::find(change.partitions, PartitionName{topic, 0}) == change.partitions.end()) continue;
    names.push_back(name);
    result.partitions.push_back({name, 0});
  }
  if (change.kind == Rebalance::Kind::Assigned) {
    given_ = std::move(names);
    sources_.assign(given_);
  } else {
    taken_ = change.kind == Rebalance::Kind::Lost ? given_ : std::move(names);
    sources_.hold();
  }
  return result;
}

// Nothing is fetched of the progress topics.
Result<void> RelayGroup::read_from(std::span<const connectors::StartAt> partitions) {
  if (!member_.may_start()) return {};
  sources_.start(partitions);
  return member_.start({});
}

Result<void> RelayGroup::let_go() {
  std::erase_if(given_, [&](const std::string& name) { return std::ranges::count(taken_, name) > 0; });
  sources_.assign(given_);
  return member_.let_go();
}

Result<bool> RelayGroup::is_at_end() {
  if (member_.is_changing()) return false;
  return sources_.is_at_end();
}

bool RelayGroup::mirror(std::span<const connectors::StartAt> positions, bool) {
  std::vector<PartitionOffset> offsets;
  for (const connectors::StartAt& position : positions) {
    const auto topic = progress_.find(position.partition.topic);
    if (topic != progress_.end()) offsets.push_back({{topic->second, 0}, position.offset, {}});
  }
  member_.commit_async(offsets);
  return true;
}

}  // namespace piperun::kafka
