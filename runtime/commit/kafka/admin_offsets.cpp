// Where partitions begin and end, and cutting them.
#include <fmt/format.h>

#include <chrono>
#include <map>
#include <thread>

#include "runtime/commit/kafka/admin.h"
#include "runtime/commit/kafka/admin_request.h"

namespace piperun::kafka {

using base::Result;

namespace {

using Offsets = std::map<commit::PartitionName, std::int64_t>;

constexpr std::chrono::seconds kSettles{10};  // a leader that is being elected

Result<Offsets> ask_offsets(rd_kafka_t* handle, const rd_kafka_topic_partition_list_t* asked, bool committed_only,
                            const std::string& during) {
  const AdminOptions options = admin_options(handle, RD_KAFKA_ADMIN_OP_LISTOFFSETS);
  const ErrorPtr refused(rd_kafka_AdminOptions_set_isolation_level(
      options.get(), committed_only ? RD_KAFKA_ISOLATION_LEVEL_READ_COMMITTED : RD_KAFKA_ISOLATION_LEVEL_READ_UNCOMMITTED));
  const PartitionList list(rd_kafka_topic_partition_list_copy(asked));
  const auto event = admin_request(
      handle, during, [&](rd_kafka_queue_t* queue) { rd_kafka_ListOffsets(handle, list.get(), options.get(), queue); });
  if (!event) return std::unexpected(event.error());
  std::size_t count = 0;
  const auto** infos = rd_kafka_ListOffsets_result_infos(rd_kafka_event_ListOffsets_result(event->get()), &count);
  Offsets found;
  for (std::size_t i = 0; i < count; ++i) {
    const rd_kafka_topic_partition_t* each = rd_kafka_ListOffsetsResultInfo_topic_partition(infos[i]);
    if (each->err != RD_KAFKA_RESP_ERR_NO_ERROR)
      return failed(each->err, fmt::format("{}, {}[{}]", during, each->topic, each->partition));
    // A broker that the request never reached leaves its partitions as they are, without an error.
    if (each->offset == RD_KAFKA_OFFSET_INVALID)
      return failed(RD_KAFKA_RESP_ERR__TRANSPORT, fmt::format("{}, {}[{}]", during, each->topic, each->partition));
    found[{each->topic, each->partition}] = each->offset;
  }
  return found;
}

}  // namespace

Result<std::vector<std::int64_t>> list_offsets(rd_kafka_t* handle, std::span<const commit::PartitionName> partitions,
                                               std::int64_t at, bool committed_only) {
  if (partitions.empty()) return std::vector<std::int64_t>{};
  const std::string during = fmt::format("asking where {} begins and ends", partitions.front().topic);
  const PartitionList asked = partition_list(partitions);
  for (int i = 0; i < asked->cnt; ++i) asked->elems[i].offset = at;
  const auto until = std::chrono::steady_clock::now() + kSettles;
  Result<Offsets> found = ask_offsets(handle, asked.get(), committed_only, during);
  while (!found && found.error().code == base::ErrorCode::SystemUnavailable && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    found = ask_offsets(handle, asked.get(), committed_only, during);
  }
  if (!found) return std::unexpected(found.error());
  std::vector<std::int64_t> result;
  for (const commit::PartitionName& each : partitions) {
    const auto answer = found->find(each);
    if (answer == found->end()) return failed(RD_KAFKA_RESP_ERR__BAD_MSG, during);
    result.push_back(answer->second);
  }
  return result;
}

Result<std::vector<PartitionOffset>> delete_records(rd_kafka_t* handle, std::span<const PartitionOffset> below) {
  using Request = std::unique_ptr<rd_kafka_DeleteRecords_t, Destroyer<rd_kafka_DeleteRecords_destroy>>;
  if (below.empty()) return std::vector<PartitionOffset>{};
  const std::string during = fmt::format("removing records of {}", below.front().partition.topic);
  const PartitionList list = partition_list(below);
  const Request request(rd_kafka_DeleteRecords_new(list.get()));
  const AdminOptions options = admin_options(handle, RD_KAFKA_ADMIN_OP_DELETERECORDS);
  rd_kafka_DeleteRecords_t* asked = request.get();
  const auto event = admin_request(
      handle, during, [&](rd_kafka_queue_t* queue) { rd_kafka_DeleteRecords(handle, &asked, 1, options.get(), queue); });
  if (!event) return std::unexpected(event.error());
  const auto* offsets = rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event->get()));
  std::vector<PartitionOffset> result;
  for (int i = 0; i < offsets->cnt; ++i) {
    const rd_kafka_topic_partition_t& each = offsets->elems[i];
    if (each.err != RD_KAFKA_RESP_ERR_NO_ERROR)
      return failed(each.err, fmt::format("{}, {}[{}]", during, each.topic, each.partition));
    result.push_back({{each.topic, each.partition}, each.offset, {}});
  }
  return result;
}

}  // namespace piperun::kafka
