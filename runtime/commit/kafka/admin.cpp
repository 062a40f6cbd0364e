#include "runtime/commit/kafka/admin.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <thread>

#include "runtime/commit/kafka/admin_request.h"
#include "runtime/commit/kafka/groups.h"

namespace piperun::kafka {

using base::ErrorCode;
using base::Result;

namespace {

constexpr std::int64_t kHeardWithin = 3'000'000;  // microseconds

TopicDescription description_of(const rd_kafka_metadata_topic_t& topic) {
  TopicDescription result;
  result.name = topic.topic;
  result.partitions = topic.partition_cnt;
  result.is_internal = result.name == "__consumer_offsets" || result.name == "__transaction_state";
  for (int i = 0; i < topic.partition_cnt; ++i) {
    result.replicas = std::max(result.replicas, topic.partitions[i].replica_cnt);
    result.in_sync = i == 0 ? topic.partitions[i].isr_cnt : std::min(result.in_sync, topic.partitions[i].isr_cnt);
  }
  return result;
}

Result<MetadataPtr> metadata_of(rd_kafka_t* handle, rd_kafka_topic_t* topic, const std::string& during) {
  constexpr int kStep = 1000;
  rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR__TIMED_OUT;
  for (int waited = 0; waited < kAdminTimeout && !has_failed(handle); waited += kStep) {
    const rd_kafka_metadata_t* found = nullptr;
    const auto begun = std::chrono::steady_clock::now();
    error = rd_kafka_metadata(handle, topic == nullptr ? 1 : 0, topic, &found, kStep);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return MetadataPtr(found);
    if (!is_silence(error)) return failed(error, during);
    std::this_thread::sleep_until(begun + std::chrono::milliseconds(kStep));
  }
  return unanswered(handle, during);
}

std::string text(const char* words) { return words == nullptr ? "" : words; }

}  // namespace

Result<Client> open_admin(const ClientSettings& settings) {
  return Client::open(RD_KAFKA_PRODUCER, settings, {}, std::make_unique<ClientState>());
}

Result<std::string> cluster_id(rd_kafka_t* handle) {
  const std::string during = "asking for the cluster's id";
  if (const auto reached = metadata_of(handle, nullptr, during); !reached) return std::unexpected(reached.error());
  char* found = rd_kafka_clusterid(handle, kAdminTimeout);
  if (found == nullptr) return unanswered(handle, during);
  std::string result = found;
  rd_kafka_mem_free(handle, found);
  return result;
}

Result<std::vector<TopicDescription>> list_topics(rd_kafka_t* handle) {
  const auto metadata = metadata_of(handle, nullptr, "the topics of the cluster");
  if (!metadata) return std::unexpected(metadata.error());
  std::vector<TopicDescription> result;
  for (int i = 0; i < (*metadata)->topic_cnt; ++i) result.push_back(description_of((*metadata)->topics[i]));
  std::ranges::sort(result, {}, &TopicDescription::name);
  return result;
}

Result<TopicDescription> describe_topic(rd_kafka_t* handle, const std::string& name) {
  const std::string during = fmt::format("topic `{}`", name);
  const TopicPtr topic(rd_kafka_topic_new(handle, name.c_str(), nullptr));
  if (!topic) return failed(rd_kafka_last_error(), during);
  const auto metadata = metadata_of(handle, topic.get(), during);
  if (!metadata) return std::unexpected(metadata.error());
  const rd_kafka_resp_err_t error =
      (*metadata)->topic_cnt == 1 ? (*metadata)->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return description_of((*metadata)->topics[0]);
  if (code_of(error) == ErrorCode::NoSuchTopic)
    return base::failure(
        ErrorCode::NoSuchTopic,
        fmt::format("there is no topic `{0}` in the cluster; `piperun topic put {0} FILE --partitions 3 < /dev/null` makes it, "
                    "with as many partitions as you say; with --local none is needed",
                    name));
  return failed(error, during);
}

Result<TopicDescription> find_topic(rd_kafka_t* handle, const std::string& name) {
  for (const std::int64_t until = steady_now() + kHeardWithin;; std::this_thread::sleep_for(std::chrono::milliseconds(100))) {
    auto found = describe_topic(handle, name);
    if (found || found.error().code != ErrorCode::NoSuchTopic || steady_now() > until) return found;
    const auto all = brokers(handle);
    if (!all || all->size() < 2) return found;
  }
}

Result<std::vector<std::int32_t>> brokers(rd_kafka_t* handle) {
  const auto metadata = metadata_of(handle, nullptr, "the brokers of the cluster");
  if (!metadata) return std::unexpected(metadata.error());
  std::vector<std::int32_t> result;
  for (int i = 0; i < (*metadata)->broker_cnt; ++i) result.push_back((*metadata)->brokers[i].id);
  std::ranges::sort(result);
  return result;
}

Result<std::map<std::string, std::string>> describe_config(rd_kafka_t* handle, ConfigOf kind, const std::string& name) {
  using Resource = std::unique_ptr<rd_kafka_ConfigResource_t, Destroyer<rd_kafka_ConfigResource_destroy>>;
  const std::string during = fmt::format("the settings of {} {}", kind == ConfigOf::Topic ? "topic" : "broker", name);
  const Resource resource(
      rd_kafka_ConfigResource_new(kind == ConfigOf::Topic ? RD_KAFKA_RESOURCE_TOPIC : RD_KAFKA_RESOURCE_BROKER, name.c_str()));
  const AdminOptions options = admin_options(handle, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
  rd_kafka_ConfigResource_t* asked = resource.get();
  const auto event = admin_request(
      handle, during, [&](rd_kafka_queue_t* queue) { rd_kafka_DescribeConfigs(handle, &asked, 1, options.get(), queue); });
  if (!event) return std::unexpected(event.error());
  std::size_t count = 0;
  const auto** found = rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event->get()), &count);
  if (count != 1) return failed(RD_KAFKA_RESP_ERR__BAD_MSG, during);
  if (const auto error = rd_kafka_ConfigResource_error(found[0]); error != RD_KAFKA_RESP_ERR_NO_ERROR)
    return failed(error, during, text(rd_kafka_ConfigResource_error_string(found[0])));
  std::map<std::string, std::string> result;
  const auto** entries = rd_kafka_ConfigResource_configs(found[0], &count);
  for (std::size_t i = 0; i < count; ++i)
    result[rd_kafka_ConfigEntry_name(entries[i])] = text(rd_kafka_ConfigEntry_value(entries[i]));
  return result;
}

