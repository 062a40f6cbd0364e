// A broker that dies while a group reads and a sink writes; a slot with two owners; requests of a transaction that get no answer.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <thread>

#include "runtime/commit/kafka/groups.h"
#include "runtime/commit/kafka/producer.h"
#include "runtime/connectors/kafka/group.h"
#include "runtime/connectors/kafka/kafka_sink.h"
#include "runtime/connectors/kafka/topic_inspector.h"
#include "tests/integration/kafka_client.h"

namespace piperun::kafka {
namespace {

using base::ErrorCode;
using connectors::Group;
using connectors::StartAt;
using Clock = std::chrono::steady_clock;

// A broker of its own: killing that of other tests would disturb them.
class OwnBroker {
 public:
  OwnBroker() : folder_(std::filesystem::temp_directory_path() / fmt::format("kafka-faults-{}", ::getpid())) {
    run("up --no-postgres");
    FILE* pipe = ::popen(command("env").c_str(), "r");
    char line[512];
    while (pipe != nullptr && std::fgets(line, sizeof line, pipe) != nullptr) {
      const std::string_view text = line;
      if (const auto at = text.find("KAFKA_BOOTSTRAP="); at != std::string_view::npos)
        settings.brokers = std::string(text.substr(at + 16, text.find_last_not_of("\n\"'") - at - 15));
    }
    if (pipe != nullptr) ::pclose(pipe);
  }
  ~OwnBroker() { run("down"); }
  void run(const std::string& words) {
    if (std::system((command(words) + " > /dev/null").c_str()) != 0) throw std::runtime_error("servers " + words);
  }

  ClientSettings settings;

