// What a Kafka cluster makes of the promises of a program: copies, settings of brokers and topics, rights.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "lang/ir/declared.h"
#include "lang/value/time.h"
#include "runtime/commit/kafka/admin.h"
#include "runtime/commit/kafka/own_topics.h"
#include "runtime/commit/kafka/rights.h"
#include "runtime/engine/secrets.h"
#include "runtime/piperun/environment.h"

namespace piperun::cli {
namespace {

using base::ErrorCode;
using Settings = std::map<std::string, std::string>;

constexpr std::int64_t kTransaction = 10'000;  // milliseconds: what the engine's producers ask for
constexpr std::int64_t kMetadata = 4096;       // bytes: what the ledger beside an offset may need
constexpr std::int64_t kDay = 86'400'000;      // milliseconds

std::string text_in(const Settings& settings, const std::string& name) {
  const auto found = settings.find(name);
  return found == settings.end() ? "" : found->second;
}

std::int64_t number_in(const Settings& settings, const std::string& name, std::int64_t fallback) {
  const std::string text = text_in(settings, name);
  std::int64_t result = fallback;
  std::from_chars(text.data(), text.data() + text.size(), result);
  return result;
}

std::string duration(std::int64_t milliseconds) {
  std::string text;
  value::append_duration(text, milliseconds * 1000);
  return text;
}

enum class Use : std::uint8_t { Read, Written };

class ClusterCheck {
 public:
  ClusterCheck(const ir::Program& program, ir::SystemId system, const std::string& base_dir)
      : program_(program),
        id_(system),
        name_(program.systems[system].name),
        base_dir_(base_dir),
        site_(site_of(program, system)) {}