Result<std::string> cleanup_policy(rd_kafka_t* handle, const std::string& topic) {
  const auto settings = describe_config(handle, ConfigOf::Topic, topic);
  if (!settings) return std::unexpected(settings.error());
  const auto policy = settings->find("cleanup.policy");
  return policy == settings->end() ? std::string() : policy->second;
}

namespace {

std::int64_t number(const std::map<std::string, std::string>& settings, const std::string& name, std::int64_t otherwise) {
  const auto found = settings.find(name);
  if (found == settings.end()) return otherwise;
  std::from_chars(found->second.data(), found->second.data() + found->second.size(), otherwise);
  return otherwise;
}

}  // namespace

std::int64_t largest_sent(const ClientSettings& client) {
  constexpr std::int64_t kDefault = 1'000'000;  // librdkafka's
  return number(client.properties, "message.max.bytes", kDefault);
}

Result<std::int64_t> largest_batch(rd_kafka_t* handle, const ClientSettings& client, const std::string& topic) {
  const std::int64_t sent = largest_sent(client);
  const auto limits = describe_config(handle, ConfigOf::Topic, topic);
  if (!limits && base::traits(limits.error().code).error_class == base::ErrorClass::Transient)
    return std::unexpected(limits.error());
  return limits ? std::min(sent, number(*limits, "max.message.bytes", sent)) : sent;
}

Result<void> create_internal_topic(rd_kafka_t* handle, const InternalTopic& topic, const std::string& like) {
  const auto model = describe_topic(handle, like);
  if (!model) return std::unexpected(model.error());
  const auto settings = describe_config(handle, ConfigOf::Topic, like);
  if (!settings) return std::unexpected(settings.error());
  std::map<std::string, std::string> config = {{"retention.ms", "-1"}, {"retention.bytes", "-1"}};
  config["cleanup.policy"] = topic.is_compacted ? "compact" : "delete";
  for (const char* name : {"min.insync.replicas", "max.message.bytes"}) {
    if (const auto found = settings->find(name); found != settings->end()) config[name] = found->second;
  }
  return create_topic(handle, topic.name, topic.partitions, config, model->replicas);
}

Result<GroupDescription> describe_group(rd_kafka_t* handle, const std::string& group) {
  const std::string during = fmt::format("the group {}", group);
  const AdminOptions options = admin_options(handle, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS);
  const char* asked = group.c_str();
  const auto event = admin_request(
      handle, during, [&](rd_kafka_queue_t* queue) { rd_kafka_DescribeConsumerGroups(handle, &asked, 1, options.get(), queue); });
  if (!event) return std::unexpected(event.error());
  std::size_t count = 0;
  const auto** groups =
      rd_kafka_DescribeConsumerGroups_result_groups(rd_kafka_event_DescribeConsumerGroups_result(event->get()), &count);
  if (count != 1) return failed(RD_KAFKA_RESP_ERR__BAD_MSG, during);
  GroupDescription result;
  result.group = group;
  if (const rd_kafka_error_t* error = rd_kafka_ConsumerGroupDescription_error(groups[0])) {
    if (rd_kafka_error_code(error) != RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND)
      return failed(rd_kafka_error_code(error), during, rd_kafka_error_string(error));
    result.state = "Dead";
    return result;
  }
  result.state = rd_kafka_consumer_group_state_name(rd_kafka_ConsumerGroupDescription_state(groups[0]));
  result.protocol = text(rd_kafka_ConsumerGroupDescription_partition_assignor(groups[0]));
  for (std::size_t i = 0; i < rd_kafka_ConsumerGroupDescription_member_count(groups[0]); ++i) {
    const auto* member = rd_kafka_ConsumerGroupDescription_member(groups[0], i);
    GroupDescription::Member& added = result.members.emplace_back();
    added.id = text(rd_kafka_MemberDescription_consumer_id(member));
    added.instance = text(rd_kafka_MemberDescription_group_instance_id(member));
    added.client = text(rd_kafka_MemberDescription_client_id(member));
    added.host = text(rd_kafka_MemberDescription_host(member));
    const auto* list = rd_kafka_MemberAssignment_partitions(rd_kafka_MemberDescription_assignment(member));
    for (int k = 0; list != nullptr && k < list->cnt; ++k)
      added.partitions.push_back({list->elems[k].topic, list->elems[k].partition});
  }
  return result;
}

}  // namespace piperun::kafka
