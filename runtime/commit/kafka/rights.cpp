#include "runtime/commit/kafka/rights.h"

#include <fmt/format.h>

#include <span>

#include "runtime/commit/kafka/admin_request.h"
#include "runtime/commit/kafka/producer.h"

namespace piperun::kafka {

using base::Result;

namespace {

AdminOptions options_with_rights(rd_kafka_t* handle, rd_kafka_admin_op_t operation) {
  AdminOptions result = admin_options(handle, operation);
  const ErrorPtr refused(rd_kafka_AdminOptions_set_include_authorized_operations(result.get(), 1));
  return result;
}

Rights rights_of(const rd_kafka_AclOperation_t* operations, std::size_t count) {
  Rights result;
  result.is_known = operations != nullptr;
  if (operations == nullptr) return result;
  for (const rd_kafka_AclOperation_t operation : std::span(operations, count)) {
    const bool all = operation == RD_KAFKA_ACL_OPERATION_ALL;
    result.read |= all || operation == RD_KAFKA_ACL_OPERATION_READ;
    result.write |= all || operation == RD_KAFKA_ACL_OPERATION_WRITE;
    result.create |= all || operation == RD_KAFKA_ACL_OPERATION_CREATE;
    result.describe_configs |= all || operation == RD_KAFKA_ACL_OPERATION_DESCRIBE_CONFIGS;
  }
  return result;
}

}  // namespace

Result<Rights> topic_rights(rd_kafka_t* handle, const std::string& topic) {
  const AdminOptions options = options_with_rights(handle, RD_KAFKA_ADMIN_OP_DESCRIBETOPICS);
  return described(handle, topic, options, fmt::format("what may be done with the topic {}", topic), [](const auto* description) {
    std::size_t count = 0;
    const auto* operations = rd_kafka_TopicDescription_authorized_operations(description, &count);
    return rights_of(operations, count);
  });
}

Result<Rights> group_rights(rd_kafka_t* handle, const std::string& group) {
  const std::string during = fmt::format("what may be done with the group {}", group);
  const AdminOptions options = options_with_rights(handle, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS);
  const char* asked = group.c_str();
  const auto event = admin_request(
      handle, during, [&](auto* queue) { rd_kafka_DescribeConsumerGroups(handle, &asked, 1, options.get(), queue); });
  if (!event) return std::unexpected(event.error());
  std::size_t count = 0;
  const auto** found =
      rd_kafka_DescribeConsumerGroups_result_groups(rd_kafka_event_DescribeConsumerGroups_result(event->get()), &count);
  if (count != 1) return failed(RD_KAFKA_RESP_ERR__BAD_MSG, during);
  if (const rd_kafka_error_t* error = rd_kafka_ConsumerGroupDescription_error(found[0])) {
    const auto code = rd_kafka_error_code(error);
    if (code == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED) return Rights{.is_known = true};
    if (code != RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND) return failed(code, during, rd_kafka_error_string(error));
    return Rights{};
  }
  const auto* operations = rd_kafka_ConsumerGroupDescription_authorized_operations(found[0], &count);
  return rights_of(operations, count);
}

Result<bool> may_begin_transactions(const ClientSettings& client, const std::string& transactional_id) {
  constexpr std::int64_t kPatience = 15'000'000;  // microseconds
  ProducerSettings settings;
  settings.transactional_id = transactional_id;
  const auto producer = Producer::open(client, settings);
  if (!producer) return std::unexpected(producer.error());
  const auto announced = (*producer)->init_transactions(kPatience);
  if (announced) return true;
  if (announced.error().error.code == base::ErrorCode::CannotOpen) return false;
  return std::unexpected(announced.error().error);
}

Result<Rights> cluster_rights(rd_kafka_t* handle) {
  const AdminOptions options = options_with_rights(handle, RD_KAFKA_ADMIN_OP_DESCRIBECLUSTER);
  const auto event = admin_request(handle, "what may be done in the cluster",
                                   [&](auto* queue) { rd_kafka_DescribeCluster(handle, options.get(), queue); });
  if (!event) return std::unexpected(event.error());
  std::size_t count = 0;
  const auto* operations =
      rd_kafka_DescribeCluster_result_authorized_operations(rd_kafka_event_DescribeCluster_result(event->get()), &count);
  return rights_of(operations, count);
}

}  // namespace piperun::kafka