  std::vector<Finding> run() && {
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

 private:
  rd_kafka_t* handle() const { return admin_.get(); }
  bool is_link(const std::string& topic) const { return std::ranges::count(program_.links, topic, &ir::Link::topic) > 0; }
  bool keeps_positions() const { return std::ranges::count(program_.units, id_, &ir::Unit::domain) > 0; }
  bool has_transactions() const { return program_.delivery == ir::Delivery::ExactlyOnce && keeps_positions(); }
  // It reads an outbox, and shares that out by a group of this cluster.
  bool is_relay(const ir::Unit& unit) const {
    return unit.domain == id_ && program_.systems[unit.source_system].kind == ir::SystemKind::Postgres &&
           !program_.systems[unit.source_system].stand_in;
  }
  // at_most_once does not promise that anything arrives.
  bool promises_all() const { return program_.delivery != ir::Delivery::AtMostOnce; }

  void fail(const ir::Site& site, const base::Error& error) {
    findings_.push_back({error.code, site, fmt::format("{}: {}", name_, error.message), "", ""});
  }
  void refuse(ErrorCode code, const ir::Site& site, std::string words, std::string mend) {
    findings_.push_back({code, site, std::move(words), std::move(mend), ""});
  }
  void lower(const ir::Site& site, std::string words, std::string mend, std::string as_long_as) {
    findings_.push_back({std::nullopt, site, std::move(words), std::move(mend), std::move(as_long_as)});
  }

  // ---- Brokers

  void check_broker(std::int32_t broker) {
    const auto found = kafka::describe_config(handle(), kafka::ConfigOf::Broker, std::to_string(broker));
    const std::string who = fmt::format("broker {} of {}", broker, name_);
    if (!found) {
      lower(site_, fmt::format("the settings of {} cannot be read: {}", who, found.error().message),
            "let the user describe the configuration of the cluster",
            fmt::format("the settings of {} are Kafka's defaults", who));
      return;
    }
    check_version(who, *found);
    if (!has_transactions()) return;
    if (const auto longest = number_in(*found, "transaction.max.timeout.ms", kTransaction); longest < kTransaction) {
      refuse(ErrorCode::CannotOpen, site_,
             fmt::format("{} allows transactions of {} at most, and {} are asked for", who, duration(longest),
                         duration(kTransaction)),
             fmt::format("set transaction.max.timeout.ms to {} or more", kTransaction));
    }
    if (text_in(*found, "transaction.partition.verification.enable") == "false" || is_before_verification_) {
      lower(site_, fmt::format("{} does not check that a write belongs to an open transaction (KIP-890)", who),
            "run brokers of 3.6 or later with transaction.partition.verification.enable=true",
            fmt::format("no write of a transaction reaches {} after its end", name_));
    }
  }

  // Up to 3.9 a broker says which protocol it speaks to others, which is not above its version; later it says nothing of the kind.
  void check_version(const std::string& who, const Settings& settings) {
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

  // ---- Topics

  std::optional<Settings> check_topic(const std::string& topic, const ir::Site& site, Use use) {
    const auto described = kafka::describe_topic(handle(), topic);
    if (!described && described.error().code == ErrorCode::NoSuchTopic) {
      refuse(ErrorCode::NoSuchTopic, site, fmt::format("{} has no topic `{}`, or does not show it to this user", name_, topic),
             fmt::format("make it: kafka-topics --bootstrap-server {} --create --topic {} --partitions N --replication-factor {}",
                         address_, topic, std::min<std::size_t>(3, brokers_)));
      return std::nullopt;
    }
    if (!described && described.error().code == ErrorCode::CannotOpen) return forbid(topic, site, use), std::nullopt;
    if (!described) return fail(site, described.error()), std::nullopt;
    check_rights(topic, site, use);
    const auto settings = kafka::describe_config(handle(), kafka::ConfigOf::Topic, topic);
    if (!settings) {
      lower(site, fmt::format("the settings of `{}` cannot be read: {}", topic, settings.error().message),
            fmt::format("let the user describe the configuration of the topic {}", topic),
            fmt::format("`{}` is kept on several brokers", topic));
      return std::nullopt;
    }
    check_copies(*described, *settings, site, use);
    return *settings;
  }

  void check_copies(const kafka::TopicDescription& topic, const Settings& settings, const ir::Site& site, Use use) {
    const std::int64_t needed = number_in(settings, "min.insync.replicas", 1);
    if (use == Use::Written && topic.in_sync < needed) {
      refuse(ErrorCode::SystemUnavailable, site,
             fmt::format("`{}` takes no records now: {} of its {} copies are in sync, and min.insync.replicas is {}", topic.name,
                         topic.in_sync, topic.replicas, needed),
             "start the brokers that are down, or lower min.insync.replicas");
    }
    if (!promises_all()) return;
    if (topic.replicas < 2) {
      lower(site, fmt::format("`{}` has one copy: a broker that loses its disk takes the records with it", topic.name),
            "give it replication factor 3 and min.insync.replicas=2", fmt::format("no broker of {} loses its disk", name_));
    } else if (needed < 2) {
      lower(site,
            fmt::format("`{}` acknowledges a record that one broker alone may have (min.insync.replicas={})", topic.name, needed),
            fmt::format("kafka-configs --bootstrap-server {} --alter --entity-type topics --entity-name {} --add-config "
                        "min.insync.replicas=2",
                        address_, topic.name),
            fmt::format("no broker of {} fails while it alone has a record", name_));
    }
    if (text_in(settings, "unclean.leader.election.enable") == "true") {
      lower(site, fmt::format("`{}` may choose a leader that has not seen all (unclean.leader.election.enable)", topic.name),
            fmt::format("kafka-configs --bootstrap-server {} --alter --entity-type topics --entity-name {} --add-config "
                        "unclean.leader.election.enable=false",
                        address_, topic.name),
            fmt::format("`{}` never gets a leader that was not in sync", topic.name));
    }
  }

  void check_source(const ir::Source& source) {
    const std::string topic = ir::object_of(source);
    const auto settings = check_topic(topic, source.site, Use::Read);
    if (!settings || !promises_all()) return;
    const std::string policy = text_in(*settings, "cleanup.policy");
    if (policy.find("compact") != std::string::npos) {
      lower(source.site, fmt::format("`{}` is compacted: an older record of a key may go before it is read", topic),
            "read a topic with cleanup.policy=delete, if each record counts",
            fmt::format("only the newest record of each key of `{}` counts", topic));
    }
    if (policy.find("delete") != std::string::npos) check_retention(source, topic, number_in(*settings, "retention.ms", -1));
  }

  void check_retention(const ir::Source& source, const std::string& topic, std::int64_t kept) {
    if (kept >= 0 && kept < kDay) {
      lower(source.site,
            fmt::format("`{}` keeps records for {}: a pipeline that stands still for longer loses some, and stops", topic,
                        duration(kept)),
            "set retention.ms to the longest stand-still that you expect, and more",
            fmt::format("the pipeline is never {} behind in `{}`", duration(kept), topic));
    }
    for (const ir::StateSchema& stage : stages_behind(source)) {
      const std::int64_t within = stage.within / 1000;
      if (kept >= 0 && kept <= within) continue;
      lower(source.site,
            fmt::format(
                "`{}` keeps records for {}, and {} remembers keys for {}: what is read again from further back is no repeat",
                topic, kept < 0 ? "ever" : duration(kept), stage.name, duration(within)),
            "let `within` reach as far as the topic, or never go back further than it",
            fmt::format("`{}` is not read again from further back than {}", topic, duration(within)));
    }
  }

  // Its rows are the last values of the keys, as long as they are there.
  void check_table(const ir::Table& table) {
    const std::string topic = ir::object_of(table);
    const auto settings = check_topic(topic, table.site, Use::Read);
    if (!settings) return;
    const std::int64_t kept = number_in(*settings, "retention.ms", -1);
    if (text_in(*settings, "cleanup.policy").find("delete") == std::string::npos || kept < 0) return;
    lower(table.site,
          fmt::format(
              "`{}` is a table whose rows go {} after they were written (cleanup.policy={}): what is looked up is not found "
              "then",
              topic, duration(kept), text_in(*settings, "cleanup.policy")),
          fmt::format("kafka-configs --bootstrap-server {} --alter --entity-type topics --entity-name {} --add-config "
                      "cleanup.policy=compact",
                      address_, topic),
          fmt::format("every row of `{}` is written again within {}", topic, duration(kept)));
  }

  std::vector<ir::StateSchema> stages_behind(const ir::Source& source) const {
    std::vector<ir::StateSchema> result;
    for (const ir::Unit& unit : program_.units) {
      const bool reads = std::ranges::any_of(unit.sources, [&](ir::SourceId id) { return &program_.sources[id] == &source; });
      if (reads) result.insert(result.end(), unit.operators.begin(), unit.operators.end());
    }
    return result;
  }

  // ---- What piperun keeps there

  void check_own() {
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
  std::set<std::string> read_and_kept() const {
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

  void check_kept(const std::string& topic) {
    const auto settings = check_topic(topic, site_, Use::Written);
    check_rights(topic, site_, Use::Read);
    if (!settings) return;
    if (const std::int64_t kept = number_in(*settings, "retention.ms", -1); kept >= 0) {
      refuse(ErrorCode::StoreDamaged, site_, fmt::format("`{}` has retention.ms={}: what is stored in it expires", topic, kept),
             fmt::format("kafka-configs --bootstrap-server {} --alter --entity-type topics --entity-name {} --add-config "
                         "retention.ms=-1",
                         address_, topic));
    }
  }

  void check_compacted(const std::string& topic) {
    const auto settings = check_topic(topic, site_, Use::Written);
    if (!settings) return;
    if (const std::string policy = text_in(*settings, "cleanup.policy"); policy != "compact") {
      refuse(ErrorCode::StoreDamaged, site_,
             fmt::format("`{}` has cleanup.policy={}: what is stored in it expires", topic, policy),
             fmt::format("kafka-configs --bootstrap-server {} --alter --entity-type topics --entity-name {} --add-config "
                         "cleanup.policy=compact",
                         address_, topic));
    }
  }

  // ---- Rights

  void check_rights(const std::string& topic, const ir::Site& site, Use use) {
    const auto rights = kafka::topic_rights(handle(), topic);
    if (!rights || !rights->is_known) return;
    if (!(use == Use::Read ? rights->read : rights->write)) forbid(topic, site, use);
  }

  void forbid(const std::string& topic, const ir::Site& site, Use use) {
    const char* what = use == Use::Read ? "read" : "write";
    refuse(ErrorCode::CannotOpen, site, fmt::format("this user may not {} the topic `{}` of {}", what, topic, name_),
           fmt::format("kafka-acls --bootstrap-server {} --add --allow-principal User:NAME --operation {} --topic {}", address_,
                       what, topic));
  }

  void check_group(const std::string& group) {
    const auto rights = kafka::group_rights(handle(), group);
    if (!rights || !rights->is_known || rights->read) return;
    refuse(ErrorCode::CannotOpen, site_, fmt::format("this user may not join the group `{}` of {}", group, name_),
           fmt::format("kafka-acls --bootstrap-server {} --add --allow-principal User:NAME --operation read --group {}. "
                       "--resource-pattern-type prefixed",
                       address_, program_.id));
  }

  // The ids of the producers are behind the same prefix. This one is no producer's: a slot has a number at its end.
  void check_transactional_id(const kafka::ClientSettings& settings, const ir::Unit& unit) {
    const std::string prefix = fmt::format("{}.{}.", program_.id, unit.name);
    const auto may = kafka::may_begin_transactions(settings, prefix + "check");
    if (!may) return fail(site_, may.error());
    if (*may) return;
    refuse(
        ErrorCode::CannotOpen, site_,
        fmt::format("this user may not begin transactions in {} under ids that begin with `{}`", name_, prefix),
        fmt::format("kafka-acls --bootstrap-server {} --add --allow-principal User:NAME --operation describe --operation write "
                    "--transactional-id {}. --resource-pattern-type prefixed",
                    address_, program_.id));
  }

  // A right that is given for names that begin in a certain way is not seen before there is such a topic.
  void check_creation() {
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

  const ir::Program& program_;
  ir::SystemId id_;
  std::string name_, base_dir_, address_;
  ir::Site site_;
  kafka::Client admin_;
  std::size_t brokers_ = 0;
  bool is_before_verification_ = false;
  std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> check_clusters(const ir::Program& program, const std::string& base_dir) {
  std::vector<Finding> findings;
  for (ir::SystemId id = 0; id < program.systems.size(); ++id) {
    if (program.systems[id].kind != ir::SystemKind::Kafka || program.systems[id].stand_in) continue;
    std::ranges::move(ClusterCheck(program, id, base_dir).run(), std::back_inserter(findings));
  }
  return findings;
}

}  // namespace piperun::cli