 private:
  std::string command(const std::string& words) const {
    return fmt::format("{}/tests/integration/servers {} --dir {}", PIPERUN_SOURCE_DIR, words, folder_.string());
  }
  std::filesystem::path folder_;
};

TEST(Faults, ABrokerThatDiesCostsTheReaderNothing) {
  OwnBroker broker;
  const std::string topic = "restart";
  ASSERT_TRUE(TopicInspector::open(broker.settings)->put(topic, {}, false, 2));
  std::atomic<int> written = 0;
  std::atomic<bool> is_over = false;
  std::jthread writer([&] {
    auto sink = KafkaSink::open(broker.settings, {.name = "out", .topic = topic, .await_limit = 2'000'000}, {});
    ASSERT_TRUE(sink) << sink.error().message;
    while (!is_over) {
      std::vector<std::string> values;
      for (int i = 0; i < 100; ++i) values.push_back(fmt::format("{}", written + i));
      std::vector<connectors::OutputRow> rows(values.size());
      for (std::size_t i = 0; i < rows.size(); ++i) rows[i].message_key = rows[i].encoded = values[i];
      base::Result<void> done;
      do {
        done = (*sink)->write(rows);
        if (done) done = (*sink)->await();
        if (!done) { EXPECT_EQ(done.error().code, ErrorCode::SystemUnavailable) << done.error().message; }
      } while (!done && !is_over);
      if (done) written += 100;
    }
  });
  auto group = KafkaGroup::open(broker.settings, {.group = topic}, {{0, topic}});
  ASSERT_TRUE(group) << group.error().message;
  std::map<commit::PartitionName, std::vector<std::int64_t>> offsets;
  std::map<std::string, int> values;
  std::vector<commit::PartitionName> partitions;
  int losses = 0;
  const auto read = [&](const std::function<bool()>& until, std::chrono::seconds limit) {
    for (const auto begun = Clock::now(); !until() && Clock::now() - begun < limit;) {
      const auto polled = (*group)->poll(50'000, true, 1000, 1 << 20);
      if (!polled) {
        EXPECT_EQ(polled.error().code, ErrorCode::SystemUnavailable) << polled.error().message;
        continue;
      }
      if (polled->change == Group::Change::Assigned) {
        partitions = polled->partitions;
        std::vector<StartAt> starts;
        for (const auto& name : partitions) starts.push_back({name, offsets[name].empty() ? 0 : offsets[name].back() + 1});
        EXPECT_TRUE((*group)->read_from(starts));
      } else if (polled->change != Group::Change::None) {
        ++losses;
        EXPECT_TRUE((*group)->let_go());
      }
      if (!polled->slab) continue;
      for (const record::RawRecord& record : polled->slab->records) {
        offsets[partitions[polled->slab->partition]].push_back(record.offset);
        ++values[std::string(*record.value)];
      }
    }
    return until();
  };
  ASSERT_TRUE(read([&] { return values.size() > 500; }, std::chrono::seconds(20)));
  broker.run("kill kafka");
  read([] { return false; }, std::chrono::seconds(5));
  broker.run("start kafka");
  const auto restarted = Clock::now();
  const std::size_t before = values.size();
  ASSERT_TRUE(read([&] { return values.size() > before + 500; }, std::chrono::seconds(60)));
  fmt::print("reads and writes again {:.1f} s after the broker answers; assignments taken away: {}\n",
             std::chrono::duration<double>(Clock::now() - restarted).count(), losses);
  is_over = true;
  writer.join();
  ASSERT_TRUE(read([&] { return static_cast<int>(values.size()) >= written; }, std::chrono::seconds(30)));
  for (int i = 0; i < written; ++i) EXPECT_GE(values[fmt::format("{}", i)], 1) << i;
  for (const auto& [name, list] : offsets) {
    for (std::size_t i = 0; i < list.size(); ++i) ASSERT_EQ(list[i], static_cast<std::int64_t>(i)) << name.number;
  }
  (*group)->close();
}

TEST(Faults, ASlotWithTwoOwnersIsTold) {
  ClientSettings client;
  client.brokers = integration::server("KAFKA_BOOTSTRAP");
  const std::string topic = integration::new_name("slot");
  integration::create_topic(topic, 1);
  const ConsumerSettings settings{.group = topic, .instance = "slot-0"};
  auto first = KafkaGroup::open(client, settings, {{0, topic}});
  ASSERT_TRUE(first);
  const auto joined = [](KafkaGroup& group) {
    for (const auto begun = Clock::now(); Clock::now() - begun < std::chrono::seconds(20);) {
      const auto polled = group.poll(50'000, true, 10, 1 << 20);
      if (polled && polled->change == Group::Change::Assigned) return group.read_from({}).has_value();
    }
    return false;
  };
  ASSERT_TRUE(joined(**first));
  auto second = KafkaGroup::open(client, settings, {{0, topic}});
  ASSERT_TRUE(second);
  std::jthread other([&] { EXPECT_TRUE(joined(**second)); });
  base::Result<Group::Polled> polled;
  for (const auto begun = Clock::now(); polled && Clock::now() - begun < std::chrono::seconds(20);)
    polled = (*first)->poll(50'000, true, 10, 1 << 20);
  ASSERT_FALSE(polled);
  EXPECT_EQ(polled.error().code, ErrorCode::LostOwnership) << polled.error().message;
  EXPECT_FALSE((*first)->consumer().membership());
}

class MockTransactions : public testing::Test {
 protected:
  MockTransactions() {
    ClientSettings client;
    client.properties["test.mock.num.brokers"] = "1";
    auto opened = Producer::open(client, {.transactional_id = "t"});
    if (!opened) throw std::runtime_error(opened.error().message);
    producer_ = std::move(*opened);
    mock_ = rd_kafka_handle_mock_cluster(producer_->handle());
    rd_kafka_mock_topic_create(mock_, "out", 1, 1);
    if (!producer_->init_transactions(30'000'000)) throw std::runtime_error("init_transactions");
  }
  Outcome<void> transaction() {
    if (auto begun = producer_->begin(); !begun) return begun;
    EXPECT_TRUE(producer_->produce(*producer_->topic("out"), {.value = "x"}));
    return producer_->commit();
  }

  std::unique_ptr<Producer> producer_;
  rd_kafka_mock_cluster_t* mock_ = nullptr;
};

TEST_F(MockTransactions, AreCleanWhenAllIsAnswered) {
  ASSERT_TRUE(transaction());
  EXPECT_FALSE(producer_->is_tainted());
}

// The commit is said to have succeeded; the first request may still be on its way (KAFKA-17754).
TEST_F(MockTransactions, AreTaintedByARequestWithoutAnswer) {
  constexpr std::int16_t kAddPartitionsToTxn = 24, kEndTxn = 26;
  for (const std::int16_t key : {kEndTxn, kAddPartitionsToTxn}) {
    rd_kafka_mock_push_request_errors(mock_, key, 1, RD_KAFKA_RESP_ERR__TRANSPORT);
    const auto done = transaction();
    EXPECT_TRUE(done) << done.error().error.message;
    EXPECT_TRUE(producer_->is_tainted()) << key;
    ClientState::of(producer_->handle()).tainted = false;
  }
}

TEST_F(MockTransactions, AnErrorThatIsAnsweredDoesNotTaint) {
  constexpr std::int16_t kEndTxn = 26;
  rd_kafka_mock_push_request_errors(mock_, kEndTxn, 1, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS);
  const auto done = transaction();
  EXPECT_TRUE(done) << done.error().error.message;
  EXPECT_FALSE(producer_->is_tainted());
}

TEST_F(MockTransactions, AFatalAnswerAsksForRecovery) {
  constexpr std::int16_t kEndTxn = 26;
  rd_kafka_mock_push_request_errors(mock_, kEndTxn, 1, RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
  const auto done = transaction();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, Fault::Kind::Recover) << done.error().error.message;
  EXPECT_EQ(done.error().error.code, ErrorCode::CannotOpen);
}

}  // namespace
}  // namespace piperun::kafka
