// The world around a pipeline under test, through librdkafka alone: it writes the input, and reads what a reader of the output sees.
//   peer topic NAME PARTITIONS           makes a topic
//   peer produce TOPIC                   lines `key<tab>value` of stdin, each once; ends when all are acknowledged
//   peer follow TOPIC PARTITIONS         what a read_committed reader sees, as it comes: partition, offset, value; until it is killed
//   peer read TOPIC PARTITIONS           the same from the beginning to the end as it is now
//   peer committed GROUP TOPIC PARTITIONS  per partition: committed offset, end of the partition
//   peer hold TOPIC PARTITIONS SECONDS   a transaction that stays open: a record in each partition, and then it is left to its timeout
//   peer naive GROUP FROM TO             the consumer loop of beginners: automatic commits, a producer that is not told of them
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <iostream>
#include <stdexcept>
#include <thread>

#include "tests/integration/kafka_client.h"

namespace {

using namespace piperun::integration;

const Settings kAlways = {{"reconnect.backoff.max.ms", "500"}, {"log_level", "0"}};

Settings with(Settings settings) {
  settings.insert(kAlways.begin(), kAlways.end());
  return settings;
}

void append(rd_kafka_t* producer, const std::string& topic, std::string_view key, std::string_view value) {
  for (;;) {
    // The casts only satisfy the C signature: with F_COPY the library reads both at once.
    const rd_kafka_resp_err_t code =
        rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_KEY(const_cast<char*>(key.data()), key.size()),
                          RD_KAFKA_V_VALUE(const_cast<char*>(value.data()), value.size()),
                          RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
    rd_kafka_poll(producer, code == RD_KAFKA_RESP_ERR__QUEUE_FULL ? 100 : 0);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return;
    if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL) throw std::runtime_error(rd_kafka_err2str(code));
  }
}

int produce_lines(const std::string& topic) {
  const Handle producer = make_client(
      RD_KAFKA_PRODUCER,
      with({{"enable.idempotence", "true"}, {"message.timeout.ms", "0"}, {"linger.ms", "2"}, {"partitioner", "murmur2_random"}}));
  for (std::string line; std::getline(std::cin, line);) {
    const std::size_t tab = line.find('\t');
    if (tab == std::string::npos) throw std::runtime_error("a line without a tab");
    append(producer.get(), topic, std::string_view(line).substr(0, tab), std::string_view(line).substr(tab + 1));
  }
  return rd_kafka_flush(producer.get(), 60000) == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 : 1;
}

void check(rd_kafka_error_t* error) {
  if (!error) return;
  const std::string words = rd_kafka_error_string(error);
  rd_kafka_error_destroy(error);
  throw std::runtime_error(words);
}

// As an owner that is paused within a batch. Prints `held` when the records are in the log, and waits until it is killed.
[[noreturn]] void hold(const std::string& topic, int partitions, int seconds) {
  const Handle producer =
      make_client(RD_KAFKA_PRODUCER,
                  with({{"transactional.id", "held_" + topic}, {"transaction.timeout.ms", std::to_string(1000 * seconds)}}));
  check(rd_kafka_init_transactions(producer.get(), 30000));
  check(rd_kafka_begin_transaction(producer.get()));
  std::string text = "held";
  for (int i = 0; i < partitions; ++i) {
    const rd_kafka_resp_err_t code = rd_kafka_producev(
        producer.get(), RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_PARTITION(i), RD_KAFKA_V_KEY(text.data(), text.size()),
        RD_KAFKA_V_VALUE(text.data(), text.size()), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) throw std::runtime_error(rd_kafka_err2str(code));
  }
  if (const auto code = rd_kafka_flush(producer.get(), 30000); code != RD_KAFKA_RESP_ERR_NO_ERROR)
    throw std::runtime_error(rd_kafka_err2str(code));
  fmt::print("held\n");
  std::fflush(stdout);
  for (;;) std::this_thread::sleep_for(std::chrono::seconds(1));
}

void print(int partition, std::int64_t offset, std::string_view value) { fmt::print("{}\t{}\t{}\n", partition, offset, value); }

