// Positions of a pipeline that runs on a real broker: a second run over a time of the past, and topics that are not what they were.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <sstream>

#include "tests/integration/kafka_client.h"
#include "tests/integration/pipeline_process.h"
#include "tests/integration/postgres_database.h"

namespace piperun::integration {
namespace {

using ::testing::HasSubstr;

constexpr std::int64_t kNoon = 1'767'268'800'000;  // 2026-01-01T12:00:00Z, milliseconds

class PipelinePositionsTest : public ::testing::Test {
 protected:
  PipelinePositionsTest() : name_(new_name("positions")) {
    std::ranges::replace(name_, '-', '_');
    create_topic(name_, 2, {{"retention.ms", "-1"}});  // of a time long past
    create_topic(name_ + "_out", 1, {{"retention.ms", "-1"}});
    ::setenv("POSITIONS_URL", database_.url().c_str(), 1);
  }
  std::string file(const std::string& sink) const {
    return "pipeline " + name_ +
           " {\n  delivery = exactly_once\n}\n"
           "connection pg = postgres { url = secret(\"POSITIONS_URL\") }\n"
           "connection bus = kafka { brokers = env(\"KAFKA_BOOTSTRAP\") }\n"
           "type Event { n: int64 }\n"
           "source events: Event = bus { topic = \"" +
           name_ + "\" }\nsink rows = " + sink + "\nflow copied {\n  from events\n  to rows\n}\n";
  }
  static std::string assigned_by(const std::string& assignment, std::string file) {
    const std::string brokers = "env(\"KAFKA_BOOTSTRAP\")";
    return file.insert(file.find(brokers) + brokers.size(), ", assignment = " + assignment);
  }
  std::string topic_sink() const { return "bus { topic = \"" + name_ + "_out\" }"; }
  // A record a minute from noon on; in the two partitions by turns, or all in one.
  void put(int from, int to, int partition = -1) const {
    const Handle producer = make_client(RD_KAFKA_PRODUCER);
    for (int i = from; i < to; ++i) {
      const std::string value = "{\"n\":" + std::to_string(i) + "}";
      rd_kafka_producev(producer.get(), RD_KAFKA_V_TOPIC(name_.c_str()), RD_KAFKA_V_PARTITION(partition < 0 ? i & 1 : partition),
                        RD_KAFKA_V_TIMESTAMP(kNoon + i * 60'000), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                        RD_KAFKA_V_VALUE(const_cast<char*>(value.data()), value.size()), RD_KAFKA_V_END);
    }
    if (rd_kafka_flush(producer.get(), 20'000) != RD_KAFKA_RESP_ERR_NO_ERROR) throw std::runtime_error("not all was produced");
  }
  std::vector<int> copied() const {
    std::vector<int> result;
    for (const Record& record : read_all(name_ + "_out", 1)) result.push_back(std::stoi(record.value.substr(5)));
    std::ranges::sort(result);
    return result;
  }
  void add_partition(int partitions) const {
    const Handle client = make_client(RD_KAFKA_PRODUCER);
    std::string error(512, '\0');
    rd_kafka_NewPartitions_t* more =
        rd_kafka_NewPartitions_new(name_.c_str(), static_cast<std::size_t>(partitions), error.data(), error.size());
    rd_kafka_queue_t* queue = rd_kafka_queue_new(client.get());
    rd_kafka_CreatePartitions(client.get(), &more, 1, nullptr, queue);
    rd_kafka_event_destroy(rd_kafka_queue_poll(queue, 20'000));
    rd_kafka_queue_destroy(queue);
    rd_kafka_NewPartitions_destroy(more);
    if (!wait_until([&] { return has_leaders(client.get(), name_, partitions); }))
      throw std::runtime_error("no partition was added");
  }
  void make_anew(int partitions) const {
    const Handle client = make_client(RD_KAFKA_PRODUCER);
    rd_kafka_DeleteTopic_t* topic = rd_kafka_DeleteTopic_new(name_.c_str());
    rd_kafka_queue_t* queue = rd_kafka_queue_new(client.get());
    rd_kafka_DeleteTopics(client.get(), &topic, 1, nullptr, queue);
    rd_kafka_event_destroy(rd_kafka_queue_poll(queue, 20'000));
    rd_kafka_queue_destroy(queue);
    rd_kafka_DeleteTopic_destroy(topic);
    const auto is_made = [&] {
      try {
        create_topic(name_, partitions, {{"retention.ms", "-1"}});
        return true;
      } catch (const std::exception&) {  // the old one is not gone yet
        return false;
      }
    };
    if (!wait_until(is_made)) throw std::runtime_error("the topic cannot be made anew");
  }

  TestDatabase database_;
  std::string name_;
};

TEST_F(PipelinePositionsTest, ASecondRunOverATimeEndsByItselfAndLeavesTheFirstAlone) {
  const PipelineFolder folder(file(topic_sink()));
  put(0, 20);
  PipelineProcess live(folder, {"test.pipe", "--drain"});
  ASSERT_EQ(live.wait(), 0) << live.log();
  const auto positions = committed(name_ + ".bus.bus", name_, 2);
  PipelineProcess past(
      folder, {"test.pipe", "--as", name_ + "_past", "--from", "2026-01-01T12:05:00Z", "--until", "2026-01-01T12:09:00Z"});
  ASSERT_EQ(past.wait(), 0) << past.log();
  std::vector<int> wanted;
  for (int i = 0; i < 20; ++i) wanted.insert(wanted.end(), i >= 5 && i < 9 ? 2 : 1, i);
  EXPECT_EQ(copied(), wanted) << past.log();
  EXPECT_EQ(committed(name_ + ".bus.bus", name_, 2), positions);
  put(20, 22);
  PipelineProcess again(folder, {"test.pipe", "--drain"});
  ASSERT_EQ(again.wait(), 0) << again.log();
  EXPECT_EQ(copied().size(), 26u);
}

TEST_F(PipelinePositionsTest, ARangeNeedsAName) {
  const PipelineFolder folder(file(topic_sink()));
  PipelineProcess unnamed(folder, {"test.pipe", "--from", "2026-01-01T12:05:00Z"});
  EXPECT_EQ(unnamed.wait(), 2);
  EXPECT_THAT(unnamed.log(), HasSubstr("--as NAME"));
}

// Its positions are those of `<pipeline>.<NAME>`: the name of the pipeline itself is a name like any other.
TEST_F(PipelinePositionsTest, ARangeUnderThePipelinesOwnNameLeavesItsPositionsAlone) {
  const PipelineFolder folder(file(topic_sink()));
  put(0, 20);
  PipelineProcess past(folder, {"test.pipe", "--as", name_, "--until", "2026-01-01T12:05:00Z"});
  ASSERT_EQ(past.wait(), 0) << past.log();
  EXPECT_EQ(copied().size(), 5u) << past.log();
  PipelineProcess live(folder, {"test.pipe", "--drain"});
  ASSERT_EQ(live.wait(), 0) << live.log();
  EXPECT_EQ(copied().size(), 25u) << live.log();
}

// What comes behind its end with an older time, be it in a partition that was not there, is read by the run that follows, and by no
// other: not even by the historical run when it is started again.
TEST_F(PipelinePositionsTest, WhoFollowsAHistoricalRunReadsAllThatItDidNot) {
  for (const bool is_database : {false, true}) {
    name_ += "x";
    create_topic(name_, 2, {{"retention.ms", "-1"}});
    create_topic(name_ + "_out", 1, {{"retention.ms", "-1"}});
    const PipelineFolder folder(file(is_database ? "pg { table = \"rows\", create = true }" : topic_sink()));
    const auto ids = [&] {
      if (!is_database) return copied();
      std::vector<int> result;
      std::stringstream list(database_.value("SELECT string_agg(n::text, ' ' ORDER BY n) FROM rows"));
      for (int n = 0; list >> n;) result.push_back(n);
      return result;
    };
    const std::vector<std::string> past = {"test.pipe", "--as", "past", "--until", "2026-01-01T12:10:00Z"};
    put(0, 10);
    PipelineProcess history(folder, past);
    ASSERT_EQ(history.wait(), 0) << history.log();
    EXPECT_EQ(ids().size(), 10u) << history.log();
    put(-8, -4);
    PipelineProcess again(folder, past);
    ASSERT_EQ(again.wait(), 0) << again.log();
    EXPECT_THAT(again.log(), HasSubstr("past has ended"));
    EXPECT_EQ(ids().size(), 10u) << again.log();
    put(10, 20);
    add_partition(3);
    put(-4, 0, 2);
    PipelineProcess live(folder, {"test.pipe", "--after", "past", "--drain"});
    ASSERT_EQ(live.wait(), 0) << live.log();
    std::vector<int> wanted(28);
    std::iota(wanted.begin(), wanted.end(), -8);
    EXPECT_EQ(ids(), wanted) << live.log();
    EXPECT_THAT(live.log(), HasSubstr("partition=2"));
  }
}

// Its positions went with the topic, or are those of another one.
TEST_F(PipelinePositionsTest, WhereARunEndedInATopicThatWasMadeAnewIsNoBeginning) {
  for (const bool is_database : {false, true}) {
    name_ += "x";
    create_topic(name_, 2, {{"retention.ms", "-1"}});
    create_topic(name_ + "_out", 1, {{"retention.ms", "-1"}});
    const PipelineFolder folder(file(is_database ? "pg { table = \"rows\", create = true }" : topic_sink()));
    put(0, 20);
    PipelineProcess history(folder, {"test.pipe", "--as", "past", "--until", "2026-01-01T12:10:00Z"});
    ASSERT_EQ(history.wait(), 0) << history.log();
    make_anew(2);
    put(0, 40);
    PipelineProcess live(folder, {"test.pipe", "--after", "past", "--drain"});
    EXPECT_EQ(live.wait(), 3) << live.log();
    EXPECT_THAT(live.log(), HasSubstr("made anew"));
    EXPECT_THAT(live.log(), HasSubstr("P2008"));
    EXPECT_EQ(committed(name_ + (is_database ? ".bus.pg" : ".bus.bus"), name_, 2), (std::vector<std::int64_t>{-1, -1}));
  }
}

TEST_F(PipelinePositionsTest, ADrainIsOverWhenAllPartitionsAreReadWhoeverHasThem) {
  database_.exec("CREATE TABLE rows (n int8)");
  const PipelineFolder folder(file("pg { table = \"rows\" }"));
  const auto rows = [&] { return database_.value("SELECT count(*) || ' ' || count(DISTINCT n) FROM rows"); };
  put(0, 20);
  PipelineProcess live(folder, {"test.pipe", "--state-dir", "one", "--workers", "2"});
  ASSERT_TRUE(wait_until([&] { return rows() == "20 20"; })) << live.log();
  live.kill(SIGSTOP);
  put(20, 400);
  PipelineProcess drain(folder, {"test.pipe", "--state-dir", "two", "--drain"});
  EXPECT_EQ(drain.wait(), 0) << drain.log();
  EXPECT_EQ(rows(), "400 400") << drain.log();
  live.kill(SIGCONT);
  live.kill(SIGTERM);
  EXPECT_EQ(live.wait(), 0) << live.log();
  EXPECT_EQ(rows(), "400 400") << live.log();
}

TEST_F(PipelinePositionsTest, ADrainTellsThatItWaitsForAnOpenTransactionAndReadsWhatItHad) {
  const PipelineFolder folder(file(topic_sink()));
  put(0, 20);
  const Handle other = make_transactional(name_);
  ASSERT_EQ(text_of(rd_kafka_begin_transaction(other.get())), "");
  produce(other.get(), name_, 0, R"({"n":20})");
  ASSERT_EQ(rd_kafka_flush(other.get(), 20'000), RD_KAFKA_RESP_ERR_NO_ERROR);
  PipelineProcess drain(folder, {"test.pipe", "--drain"});
  ASSERT_TRUE(wait_until([&] { return drain.log().contains("waiting for an open transaction in what is read"); })) << drain.log();
  EXPECT_THAT(drain.log(), HasSubstr("topic=" + name_ + " partition=0 at=10 end=11"));
  EXPECT_TRUE(drain.is_running());
  ASSERT_EQ(text_of(rd_kafka_commit_transaction(other.get(), -1)), "");
  EXPECT_EQ(drain.wait(), 0) << drain.log();
  EXPECT_EQ(copied().size(), 21u) << drain.log();
}

// Of three partitions one process has two, so that the fourth goes to the other one; the first, which has seeded all others, is not asked.
TEST_F(PipelinePositionsTest, APartitionThatIsAddedIsReadFromItsBeginningByWhoeverGetsIt) {
  for (const bool is_database : {false, true}) {
    name_ += "x";
    create_topic(name_, 3, {{"retention.ms", "-1"}});
    create_topic(name_ + "_out", 1, {{"retention.ms", "-1"}});
    const PipelineFolder folder(
        assigned_by("cooperative_sticky, properties = { \"topic.metadata.refresh.interval.ms\" = \"1000\" }",
                    file(is_database ? "pg { table = \"rows\", create = true }" : topic_sink())));
    const auto rows = [&] {
      return is_database ? std::stoi(database_.value("SELECT count(*) FROM rows")) : std::ssize(copied());
    };
    for (int partition = 0; partition < 3; ++partition) put(10 * partition, 10 * partition + 10, partition);
    PipelineProcess first(folder, {"test.pipe", "--state-dir", "one"});
    ASSERT_TRUE(wait_until([&] { return first.log().contains("count=3"); })) << first.log();
    PipelineProcess second(folder, {"test.pipe", "--state-dir", "two"});
    ASSERT_TRUE(wait_until([&] { return first.log().contains("count=1") && rows() == 30; })) << first.log();
    add_partition(4);
    put(30, 40, 3);
    EXPECT_TRUE(wait_until([&] { return rows() == 40; })) << first.log();
    for (PipelineProcess* each : {&first, &second}) each->kill(SIGTERM);
    EXPECT_EQ(first.wait(), 0) << first.log();
    EXPECT_EQ(second.wait(), 0) << first.log();
    EXPECT_EQ(rows(), 40);
  }
}

// Its session has not ended, so that the group would give it what it had.
TEST_F(PipelinePositionsTest, WhoComesBackAtOnceReadsWhatWasAddedMeanwhile) {
  for (const std::string assignment : {"range", "cooperative_sticky"}) {
    for (const int signal : {SIGTERM, SIGKILL}) {
      name_ += "x";
      create_topic(name_, 2, {{"retention.ms", "-1"}});
      create_topic(name_ + "_out", 1, {{"retention.ms", "-1"}});
      const PipelineFolder folder(assigned_by(assignment, file(topic_sink())));
      put(0, 20);
      PipelineProcess first(folder, {"test.pipe"});
      ASSERT_TRUE(wait_until([&] { return copied().size() == 20; })) << first.log();
      add_partition(3);
      put(20, 30, 2);
      first.kill(signal);
      const int ended = first.wait();  // 0, too, of what was killed and waited for
      EXPECT_EQ(ended, 0) << first.log();
      PipelineProcess second(folder, {"test.pipe", "--drain"});
      EXPECT_EQ(second.wait(std::chrono::seconds(40)), 0) << second.log();
      EXPECT_EQ(copied().size(), 30u) << second.log();
    }
  }
}

// It has more records than were read of the one before: no offset is out of range.
TEST_F(PipelinePositionsTest, ATopicThatWasMadeAnewStopsThePipelineWhereverPositionsLie) {
  for (const bool is_database : {false, true}) {
    name_ += "x";
    create_topic(name_, 2, {{"retention.ms", "-1"}});  // of a time long past
    create_topic(name_ + "_out", 1, {{"retention.ms", "-1"}});
    const std::string sink = is_database ? "pg { table = \"rows\", create = true }" : topic_sink();
    const PipelineFolder folder(file(sink));
    put(0, 10);
    PipelineProcess first(folder, {"test.pipe", "--drain"});
    ASSERT_EQ(first.wait(), 0) << first.log();
    make_anew(2);
    put(0, 40);
    PipelineProcess second(folder, {"test.pipe", "--drain"});
    EXPECT_EQ(second.wait(), 3) << second.log();
    EXPECT_THAT(second.log(), HasSubstr("made anew"));
    EXPECT_THAT(second.log(), HasSubstr("P2008"));
    if (is_database) EXPECT_EQ(database_.value("SELECT count(*) FROM rows"), "10");
    else EXPECT_EQ(copied().size(), 10u);
  }
}

}  // namespace
}  // namespace piperun::integration
