#include "runtime/connectors/open/kafka_parts.h"

#include <fmt/format.h>

#include <algorithm>

#include "lang/ir/declared.h"
#include "lang/ir/outbox.h"
#include "runtime/commit/kafka/admin.h"
#include "runtime/commit/kafka/groups.h"
#include "runtime/commit/kafka/kafka_domain.h"
#include "runtime/commit/kafka/known_cluster.h"
#include "runtime/commit/kafka/own_topics.h"
#include "runtime/connectors/kafka/group.h"
#include "runtime/connectors/kafka/kafka_sink.h"
#include "runtime/connectors/kafka/kafka_table.h"
#include "runtime/connectors/kafka/relay_group.h"

namespace piperun::connectors {
namespace {

using base::Result;

// The topic whose partitions, replicas and safety an internal topic is made with: what its writer reads. One that reads an outbox
// writes another topic beside it.
const std::string* model_of(const ir::Program& program, const ir::Link& link) {
  const auto writer =
      std::ranges::find_if(program.units, [&](const ir::Unit& unit) { return std::ranges::count(unit.sinks, link.sink) > 0; });
  if (writer == program.units.end()) return nullptr;
  if (writer->source_system == link.system) return &ir::object_of(program.sources[writer->sources.front()]);
  const auto beside = std::ranges::find_if(writer->sinks, [&](ir::SinkId id) {
    return program.sinks[id].system == link.system && ir::link_written(program, id) == nullptr;
  });
  return beside == writer->sinks.end() ? nullptr : &ir::object_of(program.sinks[*beside]);
}

std::unexpected<base::Error> foreign(const char* what) {
  return base::failure(base::ErrorCode::CannotOpen,
                       fmt::format("a {} of Kafka works only beside the parts it was opened with", what));
}

}  // namespace

Result<kafka::ClientSettings> KafkaParts::settings(const ir::Program& program, ir::SystemId system) const {
  auto result = kafka::client_settings(program.systems[system], secret_, program.delivery, base_dir_);
  if (result) result->client_id = program.id;
  return result;
}

Result<std::string> KafkaParts::slot(const std::string& pipeline) {
  const std::lock_guard lock(mutex_);
  if (!slot_) {
    auto taken = commit::Slot::take(state_dir_, pipeline);
    if (!taken) return std::unexpected(taken.error());
    slot_.emplace(std::move(*taken));
  }
  return slot_->name();
}

// A topic that an earlier unit of the chain writes may not be there yet.
Result<void> KafkaParts::make_links(const ir::Program& program, const ir::Unit& unit, ir::SystemId system,
                                    const kafka::ClientSettings& client) const {
  std::optional<kafka::Client> admin;
  for (const ir::Link& link : program.links) {
    const bool is_ours = std::ranges::count(unit.sources, link.source) + std::ranges::count(unit.sinks, link.sink) > 0;
    const std::string* model = model_of(program, link);
    if (!is_ours || model == nullptr || link.system != system) continue;
    if (!admin) {
      auto opened = kafka::open_admin(client);
      if (!opened) return std::unexpected(opened.error());
      admin.emplace(std::move(*opened));
    }
    const auto like = kafka::describe_topic(admin->get(), *model);
    if (!like) return std::unexpected(like.error());
    if (const auto made = kafka::create_internal_topic(admin->get(), {link.topic, like->partitions, false}, *model); !made)
      return made;
  }
  return {};
}

Result<kafka::ConsumerSettings> KafkaParts::member(const ir::Program& program, const ir::Unit& unit, ir::SystemId system,
                                                   std::uint32_t worker) {
  const auto place = slot(program.id);
  if (!place) return std::unexpected(place.error());
  kafka::ConsumerSettings result;
  result.group = fmt::format("{}.{}", program.id, unit.name);
  result.instance = fmt::format("{}.{}.{}", result.group, *place, worker);
  const auto& options = program.systems[system].options;
  const auto assignment = options.find("assignment");
  result.keeps_partitions = assignment != options.end() && assignment->second == "cooperative_sticky";
  return result;
}

Result<std::unique_ptr<Group>> KafkaParts::open_group(const ir::Program& program, const ir::Unit& unit, std::uint32_t worker) {
  const auto client = settings(program, unit.source_system);
  if (!client) return std::unexpected(client.error());
  const auto consumer = member(program, unit, unit.source_system, worker);
  if (!consumer) return std::unexpected(consumer.error());
  if (const auto made = make_links(program, unit, unit.source_system, *client); !made) return std::unexpected(made.error());
  std::vector<kafka::SourceTopic> topics;
  for (std::uint32_t i = 0; i < unit.sources.size(); ++i) {
    const ir::Source& source = program.sources[unit.sources[i]];
    const auto old_group = source.options.find("group");
    topics.push_back({i, ir::object_of(source), old_group == source.options.end() ? "" : old_group->second});
  }
  auto group = kafka::KafkaGroup::open(*client, *consumer, std::move(topics));
  if (!group) return std::unexpected(group.error());
  return std::unique_ptr<Group>(std::move(*group));
}

// The progress topics are made as safe as what the unit writes.
Result<std::unique_ptr<Group>> KafkaParts::open_relay_group(const ir::Program& program, const ir::Unit& unit,
                                                            std::uint32_t worker, std::vector<std::unique_ptr<Source>> sources) {
  const auto client = settings(program, unit.domain);
  if (!client) return std::unexpected(client.error());
  const auto consumer = member(program, unit, unit.domain, worker);
  if (!consumer) return std::unexpected(consumer.error());
  if (const auto made = make_links(program, unit, unit.domain, *client); !made) return std::unexpected(made.error());
  const auto admin = kafka::open_admin(*client);
  if (!admin) return std::unexpected(admin.error());
  const auto written = std::ranges::find(unit.sinks, unit.domain, [&](ir::SinkId id) { return program.sinks[id].system; });
  if (written == unit.sinks.end()) return foreign("group");
  const ir::Sink& sink = program.sinks[*written];
  const std::string& model = ir::object_of(sink);
  std::vector<kafka::RelayedSource> relayed;
  for (std::uint32_t i = 0; i < unit.sources.size(); ++i) {
    const ir::Source& source = program.sources[unit.sources[i]];
    const std::string topic = kafka::progress_topic(program.id, unit.name, ir::object_of(source));
    if (const auto made = kafka::create_internal_topic(admin->get(), {topic, 1, false}, model); !made)
      return std::unexpected(made.error());
    relayed.push_back({i, std::move(sources[i]), topic});
  }
  auto group = kafka::RelayGroup::open(*client, *consumer, std::move(relayed));
  if (!group) return std::unexpected(group.error());
  return std::unique_ptr<Group>(std::move(*group));
}

Result<std::unique_ptr<commit::Domain>> KafkaParts::open_domain(const ir::Program& program, const ir::Unit& unit,
                                                                std::uint32_t worker, Group* group) {
  auto* reader = dynamic_cast<kafka::KafkaGroup*>(group);
  auto* relay = dynamic_cast<kafka::RelayGroup*>(group);
  if (reader == nullptr && relay == nullptr) return foreign("domain");
  kafka::Consumer& consumer = reader != nullptr ? reader->consumer() : relay->consumer();
  auto client = settings(program, unit.domain);
  if (!client) return std::unexpected(client.error());
  const auto place = slot(program.id);
  if (!place) return std::unexpected(place.error());
  const std::string group_name = fmt::format("{}.{}", program.id, unit.name);
  if (const std::lock_guard lock(mutex_); !known_clusters_.contains(group_name)) {
    if (const auto checked = kafka::check_known_cluster(consumer.handle(), group_name, state_dir_); !checked)
      return std::unexpected(checked.error());
    known_clusters_.insert(group_name);
  }
  kafka::DomainSettings domain;
  domain.client = std::move(*client);
  domain.pipeline = program.id;
  domain.unit = unit.name;
  domain.slot = *place;
  domain.worker = worker;
  domain.is_transactional = program.delivery == ir::Delivery::ExactlyOnce;
  domain.state_dir = state_dir_;
  domain.outboxes = ir::outboxes(program);
  if (relay != nullptr) domain.databases = relay->identities();
  for (const ir::StateSchema& stage : unit.operators) domain.stages.push_back(stage.name);
  return std::make_unique<kafka::KafkaDomain>(std::move(domain), &consumer, clock_);
}

Result<std::unique_ptr<commit::Domain>> KafkaParts::open_stored(const ir::Program& program, ir::SystemId system,
                                                                const std::string& unit) {
  auto client = settings(program, system);
  if (!client) return std::unexpected(client.error());
  kafka::DomainSettings domain;
  domain.client = std::move(*client);
  domain.pipeline = program.id;
  domain.unit = unit;
  domain.is_transactional = program.delivery == ir::Delivery::ExactlyOnce;
  domain.state_dir = state_dir_;
  domain.outboxes = ir::outboxes(program);
  return std::make_unique<kafka::KafkaDomain>(std::move(domain), nullptr, clock_);
}

Result<std::unique_ptr<Sink>> KafkaParts::open_sink(const ir::Program& program, const ir::Unit& unit, ir::SinkId id,
                                                    commit::Domain& domain) {
  const ir::Sink& sink = program.sinks[id];
  const auto client = settings(program, sink.system);
  if (!client) return std::unexpected(client.error());
  kafka::SinkSettings wanted;
  wanted.name = sink.name;
  wanted.topic = ir::object_of(sink);
  wanted.headers = sink.headers;
  wanted.is_internal = ir::link_written(program, id) != nullptr;
  wanted.number = id;
  kafka::KafkaSink::OpenProducer joined;
  if (program.delivery == ir::Delivery::ExactlyOnce && sink.system == unit.domain) {
    auto* own = dynamic_cast<kafka::KafkaDomain*>(&domain);
    if (own == nullptr) return foreign("sink");
    joined = [own] { return own->producer(); };
  }
  return kafka::KafkaSink::open(*client, std::move(wanted), std::move(joined));
}

// The strictest of the flows that look up in it.
Result<std::unique_ptr<Table>> KafkaParts::open_table(const ir::Program& program, const ir::Unit& unit, ir::TableId id) const {
  const auto client = settings(program, program.tables[id].system);
  if (!client) return std::unexpected(client.error());
  const bool stops = std::ranges::any_of(unit.dataflow.nodes, [&](const ir::Node& node) {
    const auto* enrich = std::get_if<ir::Enrich>(&node.op);
    return enrich != nullptr && enrich->table == id && program.policies[node.policy].dead_letter == ir::DeadLetter::Stop;
  });
  return kafka::KafkaTable::open(*client, program, program.tables[id],
                                 stops ? kafka::Misfit::Stops : kafka::Misfit::IsPassedOver);
}

Result<void> KafkaParts::trim(const ir::Program& program, ir::SystemId system, std::span<const StartAt> below) const {
  const auto client = settings(program, system);
  if (!client) return std::unexpected(client.error());
  const auto admin = kafka::open_admin(*client);
  if (!admin) return std::unexpected(admin.error());
  std::vector<kafka::PartitionOffset> offsets;
  for (const StartAt& each : below) offsets.push_back({each.partition, each.offset, {}});
  const auto begins = kafka::delete_records(admin->get(), offsets);
  if (!begins) return std::unexpected(begins.error());
  return {};
}

Result<std::map<std::string, std::string>> KafkaParts::topic_ids_of(const ir::Program& program, const ir::Unit& unit,
                                                                    Group& group) {
  auto* member = dynamic_cast<kafka::KafkaGroup*>(&group);
  if (member == nullptr) return foreign("group");
  std::map<std::string, std::string> result;
  for (const ir::SourceId id : unit.sources) {
    const std::string& topic = ir::object_of(program.sources[id]);
    auto found = kafka::topic_id(member->consumer().handle(), topic);
    if (!found) return std::unexpected(found.error());
    result[topic] = std::move(*found);
  }
  return result;
}

Result<std::string> KafkaParts::cluster_of(Group& group) {
  auto* member = dynamic_cast<kafka::KafkaGroup*>(&group);
  if (member == nullptr) return foreign("group");
  return kafka::cluster_id(member->consumer().handle());
}

}  // namespace piperun::connectors
