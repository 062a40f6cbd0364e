#include "runtime/commit/kafka/groups.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "runtime/commit/kafka/admin_request.h"

namespace piperun::kafka {

using base::Result;

namespace {

constexpr std::chrono::seconds kUnstableLimit{120};       // an open transaction ends by its timeout, which is far below
constexpr std::chrono::milliseconds kPause{50};
constexpr std::chrono::seconds kSpreadLimit{10};  // a new topic, over the brokers
constexpr int kAskedPerBroker = 4;
using Clock = std::chrono::steady_clock;

using OffsetsQuestion =
    std::unique_ptr<rd_kafka_ListConsumerGroupOffsets_t, Destroyer<rd_kafka_ListConsumerGroupOffsets_destroy>>;
using OffsetsRemoval =
    std::unique_ptr<rd_kafka_DeleteConsumerGroupOffsets_t, Destroyer<rd_kafka_DeleteConsumerGroupOffsets_destroy>>;
using NewTopic = std::unique_ptr<rd_kafka_NewTopic_t, Destroyer<rd_kafka_NewTopic_destroy>>;
using OldTopic = std::unique_ptr<rd_kafka_DeleteTopic_t, Destroyer<rd_kafka_DeleteTopic_destroy>>;

Result<const rd_kafka_topic_partition_list_t*> only_group(const rd_kafka_group_result_t** groups, std::size_t count,
                                                          const std::string& during) {
  if (count != 1) return failed(RD_KAFKA_RESP_ERR__BAD_MSG, during);
  if (const rd_kafka_error_t* error = rd_kafka_group_result_error(groups[0])) {
    return failed(rd_kafka_error_code(error), during, rd_kafka_error_string(error));
  }
  return rd_kafka_group_result_partitions(groups[0]);
}

PartitionOffset offset_of(const rd_kafka_topic_partition_t& found) {
  PartitionOffset result{{found.topic, found.partition}, found.offset, {}};
  if (found.metadata_size > 0) result.metadata.assign(static_cast<const char*>(found.metadata), found.metadata_size);
  return result;
}

// Changes of topics: one of them at a time.
Result<void> only_topic(const rd_kafka_topic_result_t** topics, std::size_t count, rd_kafka_resp_err_t also_good,
                        const std::string& during) {
  if (count != 1) return failed(RD_KAFKA_RESP_ERR__BAD_MSG, during);
  const auto error = rd_kafka_topic_result_error(topics[0]);
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR || error == also_good) return {};
  const char* words = rd_kafka_topic_result_error_string(topics[0]);
  return failed(error, during, words == nullptr ? "" : words);
}

// The number of brokers, if the one that was asked knows a leader of the topic; else 0.
int brokers_if_known(rd_kafka_t* handle, const std::string& name) {
  const TopicPtr local(rd_kafka_topic_new(handle, name.c_str(), nullptr));
  const rd_kafka_metadata_t* found = nullptr;
  if (rd_kafka_metadata(handle, 0, local.get(), &found, kAdminTimeout) != RD_KAFKA_RESP_ERR_NO_ERROR) return 0;
  const MetadataPtr metadata(found);
  const bool is_known = metadata->topic_cnt == 1 && metadata->topics[0].err == RD_KAFKA_RESP_ERR_NO_ERROR &&
                        metadata->topics[0].partition_cnt > 0 && metadata->topics[0].partitions[0].leader >= 0;
  return is_known ? metadata->broker_cnt : 0;
}

// Brokers learn of a new topic one after the other, and the library asks any of them: when it was known often in a row, all know it.
bool is_known_everywhere(rd_kafka_t* handle, const std::string& name) {
  int known = 0;
  for (const auto begun = Clock::now(); Clock::now() - begun < kSpreadLimit;) {
    const int brokers = brokers_if_known(handle, name);
    known = brokers > 0 ? known + 1 : 0;
    if (brokers == 0) std::this_thread::sleep_for(kPause);
    else if (known >= kAskedPerBroker * brokers) return true;
  }
  return false;
}

}  // namespace

Result<std::vector<PartitionOffset>> group_offsets(rd_kafka_t* handle, const std::string& group,
                                                   std::optional<std::int64_t> patience) {
  const std::string during = fmt::format("the offsets of the group {}", group);
  const AdminOptions options = admin_options(handle, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS);
  const ErrorPtr refused(rd_kafka_AdminOptions_set_require_stable_offsets(options.get(), 1));
  const OffsetsQuestion question(rd_kafka_ListConsumerGroupOffsets_new(group.c_str(), nullptr));
  for (const auto begun = Clock::now();; std::this_thread::sleep_for(kPause)) {
    auto* asked = question.get();
    const auto event = admin_request(
        handle, during, [&](auto* queue) { rd_kafka_ListConsumerGroupOffsets(handle, &asked, 1, options.get(), queue); });
    std::size_t count = 0;
    if (!event && event.error().message.find("UNSTABLE") == std::string::npos) return std::unexpected(event.error());
    bool is_stable = event.has_value();
    std::vector<PartitionOffset> result;
    if (event) {
      const auto* answer = rd_kafka_event_ListConsumerGroupOffsets_result(event->get());
      const auto** groups = rd_kafka_ListConsumerGroupOffsets_result_groups(answer, &count);
      const rd_kafka_error_t* error = count == 1 ? rd_kafka_group_result_error(groups[0]) : nullptr;
      is_stable = error == nullptr || rd_kafka_error_code(error) != RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT;
      const auto list = only_group(groups, count, during);
      if (!list && is_stable) return std::unexpected(list.error());
      for (int i = 0; list && i < (*list)->cnt; ++i) {
        const rd_kafka_topic_partition_t& found = (*list)->elems[i];
        if (found.err == RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT) is_stable = false;
        else if (found.err != RD_KAFKA_RESP_ERR_NO_ERROR) return failed(found.err, during);
        else if (found.offset >= 0) result.push_back(offset_of(found));
      }
    }
    if (is_stable) return result;
    if (patience && Clock::now() - begun > std::chrono::microseconds(*patience)) {
      const ErrorPtr never(rd_kafka_AdminOptions_set_require_stable_offsets(options.get(), 0));
    }
    if (Clock::now() - begun > kUnstableLimit) return failed(RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT, during);
  }
}

