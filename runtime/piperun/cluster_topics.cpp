// The topics that a program reads, writes and looks things up in: what their settings make of its promises.
#include "lang/ir/declared.h"
#include "runtime/piperun/cluster_check.h"

namespace piperun::cli {

using base::ErrorCode;

namespace {

constexpr std::int64_t kDay = 86'400'000;  // milliseconds

}  // namespace

std::optional<ClusterCheck::Settings> ClusterCheck::check_topic(const std::string& topic, const ir::Site& site, Use use) {
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

void ClusterCheck::check_copies(const kafka::TopicDescription& topic, const Settings& settings, const ir::Site& site, Use use) {
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
          command_that_sets(topic.name, "min.insync.replicas=2"),
          fmt::format("no broker of {} fails while it alone has a record", name_));
  }
  if (text_in(settings, "unclean.leader.election.enable") == "true") {
    lower(site, fmt::format("`{}` may choose a leader that has not seen all (unclean.leader.election.enable)", topic.name),
          command_that_sets(topic.name, "unclean.leader.election.enable=false"),
          fmt::format("`{}` never gets a leader that was not in sync", topic.name));
  }
}

void ClusterCheck::check_source(const ir::Source& source) {
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

void ClusterCheck::check_retention(const ir::Source& source, const std::string& topic, std::int64_t kept) {
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
    lower(
        source.site,
        fmt::format("`{}` keeps records for {}, and {} remembers keys for {}: what is read again from further back is no repeat",
                    topic, kept < 0 ? "ever" : duration(kept), stage.name, duration(within)),
        "let `within` reach as far as the topic, or never go back further than it",
        fmt::format("`{}` is not read again from further back than {}", topic, duration(within)));
  }
}

// Its rows are the last values of the keys, as long as they are there.
void ClusterCheck::check_table(const ir::Table& table) {
  const std::string topic = ir::object_of(table);
  const auto settings = check_topic(topic, table.site, Use::Read);
  if (!settings) return;
  const std::int64_t kept = number_in(*settings, "retention.ms", -1);
  if (text_in(*settings, "cleanup.policy").find("delete") == std::string::npos || kept < 0) return;
  lower(
      table.site,
      fmt::format("`{}` is a table whose rows go {} after they were written (cleanup.policy={}): what is looked up is not found "
                  "then",
                  topic, duration(kept), text_in(*settings, "cleanup.policy")),
      command_that_sets(topic, "cleanup.policy=compact"),
      fmt::format("every row of `{}` is written again within {}", topic, duration(kept)));
}

std::vector<ir::StateSchema> ClusterCheck::stages_behind(const ir::Source& source) const {
  std::vector<ir::StateSchema> result;
  for (const ir::Unit& unit : program_.units) {
    const bool reads = std::ranges::any_of(unit.sources, [&](ir::SourceId id) { return &program_.sources[id] == &source; });
    if (reads) result.insert(result.end(), unit.operators.begin(), unit.operators.end());
  }
  return result;
}

}  // namespace piperun::cli