[[noreturn]] void follow(const std::string& topic, int partitions) {
  const Handle consumer = make_client(RD_KAFKA_CONSUMER, with({{"group.id", "follower"},
                                                               {"enable.auto.commit", "false"},
                                                               {"auto.offset.reset", "earliest"},
                                                               {"isolation.level", "read_committed"},
                                                               {"fetch.wait.max.ms", "20"}}));
  rd_kafka_topic_partition_list_t* all = rd_kafka_topic_partition_list_new(partitions);
  for (int i = 0; i < partitions; ++i) rd_kafka_topic_partition_list_add(all, topic.c_str(), i)->offset = 0;
  rd_kafka_assign(consumer.get(), all);
  rd_kafka_topic_partition_list_destroy(all);
  for (;;) {
    rd_kafka_message_t* message = rd_kafka_consumer_poll(consumer.get(), 100);
    if (!message) {
      std::fflush(stdout);
      continue;
    }
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
      print(message->partition, message->offset, {static_cast<const char*>(message->payload), message->len});
    rd_kafka_message_destroy(message);
    std::fflush(stdout);
  }
}

int read_topic(const std::string& topic, int partitions) {
  for (const Record& record : read_all(topic, partitions, with({{"isolation.level", "read_committed"}})))
    print(record.partition, record.offset, record.value);
  return 0;
}

int show_committed(const std::string& group, const std::string& topic, int partitions) {
  const std::vector<std::int64_t> offsets = committed(group, topic, partitions, {{"isolation.level", "read_uncommitted"}});
  const Handle client = make_client(RD_KAFKA_CONSUMER, with({{"group.id", "positions"}}));
  for (int i = 0; i < partitions; ++i) {
    std::int64_t begin = 0, end = 0;
    const rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(client.get(), topic.c_str(), i, &begin, &end, 20000);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) throw std::runtime_error(rd_kafka_err2str(code));
    fmt::print("{}\t{}\t{}\n", i, offsets[static_cast<std::size_t>(i)], end);
  }
  return 0;
}

[[noreturn]] void run_naive_loop(const std::string& group, const std::string& from, const std::string& to) {
  const Handle consumer = make_client(RD_KAFKA_CONSUMER, with({{"group.id", group},
                                                               {"auto.offset.reset", "earliest"},
                                                               {"auto.commit.interval.ms", "500"},
                                                               {"group.instance.id", "naive"},
                                                               {"session.timeout.ms", "6000"},
                                                               {"heartbeat.interval.ms", "1000"}}));
  const Handle producer = make_client(RD_KAFKA_PRODUCER, with({{"linger.ms", "20"}, {"partitioner", "murmur2_random"}}));
  rd_kafka_topic_partition_list_t* topics = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(topics, from.c_str(), RD_KAFKA_PARTITION_UA);
  rd_kafka_subscribe(consumer.get(), topics);
  rd_kafka_topic_partition_list_destroy(topics);
  for (;;) {
    rd_kafka_message_t* message = rd_kafka_consumer_poll(consumer.get(), 100);
    rd_kafka_poll(producer.get(), 0);
    if (!message) continue;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
      append(producer.get(), to, {static_cast<const char*>(message->key), message->key_len},
             {static_cast<const char*>(message->payload), message->len});
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // its work
    rd_kafka_message_destroy(message);
  }
}

int run(const std::vector<std::string>& words) {
  const std::string& command = words.at(1);
  if (command == "topic") return create_topic(words.at(2), std::stoi(words.at(3))), 0;
  if (command == "produce") return produce_lines(words.at(2));
  if (command == "follow") follow(words.at(2), std::stoi(words.at(3)));
  if (command == "read") return read_topic(words.at(2), std::stoi(words.at(3)));
  if (command == "committed") return show_committed(words.at(2), words.at(3), std::stoi(words.at(4)));
  if (command == "hold") hold(words.at(2), std::stoi(words.at(3)), std::stoi(words.at(4)));
  if (command == "naive") run_naive_loop(words.at(2), words.at(3), words.at(4));
  throw std::runtime_error("no such command: " + command);
}

}  // namespace

int main(int count, char** words) {
  try {
    return run({words, words + count});
  } catch (const std::exception& error) {
    fmt::print(stderr, "peer: {}\n", error.what());
    return 1;
  }
}
