#include "runtime/piperun/bounds.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "lang/ir/declared.h"
#include "lang/ir/outbox.h"
#include "runtime/commit/kafka/admin.h"
#include "runtime/connectors/embedded/topic_source.h"
#include "runtime/connectors/kafka/topic_log.h"
#include "runtime/connectors/kafka/topic_positions.h"
#include "runtime/engine/secrets.h"

namespace piperun::cli {
namespace {

using base::Result;

class SourceBounds : public Bounds {
 public:
  explicit SourceBounds(std::unique_ptr<connectors::Source> source) : source_(std::move(source)) {}
  Result<std::vector<connectors::Partition>> partitions() override { return source_->partitions(); }
  Result<std::int64_t> resolve(const std::string& start, std::uint32_t partition) override {
    return source_->resolve(start, partition);
  }

 private:
  std::unique_ptr<connectors::Source> source_;
};

// Rows have no time, so that none of them stands for one.
class OutboxBounds final : public SourceBounds {
 public:
  OutboxBounds(std::unique_ptr<connectors::Source> source, std::string table)
      : SourceBounds(std::move(source)), table_(std::move(table)) {}
  Result<std::int64_t> resolve(const std::string& start, std::uint32_t partition) override {
    if (start == "earliest" || start == "latest") return SourceBounds::resolve(start, partition);
    return base::failure(
        base::ErrorCode::PositionGone,
        fmt::format("the rows of the outbox `{}` have no time: say earliest, latest, offset N or shift N", table_));
  }

 private:
  std::string table_;
};

class TopicBounds final : public Bounds {
 public:
  TopicBounds(kafka::ClientSettings settings, kafka::Client admin, std::string topic)
      : settings_(std::move(settings)), admin_(std::move(admin)), topic_(std::move(topic)) {}
  Result<std::vector<connectors::Partition>> partitions() override { return kafka::topic_partitions(admin_.get(), topic_); }
  Result<std::int64_t> resolve(const std::string& start, std::uint32_t partition) override {
    return kafka::resolve_start(admin_.get(), {topic_, static_cast<std::int32_t>(partition)}, start);
  }

  Result<std::vector<std::int64_t>> count(std::span<const Stretch> stretches) override {
    auto log = kafka::TopicLog::open(settings_);
    if (!log) return std::unexpected(log.error());
    std::vector<kafka::PartitionOffset> starts;
    for (const Stretch& each : stretches) starts.push_back({{topic_, each.partition}, each.from, {}});
    std::vector<std::int64_t> result(stretches.size());
    auto read = log->read_to_ends(starts, [&](const rd_kafka_message_t& message) {
      const auto found = std::ranges::find(stretches, message.partition, &Stretch::partition);
      const bool is_inside = message.offset < found->end;
      result[static_cast<std::size_t>(found - stretches.begin())] += is_inside;
      return is_inside;
    });
    if (!read) return std::unexpected(read.error());
    return result;
  }

