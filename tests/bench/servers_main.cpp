// Pipelines on real servers against hand-written loops, as ratios within one run:
//   Kafka to Kafka, filter and map: CPU of piperun (at least once) as a multiple of a tuned librdkafka loop; the bar is 2
//   exactly_once against at_least_once, 100 ms commits, into Kafka and into PostgreSQL: throughput; the bar is 0.8
//   Kafka to PostgreSQL, plain inserts: throughput against \copy of ready rows, of a million with starting and ending, and of so many that
//   these no longer count; for those the bar is 0.5
// usage: bench_servers        KAFKA_BOOTSTRAP and POSTGRES_URL name the servers, `piperun` and psql are there
#include <fmt/compile.h>
#include <fmt/format.h>
#include <librdkafka/rdkafka.h>
#include <simdjson.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/bench/measure.h"
#include "tests/integration/kafka_client.h"

namespace {

using namespace piperun::integration;
using piperun::bench::Cost;

constexpr int kRecords = 1'000'000;
constexpr int kMany = 4'000'000;
constexpr int kPairs = 3;

// ---- Input

void fill(const std::string& topic, int records) {
  const Handle producer = make_client(RD_KAFKA_PRODUCER, {{"queue.buffering.max.messages", "1000000"}, {"linger.ms", "50"}});
  for (int i = 0; i < records; ++i) {
    const unsigned hash = static_cast<unsigned>(i) * 2654435761U;
    const std::string value =
        fmt::format(R"({{"auction":{},"bidder":{},"price":{},"channel":"channel-{}","extra":"{:016x}{:016x}"}})",
                    1000 + hash % 5000, 1000 + hash % 90000, hash % 12000, hash % 40, hash, ~hash);
    while (rd_kafka_producev(producer.get(), RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_PARTITION(i % 2),
                             RD_KAFKA_V_VALUE(const_cast<char*>(value.data()), value.size()),
                             RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END) == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
      rd_kafka_poll(producer.get(), 10);
    }
  }
  rd_kafka_flush(producer.get(), 60'000);
}

// ---- The hand-written loop: batches of messages, on-demand parsing, one arena of output, one commit at the end.

struct Assignment {
  explicit Assignment(const std::string& topic) : list(rd_kafka_topic_partition_list_new(2)) {
    for (int partition = 0; partition < 2; ++partition) {
      rd_kafka_topic_partition_list_add(list, topic.c_str(), partition)->offset = RD_KAFKA_OFFSET_BEGINNING;
    }
  }
  ~Assignment() { rd_kafka_topic_partition_list_destroy(list); }
  rd_kafka_topic_partition_list_t* list;
};

// Writes what becomes of one record at `to`; returns its end, or `to` for nothing.
char* transform(simdjson::ondemand::parser& parser, const rd_kafka_message_t& message, char* to) {
  simdjson::ondemand::document document;
  std::uint64_t auction = 0, bidder = 0, price = 0;
  const simdjson::padded_string_view view(static_cast<const char*>(message.payload), message.len, message.len + 64);
  if (parser.iterate(view).get(document) || document.find_field("auction").get(auction) ||
      document.find_field("bidder").get(bidder) || document.find_field("price").get(price) || price <= 2000) {
    return to;
  }
  return fmt::format_to(to, FMT_COMPILE("{{\"auction\":{},\"bidder\":{},\"total\":{}}}"), auction, bidder, price * 3);
}

void loop(const std::string& in, const std::string& out) {
  const Handle consumer = make_client(RD_KAFKA_CONSUMER, {{"group.id", out}, {"enable.auto.commit", "false"}});
  const Handle producer = make_client(RD_KAFKA_PRODUCER, {{"enable.idempotence", "true"},
                                                          {"linger.ms", "50"},
                                                          {"queue.buffering.max.messages", "1000000"},
                                                          {"batch.num.messages", "10000"}});
  rd_kafka_poll_set_consumer(consumer.get());
  const Assignment assignment(in);
  rd_kafka_assign(consumer.get(), assignment.list);
  rd_kafka_queue_t* queue = rd_kafka_queue_get_consumer(consumer.get());
  rd_kafka_topic_t* topic = rd_kafka_topic_new(producer.get(), out.c_str(), nullptr);
  simdjson::ondemand::parser parser;
  std::vector<rd_kafka_message_t*> batch(4000);
  std::vector<rd_kafka_message_t> made;
  std::vector<char> arena(256U << 20);
  char* end = arena.data();
  for (int seen = 0; seen < kRecords;) {
    const auto count = rd_kafka_consume_batch_queue(queue, 100, batch.data(), batch.size());
    made.clear();
    if (end > arena.data() + arena.size() - (8U << 20)) {
      rd_kafka_flush(producer.get(), 60'000);
      end = arena.data();
    }
    for (ssize_t i = 0; i < count; ++i) {
      rd_kafka_message_t* message = batch[static_cast<std::size_t>(i)];
      if (!message->err) {
        ++seen;
        char* const begin = end;
        end = transform(parser, *message, begin);
        if (end != begin) {
          rd_kafka_message_t output{};
          output.payload = begin;
          output.len = static_cast<std::size_t>(end - begin);
          made.push_back(output);
        }
      }
      rd_kafka_message_destroy(message);
    }
    for (std::size_t sent = 0; sent < made.size();) {
      sent += static_cast<std::size_t>(
          rd_kafka_produce_batch(topic, RD_KAFKA_PARTITION_UA, 0, made.data() + sent, static_cast<int>(made.size() - sent)));
      rd_kafka_poll(producer.get(), sent < made.size() ? 5 : 0);
    }
  }
  rd_kafka_flush(producer.get(), 60'000);
  for (int i = 0; i < 2; ++i) assignment.list->elems[i].offset = kRecords / 2;
  rd_kafka_commit(consumer.get(), assignment.list, 0);
  rd_kafka_topic_destroy(topic);
  rd_kafka_queue_destroy(queue);
}

// ---- The pipelines

std::string program(const std::string& id, const char* delivery, const std::string& in, const std::string& sink) {
  return fmt::format(R"(pipeline {} {{
  delivery        = {}
  commit_interval = 100ms
  commit_records  = 100_000
}}
connection bus  = kafka {{ brokers = env("KAFKA_BOOTSTRAP") }}
type Bid {{ auction: int64, bidder: int64, price: int64, channel: string, extra: string }}
source bids: Bid = bus {{ topic = "{}" }}
{}
flow f {{
  from bids
  filter price > 2000
  map {{ auction, bidder, total = price * 3 }}
  to out
}}
)",
                     id, delivery, in, sink);
}

class Bench {
 public:
  Bench(std::string piperun, int records) : piperun_(std::move(piperun)), records_(records), in_(new_name("bench-in")) {
    create_topic(in_, 2);
    fill(in_, records);
  }