Result<std::vector<PartitionOffset>> delete_group_offsets(rd_kafka_t* handle, const std::string& group) {
  const std::string during = fmt::format("removing the offsets of the group {}", group);
  const auto stored = group_offsets(handle, group);
  if (!stored || stored->empty()) return stored;
  const PartitionList partitions = partition_list(*stored);
  const OffsetsRemoval removal(rd_kafka_DeleteConsumerGroupOffsets_new(group.c_str(), partitions.get()));
  const AdminOptions options = admin_options(handle, RD_KAFKA_ADMIN_OP_DELETECONSUMERGROUPOFFSETS);
  auto* asked = removal.get();
  const auto event = admin_request(
      handle, during, [&](auto* queue) { rd_kafka_DeleteConsumerGroupOffsets(handle, &asked, 1, options.get(), queue); });
  if (!event) return std::unexpected(event.error());
  std::size_t count = 0;
  const auto* answer = rd_kafka_event_DeleteConsumerGroupOffsets_result(event->get());
  const auto** groups = rd_kafka_DeleteConsumerGroupOffsets_result_groups(answer, &count);
  const auto list = only_group(groups, count, during);
  if (!list) return std::unexpected(list.error());
  std::vector<PartitionOffset> left;
  for (int i = 0; i < (*list)->cnt; ++i) {
    const rd_kafka_topic_partition_t& found = (*list)->elems[i];
    if (found.err == RD_KAFKA_RESP_ERR_GROUP_SUBSCRIBED_TO_TOPIC) left.push_back({{found.topic, found.partition}, -1, {}});
    else if (found.err != RD_KAFKA_RESP_ERR_NO_ERROR) return failed(found.err, during);
  }
  return left;
}

Result<void> create_topic(rd_kafka_t* handle, const std::string& name, std::int32_t partitions,
                          const std::map<std::string, std::string>& config, std::int32_t replication) {
  const std::string during = fmt::format("making the topic {}", name);
  char words[256] = "";
  const NewTopic topic(rd_kafka_NewTopic_new(name.c_str(), partitions, replication, words, sizeof words));
  if (!topic) return base::failure(base::ErrorCode::CannotOpen, fmt::format("{}: {}", during, words));
  for (const auto& [key, value] : config) rd_kafka_NewTopic_set_config(topic.get(), key.c_str(), value.c_str());
  const AdminOptions options = admin_options(handle, RD_KAFKA_ADMIN_OP_CREATETOPICS);
  rd_kafka_AdminOptions_set_operation_timeout(options.get(), kAdminTimeout, words, sizeof words);
  auto* asked = topic.get();
  const auto event =
      admin_request(handle, during, [&](auto* queue) { rd_kafka_CreateTopics(handle, &asked, 1, options.get(), queue); });
  if (!event) return std::unexpected(event.error());
  std::size_t count = 0;
  const auto** made = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event->get()), &count);
  if (auto done = only_topic(made, count, RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS, during); !done) return done;
  if (is_known_everywhere(handle, name)) return {};
  return base::failure(base::ErrorCode::SystemUnavailable, fmt::format("{}: it is not seen yet", during));
}

Result<std::string> topic_id(rd_kafka_t* handle, const std::string& name) {
  const AdminOptions options = admin_options(handle, RD_KAFKA_ADMIN_OP_DESCRIBETOPICS);
  return described(handle, name, options, fmt::format("the id of the topic {}", name), [](const auto* description) {
    return std::string(rd_kafka_Uuid_base64str(rd_kafka_TopicDescription_topic_id(description)));
  });
}

Result<void> delete_topic(rd_kafka_t* handle, const std::string& name) {
  const std::string during = fmt::format("removing the topic {}", name);
  const OldTopic topic(rd_kafka_DeleteTopic_new(name.c_str()));
  const AdminOptions options = admin_options(handle, RD_KAFKA_ADMIN_OP_DELETETOPICS);
  auto* asked = topic.get();
  const auto event =
      admin_request(handle, during, [&](auto* queue) { rd_kafka_DeleteTopics(handle, &asked, 1, options.get(), queue); });
  if (!event) return std::unexpected(event.error());
  std::size_t count = 0;
  const auto** gone = rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event->get()), &count);
  return only_topic(gone, count, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, during);
}

}  // namespace piperun::kafka
