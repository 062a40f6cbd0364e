#include "runtime/piperun/cluster_check.h"

#include <charconv>

#include "lang/ir/declared.h"
#include "lang/value/time.h"
#include "runtime/commit/kafka/own_topics.h"
#include "runtime/commit/kafka/rights.h"
#include "runtime/engine/secrets.h"

namespace piperun::cli {

using base::ErrorCode;

namespace {

constexpr std::int64_t kTransaction = 10'000;  // milliseconds: what the engine's producers ask for
constexpr std::int64_t kMetadata = 4096;       // bytes: what the ledger beside an offset may need

}  // namespace

std::string ClusterCheck::text_in(const Settings& settings, const std::string& name) {
  const auto found = settings.find(name);
  return found == settings.end() ? "" : found->second;
}

std::int64_t ClusterCheck::number_in(const Settings& settings, const std::string& name, std::int64_t fallback) {
  const std::string text = text_in(settings, name);
  std::int64_t result = fallback;
  std::from_chars(text.data(), text.data() + text.size(), result);
  return result;
}

std::string ClusterCheck::duration(std::int64_t milliseconds) {
  std::string text;
  value::append_duration(text, milliseconds * 1000);
  return text;
}

std::vector<Finding> ClusterCheck::run() && {
  auto settings = kafka::client_settings(program_.systems[id_], engine::secret_from_environment, program_.delivery, base_dir_);
  auto admin = settings ? kafka::open_admin(*settings) : base::Result<kafka::Client>(std::unexpected(settings.error()));
  if (!admin) return fail(site_, admin.error()), std::move(findings_);
  admin_ = std::move(*admin);
  address_ = settings->brokers;
  const auto brokers = kafka::brokers(handle());
  if (!brokers) return fail(site_, brokers.error()), std::move(findings_);
  brokers_ = brokers->size();
  for (const std::int32_t broker : *brokers) check_broker(broker);
  for (const ir::Source& source : program_.sources) {
    if (source.system == id_ && !is_link(source.object)) check_source(source);
  }
  for (const ir::Sink& sink : program_.sinks) {
    if (sink.system == id_ && !is_link(sink.object)) check_topic(ir::object_of(sink), sink.site, Use::Written);
  }
  for (const ir::Table& table : program_.tables) {
    if (table.system == id_) check_table(table);
  }
  for (const ir::Unit& unit : program_.units) {
    if (unit.source_system == id_ || is_relay(unit)) check_group(fmt::format("{}.{}", program_.id, unit.name));
    if (unit.domain == id_ && has_transactions()) check_transactional_id(*settings, unit);
  }
  if (keeps_positions()) check_own();
  return std::move(findings_);
}

// ---- Brokers

void ClusterCheck::check_broker(std::int32_t broker) {
  const auto found = kafka::describe_config(handle(), kafka::ConfigOf::Broker, std::to_string(broker));
  const std::string who = fmt::format("broker {} of {}", broker, name_);
  if (!found) {
    lower(site_, fmt::format("the settings of {} cannot be read: {}", who, found.error().message),
          "let the user describe the configuration of the cluster", fmt::format("the settings of {} are Kafka's defaults", who));
    return;
  }
  check_version(who, *found);
  if (!has_transactions()) return;
  if (const auto longest = number_in(*found, "transaction.max.timeout.ms", kTransaction); longest < kTransaction) {
    refuse(
        ErrorCode::CannotOpen, site_,
        fmt::format("{} allows transactions of {} at most, and {} are asked for", who, duration(longest), duration(kTransaction)),
        fmt::format("set transaction.max.timeout.ms to {} or more", kTransaction));
  }
  if (text_in(*found, "transaction.partition.verification.enable") == "false" || is_before_verification_) {
    lower(site_, fmt::format("{} does not check that a write belongs to an open transaction (KIP-890)", who),
          "run brokers of 3.6 or later with transaction.partition.verification.enable=true",
          fmt::format("no write of a transaction reaches {} after its end", name_));
  }
}

// Up to 3.9 a broker says which protocol it speaks to others, which is not above its version; later it says nothing of the kind.
void ClusterCheck::check_version(const std::string& who, const Settings& settings) {
  const std::string text = text_in(settings, "inter.broker.protocol.version");
  int major = 4, minor = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), major);
  if (error == std::errc() && rest != text.data() + text.size()) std::from_chars(rest + 1, text.data() + text.size(), minor);
  is_before_verification_ = std::pair(major, minor) < std::pair(3, 6);
  if (std::pair(major, minor) < std::pair(2, 5) && keeps_positions()) {
    refuse(ErrorCode::CannotOpen, site_,
           fmt::format("{} is of version {}.{}: it does not fence a member that was paused (KIP-447)", who, major, minor),
           "run brokers of 2.5 or later; 3.6 and later were tested");
  }
  if (const auto most = number_in(settings, "offset.metadata.max.bytes", kMetadata); most < kMetadata && keeps_positions()) {
    refuse(ErrorCode::CannotOpen, site_,
           fmt::format("{} takes {} bytes of metadata beside an offset, and the ledger may need {}", who, most, kMetadata),
           fmt::format("set offset.metadata.max.bytes to {}", kMetadata));
  }
}