 private:
  kafka::ClientSettings settings_;
  kafka::Client admin_;
  std::string topic_;
};

const ir::Unit* unit_of(const StoreSet& set, const std::string& name) {
  const auto& units = set.compiled->program->units;
  const auto found = std::ranges::find(units, name, &ir::Unit::name);
  return found == units.end() ? nullptr : &*found;
}

bool is_cluster(const ir::System& system) { return system.kind == ir::SystemKind::Kafka && !system.stand_in; }

Result<kafka::ClientSettings> settings_of(const StoreSet& set, ir::SystemId id) {
  const ir::Program& program = *set.compiled->program;
  auto settings = kafka::client_settings(program.systems[id], engine::secret_from_environment, program.delivery, set.base_dir);
  if (settings) settings->client_id = program.id;
  return settings;
}

}  // namespace

Result<std::vector<std::int64_t>> Bounds::count(std::span<const Stretch> stretches) {
  std::vector<std::int64_t> result;
  for (const Stretch& each : stretches) result.push_back(each.end - each.from);
  return result;
}

Result<UnitBounds> UnitBounds::open(const StoreSet& set, const UnitLedger& unit, World& world) {
  UnitBounds result(world);
  const auto opened = set.compiled ? result.open_declared(set, unit.unit) : result.open_topics(set, unit);
  if (!opened) return std::unexpected(opened.error());
  return result;
}

Result<void> UnitBounds::open_declared(const StoreSet& set, const std::string& name) {
  const ir::Program& program = *set.compiled->program;
  const ir::Unit* unit = unit_of(set, name);
  if (unit == nullptr)
    return base::failure(base::ErrorCode::CannotOpen,
                         fmt::format("the unit {} is not in the FILE any more; name the FILE that it ran with", name));
  connectors_ = connectors::make_connectors(set.state_dir, set.base_dir, world_.clock, engine::secret_from_environment);
  for (const ir::SourceId id : unit->sources) {
    const ir::Source& declared = program.sources[id];
    if (is_cluster(program.systems[declared.system])) {
      auto settings = settings_of(set, declared.system);
      if (!settings) return std::unexpected(settings.error());
      auto admin = kafka::open_admin(*settings);
      if (!admin) return std::unexpected(admin.error());
      sources_.push_back(std::make_unique<TopicBounds>(std::move(*settings), std::move(*admin), ir::object_of(declared)));
      continue;
    }
    auto source = connectors_->open_source(program, *unit, id);
    if (!source) return std::unexpected(source.error());
    if (ir::is_outbox(declared) && !program.systems[declared.system].stand_in)
      sources_.push_back(std::make_unique<OutboxBounds>(std::move(*source), declared.object));
    else sources_.push_back(std::make_unique<SourceBounds>(std::move(*source)));
  }
  return {};
}

Result<void> UnitBounds::open_topics(const StoreSet& set, const UnitLedger& unit) {
  const std::string path = (std::filesystem::path(set.state_dir) / (unit.unit.substr(0, unit.unit.find('.')) + ".db")).string();
  std::set<std::string> topics;
  for (const commit::Position& position : unit.positions) {
    if (!position.partition.topic.starts_with('#')) topics.insert(position.partition.topic);
  }
  for (const std::string& topic : topics) {
    auto source = embedded::TopicSource::open(path, topic, world_.clock);
    if (!source) return std::unexpected(base::Error{source.error().code, source.error().message + "; name the FILE", {}, -1});
    sources_.push_back(std::make_unique<SourceBounds>(std::move(*source)));
  }
  return {};
}

Result<std::vector<UnitBounds::Found>> UnitBounds::partitions() {
  std::vector<Found> result;
  for (const auto& source : sources_) {
    auto partitions = source->partitions();
    if (!partitions) return std::unexpected(partitions.error());
    for (std::uint32_t i = 0; i < partitions->size(); ++i) result.push_back({source.get(), i, std::move((*partitions)[i])});
  }
  return result;
}

Result<UnitBounds::Found> UnitBounds::find(const commit::PartitionName& name) {
  auto all = partitions();
  if (!all) return std::unexpected(all.error());
  for (Found& each : *all) {
    if (each.partition.topic == name.topic && each.partition.number == name.number) return std::move(each);
  }
  return base::failure(base::ErrorCode::NoSuchTopic, fmt::format("{}/{} is not there any more", name.topic, name.number));
}

Result<std::vector<std::int64_t>> UnitBounds::behind(std::span<const Found> found, std::span<const std::int64_t> positions) {
  struct Asked {
    std::vector<Bounds::Stretch> stretches;
    std::vector<std::size_t> places;  // in the result
  };
  std::vector<std::int64_t> result;
  std::map<Bounds*, Asked> asked;  // all partitions of a topic are read at once
  for (std::size_t i = 0; i < found.size(); ++i) {
    const connectors::Partition& partition = found[i].partition;
    result.push_back(std::max<std::int64_t>(0, partition.end - positions[i]));
    const bool is_there = positions[i] >= partition.begin;
    if (result.back() == 0 || result.back() > kMostCounted || !is_there) continue;
    Asked& ask = asked[found[i].bounds];
    ask.stretches.push_back({partition.number, positions[i], partition.end});
    ask.places.push_back(i);
  }
  for (const auto& [bounds, ask] : asked) {
    const auto counted = bounds->count(ask.stretches);
    if (!counted) return std::unexpected(counted.error());
    for (std::size_t i = 0; i < counted->size(); ++i) result[ask.places[i]] = (*counted)[i];
  }
  return result;
}

Result<std::string> members_of(const StoreSet& set, const std::string& name) {
  if (!set.compiled) return "";
  const ir::Program& program = *set.compiled->program;
  const ir::Unit* unit = unit_of(set, name);
  if (unit == nullptr) return "";
  const bool reads_cluster = is_cluster(program.systems[unit->source_system]);
  if (!reads_cluster && !is_cluster(program.systems[unit->domain])) return "";
  const auto settings =
      settings_of(set, reads_cluster ? unit->source_system : unit->domain);  // the relay of an outbox has a group, too
  if (!settings) return std::unexpected(settings.error());
  const auto admin = kafka::open_admin(*settings);
  if (!admin) return std::unexpected(admin.error());
  const auto group = kafka::describe_group(admin->get(), fmt::format("{}.{}", program.id, name));
  if (!group) return std::unexpected(group.error());
  std::string result;
  for (const auto& member : group->members)
    result += fmt::format("{}{} on {}", result.empty() ? "" : ", ", member.instance.empty() ? member.client : member.instance,
                          member.host);
  return result;
}

}  // namespace piperun::cli