  // A new pipeline each time, so that it begins at the beginning.
  Cost into_kafka(const char* delivery) {
    const std::string id = new_id();
    create_topic(id, 2);
    return run(id, delivery, fmt::format("sink out = bus {{ topic = \"{}\" }}", id));
  }
  Cost into_postgres(const char* delivery) {
    const std::string id = new_id();
    sql(kTable);
    return run(id, delivery,
               "connection shop = postgres { url = secret(\"POSTGRES_URL\") }\nsink out = shop { table = \"bench_rows\" }");
  }
  Cost by_hand() {
    const std::string out = new_name("bench-hand");
    create_topic(out, 2);
    return piperun::bench::cost_of([&] {
      loop(in_, out);
      _exit(0);
    });
  }
  // Ready rows of the same content.
  Cost by_copy() {
    const std::string file = in_ + ".csv";
    if (!std::filesystem::exists(file)) {
      std::ofstream rows(file);
      for (int i = 0; i < records_; ++i) {
        const unsigned hash = static_cast<unsigned>(i) * 2654435761U;
        if (hash % 12000 > 2000) rows << 1000 + hash % 5000 << ',' << 1000 + hash % 90000 << ',' << hash % 12000 * 3 << '\n';
      }
    }
    sql(kTable);
    return sql(fmt::format("\\copy public.bench_rows from {} csv", file));
  }

 private:
  static constexpr const char* kTable =
      "drop table if exists public.bench_rows; create table public.bench_rows (auction int8, bidder int8, total int8)";

  static std::string new_id() {
    std::string id = new_name("bench");
    std::ranges::replace(id, '-', '_');  // the name of a pipeline is a name of the language
    return id;
  }
  Cost run(const std::string& id, const char* delivery, const std::string& sink) {
    std::ofstream("bench.pipe") << program(id, delivery, in_, sink);
    return piperun::bench::cost_of_drain(piperun_, "bench.pipe");
  }
  static Cost sql(const std::string& text) {
    return piperun::bench::cost_of([&] {
      execlp("psql", "psql", "-qX", "-v", "ON_ERROR_STOP=1", server("POSTGRES_URL").c_str(), "-c", text.c_str(), nullptr);
      _exit(127);
    });
  }

  std::string piperun_;
  int records_;
  std::string in_;
};

// How often `b` fits into `a`, in pairs A B B A.
template <typename A, typename B, typename Value>
std::string compare(A a, B b, Value value) {
  std::vector<double> ratios;
  for (int i = 0; i < kPairs; ++i) {
    const double a1 = value(a()), b1 = value(b()), b2 = value(b()), a2 = value(a());
    ratios.push_back(a1 / b1);
    ratios.push_back(a2 / b2);
  }
  return piperun::bench::summary(ratios);
}

}  // namespace

int main(int, char** words) {
  const std::string piperun = std::filesystem::absolute(words[0]).parent_path() / "piperun";
  char folder[] = "/tmp/piperun-bench-XXXXXX";
  if (!mkdtemp(folder) || chdir(folder) != 0) return 1;
  Bench bench(piperun, kRecords);
  const auto cpu = [](const Cost& cost) { return cost.cpu; };
  const auto speed = [](const Cost& cost) { return 1 / cost.wall; };  // of equal work
  const auto kafka = [&](const char* delivery) { return [&, delivery] { return bench.into_kafka(delivery); }; };
  const auto postgres = [&](const char* delivery) { return [&, delivery] { return bench.into_postgres(delivery); }; };
  bench.by_hand();  // the broker warms up
  fmt::print("Kafka to Kafka, CPU of piperun / tuned loop: {}, bar 2\n",
             compare(kafka("at_least_once"), [&] { return bench.by_hand(); }, cpu));
  fmt::print("into Kafka, throughput of exactly_once / at_least_once: {}, bar 0.8\n",
             compare(kafka("exactly_once"), kafka("at_least_once"), speed));
  fmt::print("into PostgreSQL, throughput of exactly_once / at_least_once: {}, bar 0.8\n",
             compare(postgres("exactly_once"), postgres("at_least_once"), speed));
  const auto against_copy = [&](Bench& each) {
    return compare([&] { return each.into_postgres("exactly_once"); }, [&] { return each.by_copy(); }, speed);
  };
  fmt::print("Kafka to PostgreSQL, a million from start to end, throughput of exactly_once / \\copy: {}\n", against_copy(bench));
  Bench longer(piperun, kMany);
  fmt::print("the same, {} million: {}, bar 0.5\n", kMany / 1'000'000, against_copy(longer));
  std::filesystem::current_path("/");
  std::filesystem::remove_all(folder);
  return 0;
}