// ---- What piperun keeps there

void ClusterCheck::check_own() {
  const auto all = kafka::list_topics(handle());
  if (!all) return fail(site_, all.error());
  std::set<std::string> ours = {kafka::manifests_topic(program_.id), kafka::letters_topic(program_.id)};
  for (const ir::Unit& unit : program_.units) {
    if (unit.domain != id_) continue;
    for (const ir::StateSchema& stage : unit.operators) ours.insert(kafka::keys_topic(program_.id, unit.name, stage.name));
  }
  bool is_complete = true;
  const auto is_there = [&](const std::string& name) {
    const bool is_found = std::ranges::count(*all, name, &kafka::TopicDescription::name) > 0;
    is_complete &= is_found;
    return is_found;
  };
  for (const std::string& name : ours) {
    if (is_there(name)) check_compacted(name);
  }
  for (const std::string& name : read_and_kept()) {
    if (is_there(name)) check_kept(name);
  }
  if (!is_complete) check_creation();
  for (const kafka::TopicDescription& topic : *all) {
    if (!topic.is_internal || brokers_ < 2 || topic.replicas > 1 || !promises_all()) continue;
    lower(site_, fmt::format("`{}`, which has positions, is on one broker of {}", topic.name, brokers_),
          "set offsets.topic.replication.factor and transaction.state.log.replication.factor to 3 before these topics are made",
          fmt::format("no broker of {} loses its disk", name_));
  }
}

// Of ours, those that are read in the order in which they were written: marks of replays, what stands for outboxes, links.
std::set<std::string> ClusterCheck::read_and_kept() const {
  std::set<std::string> result;
  for (const ir::Unit& unit : program_.units) {
    if (unit.domain != id_) continue;
    result.insert(kafka::replay_topic(program_.id, unit.name));
    if (!is_relay(unit)) continue;
    for (const ir::SourceId id : unit.sources)
      result.insert(kafka::progress_topic(program_.id, unit.name, ir::object_of(program_.sources[id])));
  }
  for (const ir::Link& link : program_.links) {
    if (link.system == id_) result.insert(link.topic);
  }
  return result;
}

std::string ClusterCheck::command_that_sets(const std::string& topic, const char* setting) const {
  return fmt::format("kafka-configs --bootstrap-server {} --alter --entity-type topics --entity-name {} --add-config {}",
                     address_, topic, setting);
}

void ClusterCheck::check_kept(const std::string& topic) {
  const auto settings = check_topic(topic, site_, Use::Written);
  check_rights(topic, site_, Use::Read);
  if (!settings) return;
  if (const std::int64_t kept = number_in(*settings, "retention.ms", -1); kept >= 0) {
    refuse(ErrorCode::StoreDamaged, site_, fmt::format("`{}` has retention.ms={}: what is stored in it expires", topic, kept),
           command_that_sets(topic, "retention.ms=-1"));
  }
}

