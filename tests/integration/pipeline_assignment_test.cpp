// Processes that come and go while others work: who keeps partitions goes on with them, and each record has its effect once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <ctime>
#include <map>
#include <numeric>
#include <thread>

#include "tests/integration/kafka_client.h"
#include "tests/integration/pipeline_process.h"
#include "tests/integration/postgres_database.h"

namespace piperun::integration {
namespace {

using ::testing::HasSubstr;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kPartitions = 6;

class PipelineAssignmentTest : public ::testing::Test {
 protected:
  PipelineAssignmentTest() {
    rename();
    ::setenv("ASSIGNMENT_URL", database_.url().c_str(), 1);
    database_.exec("CREATE TABLE rows (n int8)");
  }
  ~PipelineAssignmentTest() override { stop_feeding(); }

  // A pipeline and topics of its own.
  void rename() {
    name_ = new_name("assignment");
    std::ranges::replace(name_, '-', '_');
    create_topic(name_, kPartitions);
    create_topic(name_ + "_out", 1);
    watcher_ = make_client(RD_KAFKA_CONSUMER, {{"group.id", name_ + ".bus.bus"}, {"isolation.level", "read_uncommitted"}});
  }

  // `assignment` and what else the connection has.
  std::string file(const std::string& assignment, bool is_database, const std::string& delivery = "exactly_once",
                   const std::string& more = "") const {
    return "pipeline " + name_ + " {\n  delivery = " + delivery +
           "\n  commit_records = 20\n  commit_interval = 20ms\n}\n"
           "connection pg = postgres { url = secret(\"ASSIGNMENT_URL\") }\n"
           "connection bus = kafka { brokers = env(\"KAFKA_BOOTSTRAP\"), assignment = " +
           assignment +
           " }\n"
           "type Event { n: int64 }\n"
           "source events: Event = bus { topic = \"" +
           name_ + "\"" + more +
           " }\nsink rows = " + (is_database ? std::string("pg { table = \"rows\" }") : "bus { topic = \"" + name_ + "_out\" }") +
           "\nflow copied {\n  from events\n  to rows\n}\n";
  }

