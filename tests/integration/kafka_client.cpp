#include "tests/integration/kafka_client.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <thread>
#include <utility>

namespace piperun::integration {
namespace {

using Clock = std::chrono::steady_clock;

struct DestroyList {
  void operator()(rd_kafka_topic_partition_list_t* list) const { rd_kafka_topic_partition_list_destroy(list); }
};
using List = std::unique_ptr<rd_kafka_topic_partition_list_t, DestroyList>;

List list_of(const std::string& topic, int partitions, std::int64_t offset) {
  List list(rd_kafka_topic_partition_list_new(partitions));
  for (int partition = 0; partition < partitions; ++partition) {
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition)->offset = offset;
  }
  return list;
}

void require(rd_kafka_resp_err_t code, std::string_view what) {
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) throw std::runtime_error(fmt::format("{}: {}", what, rd_kafka_err2str(code)));
}

std::string bytes(const void* data, std::size_t size) {
  return data ? std::string(static_cast<const char*>(data), size) : std::string();
}

}  // namespace

bool has_leaders(rd_kafka_t* client, const std::string& name, int partitions) {
  rd_kafka_topic_t* topic = rd_kafka_topic_new(client, name.c_str(), nullptr);
  const rd_kafka_metadata_t* seen = nullptr;
  const rd_kafka_resp_err_t code = rd_kafka_metadata(client, 0, topic, &seen, 5000);
  rd_kafka_topic_destroy(topic);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return false;
  bool led = seen->topic_cnt == 1 && seen->topics[0].partition_cnt == partitions;
  for (int i = 0; led && i < partitions; ++i) led = seen->topics[0].partitions[i].leader >= 0;
  rd_kafka_metadata_destroy(seen);
  return led;
}

std::string server(const char* variable) {
  const char* value = std::getenv(variable);
  if (!value)
    throw std::runtime_error(fmt::format(
        "{} is not set: run me through tests/integration/run, or eval \"$(tests/integration/servers env)\"", variable));
  return value;
}

Handle make_client(rd_kafka_type_t type, const Settings& settings) {
  std::array<char, 512> error{};
  Settings all = settings;
  if (!all.contains("bootstrap.servers")) all["bootstrap.servers"] = server("KAFKA_BOOTSTRAP");
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  for (const auto& [name, value] : all) {
    if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), error.data(), error.size()) != RD_KAFKA_CONF_OK) {
      rd_kafka_conf_destroy(conf);
      throw std::runtime_error(error.data());
    }
  }
  Handle handle(rd_kafka_new(type, conf, error.data(), error.size()));
  if (!handle) {
    rd_kafka_conf_destroy(conf);
    throw std::runtime_error(error.data());
  }
  return handle;
}

Handle make_transactional(const std::string& id, const Settings& settings) {
  Settings all = settings;
  all["transactional.id"] = id;
  Handle producer = make_client(RD_KAFKA_PRODUCER, all);
  if (const std::string error = text_of(rd_kafka_init_transactions(producer.get(), 30000)); !error.empty())
    throw std::runtime_error(error);
  return producer;
}

