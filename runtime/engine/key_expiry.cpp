#include "runtime/engine/key_expiry.h"

#include <algorithm>
#include <set>
#include <utility>

namespace piperun::engine {
namespace {

constexpr int kExpireEvery = 64;  // batches between two removals of old keys

// Its partitions come to an end and stay there.
bool may_be_finite(ir::SystemKind kind) {
  return kind == ir::SystemKind::File || kind == ir::SystemKind::Generate || kind == ir::SystemKind::Stdin;
}

}  // namespace

KeyExpiry::KeyExpiry(const ir::Program& program, const ir::Unit& unit) : program_(program), unit_(unit) {
  for (ir::NodeId id = 0; id < unit.dataflow.nodes.size(); ++id) {
    const auto* dedup = std::get_if<ir::Dedup>(&unit.dataflow.nodes[id].op);
    if (!dedup || dedup->within > INT64_MAX / 4) continue;
    Stage stage{dedup->name, dedup->within, std::vector<bool>(unit.sources.size(), false)};
    find_sources(stage, id);
    stages_.push_back(std::move(stage));
  }
}

// Of all that leads to the node: edges lead to greater ids.
void KeyExpiry::find_sources(Stage& stage, ir::NodeId node) const {
  const std::vector<ir::Node>& nodes = unit_.dataflow.nodes;
  std::set<ir::NodeId> leading{node};
  for (ir::NodeId id = node; id-- > 0;) {
    const bool leads = std::ranges::any_of(nodes[id].next, [&](const std::vector<ir::Edge>& edges) {
      return std::ranges::any_of(edges, [&](const ir::Edge& edge) { return leading.contains(edge.to); });
    });
    if (!leads) continue;
    leading.insert(id);
    const auto* input = std::get_if<ir::Input>(&nodes[id].op);
    if (!input) continue;
    const auto source = std::ranges::find(unit_.sources, input->source) - unit_.sources.begin();
    stage.reads[static_cast<std::size_t>(source)] = true;
  }
}

base::Result<void> KeyExpiry::run(commit::Domain& domain, const Share& share, std::int64_t now, const AskEnds& ends) {
  if (stages_.empty() || --batches_until_next_ > 0) return {};
  batches_until_next_ = kExpireEvery;
  const auto positions = domain.read_positions(ir::StepMode::Plain);
  if (!positions) return std::unexpected(positions.error());
  Look look{*positions, ends};
  std::set<std::int32_t> numbers{-1};
  if (domain.keeps_keys_by_partition()) {
    numbers.clear();
    for (const std::uint32_t index : share.mine) numbers.insert(share.all[index].name.number);
  }
  for (const Stage& stage : stages_) {
    for (const std::int32_t number : numbers) {
      if (const auto done = expire(stage, domain, share, now, number, look); !done) return done;
    }
  }
  return {};
}

base::Result<void> KeyExpiry::expire(const Stage& stage, commit::Domain& domain, const Share& share, std::int64_t now,
                                     std::int32_t number, Look& look) {
  const auto oldest = oldest_time(stage, share, number, look);
  if (!oldest) return std::unexpected(oldest.error());
  if (!*oldest) return {};
  return domain.expire_keys(stage.name, std::min(**oldest, now) - 2 * stage.within, number);
}

// nullopt: a partition holds all keys, or there is none to go by.
base::Result<std::optional<std::int64_t>> KeyExpiry::oldest_time(const Stage& stage, const Share& share, std::int32_t number,
                                                                 Look& look) const {
  std::int64_t oldest = INT64_MAX;
  for (std::uint32_t index = 0; index < share.all.size(); ++index) {
    const ReadPartition& partition = share.all[index];
    if (partition.source == ir::kNone || !stage.reads[partition.source]) continue;
    if (number >= 0 && partition.name.number != number) continue;
    const bool is_mine = std::ranges::find(share.mine, index) != share.mine.end();
    const auto stored = std::ranges::find(look.positions, partition.name, &commit::Position::partition);
    if ((number >= 0 && !is_mine) || stored == look.positions.end() || stored->next_offset < 0) return std::nullopt;
    const bool has_time = stored->newest_time != commit::kNoTime;
    const bool was_read = has_time || stored->counts.read > 0;
    const bool may_end = may_be_finite(program_.systems[program_.sources[unit_.sources[partition.source]].system].kind);
    if (!was_read || may_end) {
      const auto end = end_of(partition.name, look);
      if (!end) return std::unexpected(end.error());
      const bool is_at_end = *end ? stored->next_offset >= (*end)->end : may_end;
      const bool is_final = *end ? (*end)->is_final : may_end;
      if (is_at_end && (!was_read || is_final)) continue;
    }
    if (!has_time) return std::nullopt;
    oldest = std::min(oldest, stored->newest_time);
  }
  return oldest == INT64_MAX ? std::nullopt : std::optional(oldest);
}

// null: it is not there now.
base::Result<const PartitionEnd*> KeyExpiry::end_of(const commit::PartitionName& partition, Look& look) const {
  if (!look.ends) {
    auto ends = look.ask();
    if (!ends) return std::unexpected(ends.error());
    look.ends = std::move(*ends);
  }
  const auto found = std::ranges::find(*look.ends, partition, &PartitionEnd::name);
  return found == look.ends->end() ? nullptr : &*found;
}

}  // namespace piperun::engine