void ClusterCheck::check_compacted(const std::string& topic) {
  const auto settings = check_topic(topic, site_, Use::Written);
  if (!settings) return;
  if (const std::string policy = text_in(*settings, "cleanup.policy"); policy != "compact") {
    refuse(ErrorCode::StoreDamaged, site_, fmt::format("`{}` has cleanup.policy={}: what is stored in it expires", topic, policy),
           "if nobody has made it anew: " + command_that_sets(topic, "cleanup.policy=compact"));
  }
}

// ---- Rights

void ClusterCheck::check_rights(const std::string& topic, const ir::Site& site, Use use) {
  const auto rights = kafka::topic_rights(handle(), topic);
  if (!rights || !rights->is_known) return;
  if (!(use == Use::Read ? rights->read : rights->write)) forbid(topic, site, use);
}

void ClusterCheck::forbid(const std::string& topic, const ir::Site& site, Use use) {
  const char* what = use == Use::Read ? "read" : "write";
  refuse(ErrorCode::CannotOpen, site, fmt::format("this user may not {} the topic `{}` of {}", what, topic, name_),
         fmt::format("kafka-acls --bootstrap-server {} --add --allow-principal User:NAME --operation {} --topic {}", address_,
                     what, topic));
}

void ClusterCheck::check_group(const std::string& group) {
  const auto rights = kafka::group_rights(handle(), group);
  if (!rights || !rights->is_known || rights->read) return;
  refuse(ErrorCode::CannotOpen, site_, fmt::format("this user may not join the group `{}` of {}", group, name_),
         fmt::format("kafka-acls --bootstrap-server {} --add --allow-principal User:NAME --operation read --group {}. "
                     "--resource-pattern-type prefixed",
                     address_, program_.id));
}

// The ids of the producers are behind the same prefix. This one is no producer's: a slot has a number at its end.
void ClusterCheck::check_transactional_id(const kafka::ClientSettings& settings, const ir::Unit& unit) {
  const std::string prefix = fmt::format("{}.{}.", program_.id, unit.name);
  const auto may = kafka::may_begin_transactions(settings, prefix + "check");
  if (!may) return fail(site_, may.error());
  if (*may) return;
  refuse(ErrorCode::CannotOpen, site_,
         fmt::format("this user may not begin transactions in {} under ids that begin with `{}`", name_, prefix),
         fmt::format("kafka-acls --bootstrap-server {} --add --allow-principal User:NAME --operation describe --operation write "
                     "--transactional-id {}. --resource-pattern-type prefixed",
                     address_, program_.id));
}

// A right that is given for names that begin in a certain way is not seen before there is such a topic.
void ClusterCheck::check_creation() {
  const auto rights = kafka::cluster_rights(handle());
  if (!rights || !rights->is_known || rights->create) return;
  const std::string prefix = program_.id + ".";
  lower(site_,
        fmt::format("this user may not make topics in {} in general, and those for manifests, dead letters, keys, replays and "
                    "outboxes are not all there",
                    name_),
        fmt::format("kafka-acls --bootstrap-server {} --add --allow-principal User:NAME --operation all --topic {} "
                    "--resource-pattern-type prefixed",
                    address_, prefix),
        fmt::format("the user may make topics whose names begin with `{}`", prefix));
}

std::vector<Finding> check_clusters(const ir::Program& program, const std::string& base_dir) {
  std::vector<Finding> findings;
  for (ir::SystemId id = 0; id < program.systems.size(); ++id) {
    if (program.systems[id].kind != ir::SystemKind::Kafka || program.systems[id].stand_in) continue;
    std::ranges::move(ClusterCheck(program, id, base_dir).run(), std::back_inserter(findings));
  }
  return findings;
}

}  // namespace piperun::cli
