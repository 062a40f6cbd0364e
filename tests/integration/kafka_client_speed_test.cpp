// What reading through a group costs over a tuned loop on the client alone: processor time for a million small records.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>

#include "runtime/connectors/kafka/group.h"
#include "tests/integration/kafka_client.h"

namespace piperun::kafka {
namespace {

constexpr int kRecords = 1'000'000;
constexpr int kPartitions = 4;

double processor_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

struct Cost {
  double processor = 0, wall = 0;
  std::size_t sum = 0;
};

template <typename Read>
Cost cost_of(Read read) {
  Cost cost;
  const auto begun = std::chrono::steady_clock::now();
  const double before = processor_seconds();
  cost.sum = read();
  cost.processor = processor_seconds() - before;
  cost.wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  return cost;
}

std::size_t read_tuned(const std::string& topic) {
  const auto consumer = integration::make_client(RD_KAFKA_CONSUMER, {{"group.id", topic + "-tuned"},
                                                                     {"enable.auto.commit", "false"},
                                                                     {"fetch.message.max.bytes", "4194304"},
                                                                     {"check.crcs", "true"}});
  rd_kafka_poll_set_consumer(consumer.get());
  rd_kafka_topic_partition_list_t* list = rd_kafka_topic_partition_list_new(kPartitions);
  for (int i = 0; i < kPartitions; ++i) rd_kafka_topic_partition_list_add(list, topic.c_str(), i)->offset = 0;
  rd_kafka_assign(consumer.get(), list);
  rd_kafka_topic_partition_list_destroy(list);
  rd_kafka_queue_t* queue = rd_kafka_queue_get_consumer(consumer.get());
  std::vector<rd_kafka_message_t*> batch(4000);
  std::size_t sum = 0;
  for (int got = 0; got < kRecords;) {
    const ssize_t count = rd_kafka_consume_batch_queue(queue, 100, batch.data(), batch.size());
    for (ssize_t i = 0; i < count; ++i) {
      rd_kafka_message_t* message = batch[static_cast<std::size_t>(i)];
      if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        ++got;
        sum += message->len + static_cast<unsigned char>(*static_cast<const char*>(message->payload));
      }
      rd_kafka_message_destroy(message);
    }
  }
  rd_kafka_queue_destroy(queue);
  return sum;
}

std::size_t read_group(const std::string& topic) {
  ClientSettings client;
  client.brokers = integration::server("KAFKA_BOOTSTRAP");
  auto group = KafkaGroup::open(client, {.group = topic + "-group"}, {{0, topic}});
  if (!group) throw std::runtime_error(group.error().message);
  std::size_t sum = 0;
  for (int got = 0; got < kRecords;) {
    auto polled = (*group)->poll(100'000, true, 1000, 1 << 20);
    if (!polled) throw std::runtime_error(polled.error().message);
    if (polled->change == connectors::Group::Change::Assigned) {
      std::vector<connectors::StartAt> starts;
      for (const auto& name : polled->partitions) starts.push_back({name, 0});
      if (!(*group)->read_from(starts)) throw std::runtime_error("read_from");
    }
    if (!polled->slab) continue;
    for (const record::RawRecord& record : polled->slab->records) {
      ++got;
      sum += record.value->size() + static_cast<unsigned char>(record.value->front());
    }
  }
  return sum;
}

TEST(KafkaGroupSpeed, IsNearATunedLoop) {
  const std::string topic = integration::new_name("speed-test");
  integration::create_topic(topic, kPartitions);
  {
    const auto producer =
        integration::make_client(RD_KAFKA_PRODUCER, {{"linger.ms", "20"}, {"queue.buffering.max.messages", "1000000"}});
    for (int i = 0; i < kRecords; ++i) {
      integration::produce(
          producer.get(), topic, (i / 100) % kPartitions,
          fmt::format(R"({{"auction":{},"bidder":{},"price":{},"dateTime":1700000000000,"extra":"abcdefghijklmnop"}})", i, i * 7,
                      i % 1000));
      if (i % 10'000 == 0) rd_kafka_flush(producer.get(), 30'000);
    }
    ASSERT_EQ(rd_kafka_flush(producer.get(), 60'000), RD_KAFKA_RESP_ERR_NO_ERROR);
  }
  std::vector<double> ratios;
  for (int round = 0; round < 3; ++round) {
    const Cost tuned = cost_of([&] { return read_tuned(topic); });
    const Cost group = cost_of([&] { return read_group(topic); });
    EXPECT_EQ(tuned.sum, group.sum);
    ratios.push_back(group.processor / tuned.processor);
    fmt::print("tuned loop: {:.0f} records/s, {:.2f} s of processor; group: {:.0f} records/s, {:.2f} s; ratio {:.2f}\n",
               kRecords / tuned.wall, tuned.processor, kRecords / group.wall, group.processor, ratios.back());
  }
  std::ranges::sort(ratios);
  EXPECT_LT(ratios[1], 2.0);
}

}  // namespace
}  // namespace piperun::kafka