void create_topic(const std::string& name, int partitions, const Settings& settings) {
  std::array<char, 512> error{};
  const Handle admin = make_client(RD_KAFKA_PRODUCER);
  rd_kafka_NewTopic_t* topic = rd_kafka_NewTopic_new(name.c_str(), partitions, -1, error.data(), error.size());
  if (!topic) throw std::runtime_error(error.data());
  for (const auto& [key, value] : settings) rd_kafka_NewTopic_set_config(topic, key.c_str(), value.c_str());
  rd_kafka_queue_t* queue = rd_kafka_queue_new(admin.get());
  rd_kafka_CreateTopics(admin.get(), &topic, 1, nullptr, queue);
  rd_kafka_event_t* event = rd_kafka_queue_poll(queue, 20000);
  std::string problem = event ? "" : "no answer";
  if (event) {
    std::size_t count = 0;
    const rd_kafka_topic_result_t** results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
    if (rd_kafka_event_error(event)) problem = rd_kafka_event_error_string(event);
    if (problem.empty() && (count != 1 || rd_kafka_topic_result_error(results[0])))
      problem = rd_kafka_err2str(rd_kafka_topic_result_error(results[0]));
    rd_kafka_event_destroy(event);
  }
  rd_kafka_queue_destroy(queue);
  rd_kafka_NewTopic_destroy(topic);
  if (!problem.empty()) throw std::runtime_error(fmt::format("topic {}: {}", name, problem));
  const auto deadline = Clock::now() + std::chrono::seconds(20);
  while (!has_leaders(admin.get(), name, partitions)) {
    if (Clock::now() > deadline) throw std::runtime_error(fmt::format("topic {} has no leaders", name));
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

std::string new_name(std::string_view prefix) {
  static std::atomic<int> count = 0;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return fmt::format("{}-{}-{}-{}", prefix, std::chrono::duration_cast<std::chrono::milliseconds>(now).count(), ::getpid(),
                     count++);
}

void produce(rd_kafka_t* producer, const std::string& topic, int partition, std::string_view value) {
  rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
  do {
    // The cast only satisfies the C signature: with F_COPY the library reads the value at once.
    code = rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_PARTITION(partition),
                             RD_KAFKA_V_VALUE(const_cast<char*>(value.data()), value.size()),
                             RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
    rd_kafka_poll(producer, code == RD_KAFKA_RESP_ERR__QUEUE_FULL ? 100 : 0);
  } while (code == RD_KAFKA_RESP_ERR__QUEUE_FULL);
  require(code, "produce");
}

std::vector<Record> read_all(const std::string& topic, int partitions, const Settings& settings) {
  Settings all = settings;
  all["group.id"] = "reader";
  all["enable.auto.commit"] = "false";
  all["enable.partition.eof"] = "true";
  all["fetch.wait.max.ms"] = "50";
  const Handle consumer = make_client(RD_KAFKA_CONSUMER, all);
  rd_kafka_poll_set_consumer(consumer.get());
  const List list = list_of(topic, partitions, 0);
  for (int partition = 0; partition < partitions; ++partition) {  // OFFSET_BEGINNING would wait half a second before it asks
    std::int64_t last = 0;
    require(
        rd_kafka_query_watermark_offsets(consumer.get(), topic.c_str(), partition, &list->elems[partition].offset, &last, 20000),
        "first offset");
  }
  require(rd_kafka_assign(consumer.get(), list.get()), "assign");
  std::vector<std::vector<Record>> by_partition(static_cast<std::size_t>(partitions));
  std::vector<bool> ended(static_cast<std::size_t>(partitions));
  int open = partitions;
  const auto deadline = Clock::now() + std::chrono::seconds(30);
  while (open > 0) {
    if (Clock::now() > deadline)
      throw std::runtime_error(fmt::format("the end of {} partitions of {} is not reached", open, topic));
    rd_kafka_message_t* message = rd_kafka_consumer_poll(consumer.get(), 100);
    if (!message) continue;
    const auto partition = static_cast<std::size_t>(message->partition);
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      by_partition[partition].push_back(
          {message->partition, message->offset, bytes(message->key, message->key_len), bytes(message->payload, message->len)});
    } else if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF && !ended[partition]) {
      ended[partition] = true;
      --open;
    }
    rd_kafka_message_destroy(message);
  }
  rd_kafka_consumer_close(consumer.get());
  std::vector<Record> records;
  for (std::vector<Record>& part : by_partition) std::move(part.begin(), part.end(), std::back_inserter(records));
  return records;
}

std::vector<std::int64_t> committed(const std::string& group, const std::string& topic, int partitions, Settings settings) {
  settings["group.id"] = group;
  return committed(make_client(RD_KAFKA_CONSUMER, settings).get(), topic, partitions);
}

std::vector<std::int64_t> committed(rd_kafka_t* consumer, const std::string& topic, int partitions) {
  const List list = list_of(topic, partitions, RD_KAFKA_OFFSET_INVALID);
  require(rd_kafka_committed(consumer, list.get(), 20000), "committed");
  std::vector<std::int64_t> offsets;
  for (int i = 0; i < partitions; ++i) offsets.push_back(list->elems[i].offset < 0 ? -1 : list->elems[i].offset);
  return offsets;
}

std::string text_of(rd_kafka_error_t* error) {
  if (!error) return {};
  std::string text = fmt::format("{}: {}", rd_kafka_error_name(error), rd_kafka_error_string(error));
  rd_kafka_error_destroy(error);
  return text;
}

}  // namespace piperun::integration