  // A record for each partition, over and over.
  void feed() {
    feeder_ = std::jthread([this](const std::stop_token& stop) {
      const Handle producer = make_client(RD_KAFKA_PRODUCER, {{"linger.ms", "0"}});
      while (!stop.stop_requested()) {
        for (int i = 0; i < kPartitions; ++i) produce(producer.get(), name_, i, "{\"n\":" + std::to_string(written_++) + "}");
        rd_kafka_flush(producer.get(), 20'000);
        std::this_thread::sleep_for(milliseconds(5));
      }
    });
  }
  void stop_feeding() {
    feeder_.request_stop();
    if (feeder_.joinable()) feeder_.join();
  }

  // Next offsets; what was not begun is -1.
  std::vector<std::int64_t> positions(bool is_database) {
    if (!is_database) return committed(watcher_.get(), name_, kPartitions);
    std::vector<std::int64_t> result(kPartitions, -1);
    if (database_.value("SELECT to_regclass('piperun.offsets') IS NULL") == "t") return result;
    for (int i = 0; i < kPartitions; ++i) {
      const std::string found = database_.value("SELECT coalesce(max(next_offset), -1) FROM piperun.offsets WHERE topic = '" +
                                                name_ + "' AND partition = " + std::to_string(i));
      result[static_cast<std::size_t>(i)] = std::stoll(found);
    }
    return result;
  }
  bool all_move(bool is_database, seconds deadline = seconds(40)) {
    const auto before = positions(is_database);
    return wait_until(
        [&] {
          const auto now = positions(is_database);
          return std::ranges::equal(now, before, [](std::int64_t a, std::int64_t b) { return a > b && a > 0; });
        },
        deadline);
  }
  // Per partition the longest time in which its position did not move, while `doing` goes on.
  std::vector<milliseconds> standstills(bool is_database, const std::function<bool()>& doing, seconds deadline) {
    std::vector<milliseconds> longest(kPartitions, milliseconds(0));
    std::vector<Clock::time_point> since(kPartitions, Clock::now());
    auto last = positions(is_database);
    const auto until = Clock::now() + deadline;
    while (doing() && Clock::now() < until) {
      const auto now = positions(is_database);
      for (std::size_t i = 0; i < kPartitions; ++i) {
        const auto stood = std::chrono::duration_cast<milliseconds>(Clock::now() - since[i]);
        longest[i] = std::max(longest[i], stood);
        if (now[i] != last[i]) since[i] = Clock::now();
      }
      last = now;
      std::this_thread::sleep_for(milliseconds(10));
    }
    return longest;
  }
  // Each record once, in a last run that reads the rest.
  void expect_each_once(const PipelineFolder& folder, bool is_database) {
    stop_feeding();
    PipelineProcess drain(folder, {"test.pipe", "--drain", "--state-dir", "last"});
    EXPECT_EQ(drain.wait(), 0) << drain.log();
    std::map<std::int64_t, int> times;
    if (is_database) {
      EXPECT_EQ(database_.value("SELECT count(*) || ' ' || count(DISTINCT n) FROM rows"),
                std::to_string(written_) + " " + std::to_string(written_));
      return;
    }
    for (const Record& record : read_all(name_ + "_out", 1)) ++times[std::stoll(record.value.substr(5))];
    EXPECT_EQ(std::ssize(times), written_);
    EXPECT_EQ(std::ranges::count_if(times, [](const auto& each) { return each.second != 1; }), 0);
  }
  // Its transaction would hold the rows of the unit's ledger against all others, until the server ends it.
  void pause_outside_of_transactions(PipelineProcess& process) {
    const std::string open =
        "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'piperun " +
        std::to_string(process.id()) + "@%' AND state <> 'idle'";
    for (process.kill(SIGSTOP); database_.value(open) == "t"; process.kill(SIGSTOP)) {
      process.kill(SIGCONT);
      std::this_thread::sleep_for(milliseconds(5));
    }
  }
  // Where a commit without a transaction is in the air as the group comes to its next generation, librdkafka calls that the loss of all
  // (its issue 4059), not the revocation of some.
  static bool has_given_away(const std::string& log) {
    return log.contains("partitions revoked") || log.contains("partitions lost");
  }

  TestDatabase database_;
  std::string name_;
  Handle watcher_;  // of what the group has committed
  std::atomic<std::int64_t> written_ = 0;
  std::jthread feeder_;
};

// Of three members one is paused, so that a group whose newcomer waits for all comes to rest only when the session of that one ends:
// after 20 s.
TEST_F(PipelineAssignmentTest, WhatAProcessKeepsGoesOnWhileOthersComeAndOneIsSilent) {
  for (const bool is_database : {false, true}) {
    written_ = 0;
    const PipelineFolder folder(file("cooperative_sticky, properties = { \"session.timeout.ms\" = \"20000\" }", is_database));
    feed();
    PipelineProcess first(folder, {"test.pipe", "--state-dir", "one"});
    ASSERT_TRUE(wait_until([&] { return folder.read("log").find("count=6") != std::string::npos; })) << first.log();
    PipelineProcess second(folder, {"test.pipe", "--state-dir", "two"});
    ASSERT_TRUE(wait_until([&] { return has_given_away(folder.read("log")); })) << first.log();
    ASSERT_TRUE(all_move(is_database)) << first.log();
    pause_outside_of_transactions(second);
    PipelineProcess third(folder, {"test.pipe", "--state-dir", "three"});
    const auto begun = Clock::now();
    const auto longest = standstills(is_database, [&] { return Clock::now() - begun < seconds(12); }, seconds(12));
    // The session of the second has not ended: three partitions stand still with it, the first goes on with the other three.
    EXPECT_EQ(std::ranges::count_if(longest, [](milliseconds each) { return each < seconds(6); }), 3)
        << ::testing::PrintToString([&] {
             std::vector<std::int64_t> all;
             for (const milliseconds each : longest) all.push_back(each.count());
             return all;
           }())
        << first.log();
    ASSERT_TRUE(all_move(is_database, seconds(60))) << first.log();  // of what the third was given, too
    second.kill(SIGCONT);
    ASSERT_TRUE(all_move(is_database)) << first.log();
    for (PipelineProcess* each : {&first, &second, &third}) each->kill(SIGTERM);
    for (PipelineProcess* each : {&first, &second, &third}) EXPECT_EQ(each->wait(), 0) << each->log();
    expect_each_once(folder, is_database);
    rename();
  }
}

// Each newcomer moves the group through two generations.
TEST_F(PipelineAssignmentTest, EachRecordHasItsEffectOnceWhileProcessesComeAndGo) {
  for (const bool is_database : {false, true}) {
    written_ = 0;
    const PipelineFolder folder(file("cooperative_sticky", is_database));
    feed();
    PipelineProcess first(folder, {"test.pipe", "--state-dir", "one", "--workers", "2"});
    ASSERT_TRUE(all_move(is_database)) << first.log();
    for (int round = 0; round < 3; ++round) {
      const PipelineFolder own(file("cooperative_sticky", is_database));
      PipelineProcess guest(own, {"test.pipe"});
      ASSERT_TRUE(wait_until([&] { return guest.log().contains("count=2"); })) << first.log() << guest.log();
      ASSERT_TRUE(all_move(is_database)) << first.log();
      if (round == 1) {
        guest.kill(SIGKILL);
      } else {
        guest.kill(SIGTERM);
        EXPECT_EQ(guest.wait(), 0) << guest.log();
      }
      ASSERT_TRUE(all_move(is_database)) << first.log();
    }
    first.kill(SIGTERM);
    EXPECT_EQ(first.wait(), 0) << first.log();
    EXPECT_EQ(first.log().find("P2"), std::string::npos) << first.log();
    expect_each_once(folder, is_database);
    rename();
  }
}

TEST_F(PipelineAssignmentTest, AtLeastOnceLosesNothingWhileProcessesComeAndGo) {
  const PipelineFolder folder(file("cooperative_sticky", true, "at_least_once"));
  feed();
  PipelineProcess first(folder, {"test.pipe", "--state-dir", "one"});
  ASSERT_TRUE(wait_until([&] { return database_.value("SELECT count(*) > 100 FROM rows") == "t"; })) << first.log();
  {
    PipelineProcess second(folder, {"test.pipe", "--state-dir", "two"});
    ASSERT_TRUE(wait_until([&] { return has_given_away(folder.read("log")); })) << first.log();
    second.kill(SIGTERM);
    EXPECT_EQ(second.wait(), 0) << second.log();
  }
  stop_feeding();
  EXPECT_TRUE(wait_until([&] { return database_.value("SELECT count(DISTINCT n) FROM rows") == std::to_string(written_); }))
      << first.log();
  first.kill(SIGTERM);
  EXPECT_EQ(first.wait(), 0) << first.log();
}

// The next full second, when it has come: RFC 3339.
std::string at_a_full_second() {
  const std::time_t next = std::time(nullptr) + 1;
  wait_until([&] { return std::time(nullptr) >= next; });
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&next));
  return text;
}

// Members without a partition see it by what the others have committed.
TEST_F(PipelineAssignmentTest, AStopTimeEndsAlsoWhoHasNoPartition) {
  for (const std::string assignment : {"range", "cooperative_sticky"}) {
    const bool is_database = assignment == "range";
    written_ = 0;
    feed();
    ASSERT_TRUE(wait_until([&] { return written_ >= 300; }));
    stop_feeding();
    const std::int64_t before = written_;
    const std::string stop_at = at_a_full_second();
    const PipelineFolder folder(file(assignment, is_database, "exactly_once", ", stop_at = " + stop_at));
    PipelineProcess first(folder, {"test.pipe", "--state-dir", "one", "--workers", "4"});
    PipelineProcess second(folder, {"test.pipe", "--state-dir", "two", "--workers", "4"});
    const auto is_read = [&] {
      const auto now = positions(is_database);
      return std::accumulate(now.begin(), now.end(), std::int64_t{0}) == before;
    };
    EXPECT_TRUE(wait_until(is_read, seconds(40))) << first.log();
    EXPECT_TRUE(first.is_running() && second.is_running()) << "more may come: " << first.log();
    feed();
    ASSERT_TRUE(wait_until([&] { return written_ >= before + 60; }));
    stop_feeding();
    EXPECT_EQ(first.wait(seconds(40)), 0) << first.log();
    EXPECT_EQ(second.wait(seconds(40)), 0) << second.log();
    EXPECT_TRUE(is_read()) << first.log();
    rename();
  }
}

TEST_F(PipelineAssignmentTest, OneGroupHasOneWay) {
  const PipelineFolder folder(file("range", true));
  folder.write("other.pipe", file("cooperative_sticky", true));
  feed();
  PipelineProcess first(folder, {"test.pipe", "--state-dir", "one"});
  ASSERT_TRUE(all_move(true)) << first.log();
  PipelineProcess other(folder, {"other.pipe", "--state-dir", "two"});
  EXPECT_EQ(other.wait(), 3) << other.log();
  EXPECT_THAT(other.log(), HasSubstr("`assignment = cooperative_sticky`"));
  EXPECT_THAT(other.log(), HasSubstr("stop all processes of the pipeline"));
  ASSERT_TRUE(all_move(true)) << first.log();
  // Who has stopped is a member for a while: the way can be changed at once all the same.
  first.kill(SIGTERM);
  EXPECT_EQ(first.wait(), 0) << first.log();
  PipelineProcess changed(folder, {"other.pipe", "--state-dir", "two"});
  ASSERT_TRUE(all_move(true)) << changed.log();
  changed.kill(SIGTERM);
  EXPECT_EQ(changed.wait(), 0) << changed.log();
  folder.write("test.pipe", file("cooperative_sticky", true));
  expect_each_once(folder, true);
}

}  // namespace
}  // namespace piperun::integration
