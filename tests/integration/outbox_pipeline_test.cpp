// Pipelines that read an outbox, run by `piperun` itself on a real broker and a real database: every row once, whatever is killed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/integration/kafka_client.h"
#include "tests/integration/pipeline_process.h"
#include "tests/integration/postgres_database.h"

namespace piperun::integration {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// As new_name, and a name of the language too.
std::string new_word(std::string_view prefix) {
  std::string name = new_name(prefix);
  std::ranges::replace(name, '-', '_');
  return name;
}

class OutboxPipelineTest : public ::testing::Test {
 protected:
  OutboxPipelineTest() : name_(new_word("outbox")) {
    make_events(database_);
    create_topic(name_, 3);
    ::setenv("OUTBOX_URL", database_.url().c_str(), 1);
  }
  static void make_events(const TestDatabase& database) {
    database.exec(
        "CREATE TABLE events (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, number bigint UNIQUE, key bigint, seq bigint, "
        "amount numeric(12, 2))");
  }
  static std::string identity_of(const TestDatabase& database) {
    return database.value("SELECT system_identifier FROM pg_control_system()") + "/" +
           database.value("SELECT oid FROM pg_database WHERE datname = current_database()");
  }
  std::string file(const std::string& delivery, const std::string& sink = "") const {
    return "pipeline " + name_ + " {\n  delivery = " + delivery +
           "\n  commit_records = 20\n  on error { dead_letter = keep, pause = 2s }\n}\n"
           "connection pg = postgres { url = secret(\"OUTBOX_URL\") }\n"
           "connection bus = kafka { brokers = env(\"KAFKA_BOOTSTRAP\") }\n"
           "type Event { key: int64, seq: int64, amount: decimal(12, 2) }\n"
           "source events: Event = pg { outbox = \"events\" }\n"
           "sink out = " +
           (sink.empty() ? "bus { topic = \"" + name_ + "\", key = key }" : sink) +
           "\nflow relayed {\n  from events\n  filter amount > 0.00\n  to out\n}\n";
  }
  void insert(int from, int to) const {
    database_.exec(
        "INSERT INTO events (key, seq, amount) SELECT i % 7, i, CASE WHEN i % 10 = 0 THEN 0 ELSE 1.50 END FROM "
        "generate_series(" +
        std::to_string(from) + ", " + std::to_string(to - 1) + ") i");
  }
  // The numbers `seq`, sorted; each key's must be ascending as they lie in the topic.
  std::vector<int> sent() const {
    std::vector<int> result;
    std::map<std::string, int> last;
    for (const Record& record : records()) {
      const int seq = std::stoi(record.value.substr(record.value.find("\"seq\":") + 6));
      EXPECT_GT(seq, std::exchange(last[record.key], seq)) << "out of order: " << record.key;
      result.push_back(seq);
    }
    std::ranges::sort(result);
    return result;
  }
  // A topic that was just made may not have its leaders yet.
  std::vector<Record> records() const {
    std::vector<Record> found;
    const bool is_read = wait_until([&] {
      try {
        found = read_all(name_, 3);
        return true;
      } catch (const std::exception&) { return false; }
    });
    EXPECT_TRUE(is_read);
    return found;
  }
  static std::vector<int> wanted(int count) {
    std::vector<int> result;
    for (int i = 0; i < count; ++i) {
      if (i % 10 != 0) result.push_back(i);
    }
    return result;
  }
  bool is_empty() const { return database_.value("SELECT count(*) FROM events") == "0"; }

  TestDatabase database_;
  std::string name_;
};

TEST_F(OutboxPipelineTest, EveryGuaranteeSendsEachRowAndEmptiesTheTable) {
  for (const char* delivery : {"exactly_once", "at_least_once", "at_most_once"}) {
    name_ = new_word("outbox");
    create_topic(name_, 3);
    database_.exec("TRUNCATE events; DROP SCHEMA IF EXISTS piperun CASCADE");
    const PipelineFolder folder(file(delivery));
    insert(0, 100);
    PipelineProcess first(folder, {"test.pipe", "--drain"});
    ASSERT_EQ(first.wait(), 0) << delivery << first.log();
    EXPECT_TRUE(is_empty()) << delivery;
    insert(100, 200);
    PipelineProcess second(folder, {"test.pipe", "--drain", "--workers", "2"});
    ASSERT_EQ(second.wait(), 0) << delivery << second.log();
    EXPECT_EQ(sent(), wanted(200)) << delivery << second.log();
    EXPECT_TRUE(is_empty()) << delivery;
    EXPECT_THAT(second.log(), HasSubstr("200")) << "the ledger counts both runs";
  }
}

// What another writer has open before the last rows keeps them from readers of committed records.
TEST_F(OutboxPipelineTest, ADrainEndsWhenReadersAreGivenItsOutput) {
  const PipelineFolder folder(file("exactly_once"));
  insert(0, 100);
  const Handle other = make_transactional(name_ + ".other");
  ASSERT_EQ(rd_kafka_begin_transaction(other.get()), nullptr);
  for (int partition = 0; partition < 3; ++partition) produce(other.get(), name_, partition, "not to be");
  rd_kafka_flush(other.get(), 10'000);
  PipelineProcess process(folder, {"test.pipe", "--drain"});
  ASSERT_TRUE(wait_until([&] { return process.log().find("waiting for an open transaction") != std::string::npos; }))
      << process.log();
  EXPECT_TRUE(process.is_running());
  EXPECT_TRUE(sent().empty());
  ASSERT_EQ(rd_kafka_abort_transaction(other.get(), 10'000), nullptr);
  ASSERT_EQ(process.wait(), 0) << process.log();
  EXPECT_EQ(sent(), wanted(100));
  EXPECT_THAT(process.log(), Not(HasSubstr("not given all yet")));
}

TEST_F(OutboxPipelineTest, NoKillLosesOrRepeatsARow) {
  const PipelineFolder folder(file("exactly_once"));
  int written = 0;
  for (int kill = 0; kill < 8; ++kill) {
    PipelineProcess process(folder, {"test.pipe", "--workers", "2"});
    const std::size_t before = sent().size();
    insert(written, written + 600);
    written += 600;
    ASSERT_TRUE(wait_until([&] { return !process.is_running() || sent().size() > before; })) << process.log();
    ASSERT_TRUE(process.is_running()) << process.log();
    process.kill(SIGKILL);
  }
  // One worker after two: it waits for what the place of the other one still holds.
  PipelineProcess last(folder, {"test.pipe", "--drain"});
  ASSERT_EQ(last.wait(), 0) << last.log();
  EXPECT_EQ(sent(), wanted(written));
  EXPECT_TRUE(is_empty());
}

TEST_F(OutboxPipelineTest, TwoProcessesShareOneRelayAndTheOtherTakesOver) {
  const PipelineFolder folder(file("exactly_once"));
  PipelineProcess first(folder, {"test.pipe", "--state-dir", "one"});
  PipelineProcess second(folder, {"test.pipe", "--state-dir", "two"});
  insert(0, 500);
  ASSERT_TRUE(wait_until([&] { return is_empty(); })) << first.log();
  first.kill(SIGKILL);
  insert(500, 1'000);
  ASSERT_TRUE(wait_until([&] { return sent().size() > 500; })) << second.log();
  second.kill(SIGTERM);
  EXPECT_EQ(second.wait(), 0) << second.log();
  PipelineProcess last(folder, {"test.pipe", "--drain", "--state-dir", "one"});
  ASSERT_EQ(last.wait(), 0) << last.log();
  EXPECT_EQ(sent(), wanted(1'000));
}

// Where the positions lie in the database no consumer group tells processes apart.
TEST_F(OutboxPipelineTest, WithoutATransactionOfTheTopicOneProcessSendsAndTheOtherStandsBy) {
  const PipelineFolder folder(file("at_least_once")), other(file("at_least_once"));
  PipelineProcess first(folder, {"test.pipe", "--state-dir", "one"});
  insert(0, 200);
  ASSERT_TRUE(wait_until([&] { return is_empty(); })) << first.log();
  const auto epoch = [&] { return database_.value("SELECT max(epoch) FROM piperun.offsets"); };
  const std::string before = epoch();
  PipelineProcess second(other, {"test.pipe", "--state-dir", "two"});
  for (int i = 200; i < 600; i += 20) {
    insert(i, i + 20);
    std::this_thread::sleep_for(std::chrono::milliseconds(150));
  }
  ASSERT_TRUE(wait_until([&] { return is_empty(); })) << first.log();
  EXPECT_TRUE(first.is_running()) << first.log();
  EXPECT_TRUE(second.is_running()) << second.log();
  EXPECT_EQ(epoch(), before) << "nobody took anything from anybody";
  EXPECT_EQ(sent(), wanted(600)) << "no row was sent twice";
  PipelineProcess drained(folder, {"test.pipe", "--drain", "--state-dir", "three"});
  EXPECT_EQ(drained.wait(), 0) << "the other one is at work: " << drained.log();
  first.kill(SIGKILL);
  insert(600, 700);
  ASSERT_TRUE(wait_until([&] { return is_empty(); })) << second.log();
  EXPECT_TRUE(second.is_running()) << second.log();
  EXPECT_NE(epoch(), before);
  second.kill(SIGTERM);
  EXPECT_EQ(second.wait(), 0) << second.log();
  const std::vector<int> all = sent();
  EXPECT_EQ(std::set<int>(all.begin(), all.end()).size(), wanted(700).size());
}

TEST_F(OutboxPipelineTest, AProcessThatIsPausedDoesNotKeepTheOthersWaiting) {
  const PipelineFolder folder(file("at_least_once")), other(file("at_least_once"));
  PipelineProcess first(folder, {"test.pipe", "--state-dir", "one"});
  insert(0, 100);
  ASSERT_TRUE(wait_until([&] { return is_empty(); })) << first.log();
  first.kill(SIGSTOP);
  PipelineProcess second(other, {"test.pipe", "--state-dir", "two"});
  insert(100, 200);
  ASSERT_TRUE(wait_until([&] { return is_empty(); }, std::chrono::seconds(40))) << second.log();
  first.kill(SIGCONT);
  insert(200, 300);
  ASSERT_TRUE(wait_until([&] { return is_empty(); })) << second.log();
  EXPECT_TRUE(first.is_running()) << first.log();
  EXPECT_TRUE(second.is_running()) << second.log();
  const std::vector<int> all = sent();
  EXPECT_EQ(std::set<int>(all.begin(), all.end()).size(), wanted(300).size());
}

// A second run beside the first keeps rows as long as it is known, and no longer.
TEST_F(OutboxPipelineTest, WhatARunUnderAnotherIdKeepsGoesWhenItIsForgotten) {
  const PipelineFolder folder(file("exactly_once"));
  insert(0, 50);
  PipelineProcess first(folder, {"test.pipe", "--drain"});
  ASSERT_EQ(first.wait(), 0) << first.log();
  std::string again = file("exactly_once");
  again.replace(again.find(name_), name_.size(), name_ + "_again");
  const PipelineFolder beside(again);
  PipelineProcess second(beside, {"test.pipe", "--drain"});
  ASSERT_EQ(second.wait(), 0) << second.log();
  insert(50, 60);
  PipelineProcess third(folder, {"test.pipe", "--drain"});
  ASSERT_EQ(third.wait(), 0) << third.log();
  EXPECT_EQ(database_.value("SELECT count(*) FROM events"), "10") << "the other one has not sent them";
  PipelineProcess forget(beside, {"offsets", "delete", "test.pipe"});
  ASSERT_EQ(forget.wait(), 0) << forget.log();
  EXPECT_TRUE(is_empty()) << forget.log();
  EXPECT_EQ(database_.value("SELECT count(*) FROM piperun.relays WHERE pipeline LIKE '%_again'"), "0");
}

TEST_F(OutboxPipelineTest, ARunThatBeginsAfterRowsAreGoneSaysSo) {
  for (const char* delivery : {"exactly_once", "at_least_once"}) {
    name_ = new_word("outbox");
    create_topic(name_, 3);
    database_.exec("TRUNCATE events; DROP SCHEMA IF EXISTS piperun CASCADE");
    const PipelineFolder folder(file(delivery));
    const auto drain = [&](std::vector<std::string> words) {
      words.insert(words.begin(), {"test.pipe", "--drain"});
      PipelineProcess process(folder, words);
      ASSERT_EQ(process.wait(), 0) << process.log();
    };
    insert(0, 50);
    drain({});
    EXPECT_THAT(folder.read("log"), Not(HasSubstr("note: "))) << "it has read all of them";
    drain({"--as", "again", "--from", "latest"});
    EXPECT_THAT(folder.read("log"), Not(HasSubstr("note: "))) << "it wants none of them";
    drain({"--as", "history", "--from", "earliest"});
    EXPECT_THAT(folder.read("log"),
                HasSubstr("note: the outbox `events` is emptied by those who read it, and the rows 0 to 49 "));
    const std::string before = folder.read("log");
    drain({"--as", "history", "--from", "earliest"});
    EXPECT_THAT(folder.read("log").substr(before.size()), Not(HasSubstr("note: "))) << "it has begun";
  }
}

TEST_F(OutboxPipelineTest, ItsPositionIsMovedByNumberAndNotByTime) {
  for (const char* delivery : {"exactly_once", "at_least_once"}) {
    name_ = new_word("outbox");
    create_topic(name_, 3);
    database_.exec("TRUNCATE events; DROP SCHEMA IF EXISTS piperun CASCADE");
    const PipelineFolder folder(file(delivery));
    // Keeps the rows.
    std::string other = file(delivery);
    other.replace(other.find(name_), name_.size(), name_ + "_other");
    const PipelineFolder beside(other);
    PipelineProcess keeper(beside, {"test.pipe", "--drain"});
    ASSERT_EQ(keeper.wait(), 0) << keeper.log();
    insert(0, 50);
    const auto drain = [&](const PipelineFolder& where) {
      PipelineProcess process(where, {"test.pipe", "--drain"});
      ASSERT_EQ(process.wait(), 0) << process.log();
    };
    drain(folder);
    const auto reset = [&](const std::string& to, int code, const std::string& said) {
      PipelineProcess process(folder, {"offsets", "reset", "test.pipe", "--to", to});
      EXPECT_EQ(process.wait(), code) << delivery << " " << to;
      EXPECT_THAT(process.log(), HasSubstr(said)) << delivery << " " << to;
    };
    reset("datetime 2026-01-01T00:00:00Z", 3, "have no time: say earliest");
    reset("offset 999", 3, "0 .. 50");
    reset("shift -5", 0, "50 -> 45");
    drain(beside);  // has sent all now: the rows stay for the one that goes back
    EXPECT_EQ(database_.value("SELECT min(number), count(*) FROM events"), "45|5") << delivery;
    drain(folder);
    EXPECT_TRUE(is_empty()) << delivery;
    std::vector<int> found;
    for (const Record& record : records()) found.push_back(std::stoi(record.value.substr(record.value.find("\"seq\":") + 6)));
    for (const int seq : {45, 46, 47, 48, 49}) EXPECT_GE(std::ranges::count(found, seq), 3) << delivery << " " << seq;
    reset("offset 40", 3, "50 .. 50");
    reset("earliest", 0, "50 -> 50");
    insert(50, 60);
    reset("latest", 0, "50 -> 60");
    drain(folder);
    insert(60, 65);
    drain(folder);
    std::vector<int> after;
    for (const Record& record : records()) after.push_back(std::stoi(record.value.substr(record.value.find("\"seq\":") + 6)));
    EXPECT_EQ(std::ranges::count_if(after, [](int seq) { return seq >= 50 && seq < 60; }), 0)
        << delivery << ": `latest` leaves out what was there, and the other pipeline has sent nothing since";
    EXPECT_GE(std::ranges::count(after, 64), 1) << delivery;
  }
}

// Positions lie beside the rows that are written, those of two units beside each other.
TEST_F(OutboxPipelineTest, OneOutboxInTwoUnitsIsEmptiedWhenBothHaveReadIt) {
  database_.exec("CREATE TABLE copies (key bigint, seq bigint, amount numeric(12, 2))");
  std::string text = file("exactly_once");
  text.replace(text.find("flow relayed"), 0, "sink copies = pg\n");
  text.replace(text.rfind("to out"), 6, "to out\n  to copies");
  const PipelineFolder folder(text);
  insert(0, 300);
  PipelineProcess first(folder, {"test.pipe", "--drain"});
  ASSERT_EQ(first.wait(), 0) << first.log();
  EXPECT_EQ(sent(), wanted(300));
  EXPECT_EQ(database_.value("SELECT count(*), count(DISTINCT seq) FROM copies"), "270|270");
  EXPECT_TRUE(is_empty());
}

// As a backup leaves it that was taken when 100 rows were sent. New rows would get the numbers of those that were sent since.
TEST_F(OutboxPipelineTest, ADatabaseThatWentBackInTimeIsSaidBeforeNewRowsAreNumbered) {
  const PipelineFolder folder(file("exactly_once"));
  insert(0, 300);
  PipelineProcess first(folder, {"test.pipe", "--drain"});
  ASSERT_EQ(first.wait(), 0) << first.log();
  database_.exec("UPDATE piperun.relays SET next_batch = 100, sent = 100");
  insert(300, 700);
  PipelineProcess second(folder, {"test.pipe", "--drain"});
  EXPECT_EQ(second.wait(), 3) << second.log();
  EXPECT_THAT(second.log(),
              HasSubstr("the rows before 300 were sent, and it has the numbers to 100: the database went back in time"));
  EXPECT_EQ(database_.value("SELECT count(*), count(number) FROM events"), "400|0");
}

TEST_F(OutboxPipelineTest, ABadRowIsADeadLetterAndTheRestGoesOn) {
  const PipelineFolder folder(file("exactly_once"));
  database_.exec("INSERT INTO events (key, seq, amount) VALUES (1, 1, 2), (1, NULL, 2), (1, 3, 2)");
  PipelineProcess process(folder, {"test.pipe", "--drain"});
  ASSERT_EQ(process.wait(), 0) << process.log();
  EXPECT_EQ(sent(), (std::vector<int>{1, 3}));
  EXPECT_TRUE(is_empty());
}

TEST_F(OutboxPipelineTest, ADatabaseThatWentBackInTimeStopsThePipeline) {
  const PipelineFolder folder(file("exactly_once"));
  insert(0, 50);
  PipelineProcess process(folder, {"test.pipe", "--drain"});
  ASSERT_EQ(process.wait(), 0) << process.log();
  database_.exec("UPDATE piperun.relays SET next_batch = 20, sent = 20 WHERE pipeline = ''; UPDATE piperun.relays SET sent = 20");
  insert(0, 5);
  PipelineProcess again(folder, {"test.pipe", "--drain"});
  EXPECT_EQ(again.wait(), 3) << again.log();
  EXPECT_THAT(again.log(), HasSubstr("went back in time"));
}

// Numbers that fit are no proof: they say nothing about whose they are.
TEST_F(OutboxPipelineTest, NumbersOfAnotherDatabaseAreOtherRows) {
  const TestDatabase elsewhere;
  const PipelineFolder folder(file("exactly_once"));
  insert(0, 50);
  PipelineProcess first(folder, {"test.pipe", "--drain"});
  ASSERT_EQ(first.wait(), 0) << first.log();
  ::setenv("OUTBOX_URL", elsewhere.url().c_str(), 1);
  make_events(elsewhere);
  std::string other = file("exactly_once");
  other.replace(other.find(name_), name_.size(), name_ + "_other");
  const PipelineFolder beside(other);
  PipelineProcess numbers(beside, {"test.pipe", "--drain"});
  ASSERT_EQ(numbers.wait(), 0) << numbers.log();
  elsewhere.exec("INSERT INTO events (number, key, seq, amount) SELECT i, 1, 1000 + i, 2 FROM generate_series(0, 99) i");
  elsewhere.exec("UPDATE piperun.relays SET next_batch = 100 WHERE pipeline = ''");
  PipelineProcess again(folder, {"test.pipe", "--drain"});
  EXPECT_EQ(again.wait(), 3) << again.log();
  EXPECT_THAT(again.log(), AllOf(HasSubstr("P2008"), HasSubstr(identity_of(database_)), HasSubstr(identity_of(elsewhere)),
                                 HasSubstr("offsets reset")));
  EXPECT_EQ(elsewhere.value("SELECT count(*) FROM events"), "100") << "nothing that was not sent is gone";
  EXPECT_EQ(sent().size(), wanted(50).size());
  PipelineProcess reset(folder, {"offsets", "reset", "test.pipe", "--to", "earliest"});
  ASSERT_EQ(reset.wait(), 0) << reset.log();
  PipelineProcess last(folder, {"test.pipe", "--drain"});
  ASSERT_EQ(last.wait(), 0) << last.log();
  EXPECT_EQ(sent().size(), wanted(50).size() + 100);
  ::setenv("OUTBOX_URL", database_.url().c_str(), 1);
  PipelineProcess back(folder, {"test.pipe", "--drain"});
  EXPECT_EQ(back.wait(), 3) << "it has the positions of the other one now";
}

// The positions lie in a database, which is another one than the outbox's.
TEST_F(OutboxPipelineTest, PositionsInAnotherDatabaseAreOfOneOutbox) {
  const TestDatabase target, elsewhere;
  make_events(elsewhere);
  target.exec("CREATE TABLE copies (key bigint, seq bigint, amount numeric(12, 2))");
  ::setenv("TARGET_URL", target.url().c_str(), 1);
  for (const bool is_embedded : {false, true}) {
    std::string text =
        file("exactly_once", is_embedded ? "store { table = \"copies\", key = seq }" : "copies { table = \"copies\" }");
    text.replace(text.find("connection bus"), 0,
                 is_embedded ? "connection store = embedded { path = \"store.db\" }\n"
                             : "connection copies = postgres { url = secret(\"TARGET_URL\") }\n");
    const PipelineFolder folder(text);
    ::setenv("OUTBOX_URL", database_.url().c_str(), 1);
    insert(0, 50);
    PipelineProcess first(folder, {"test.pipe", "--drain"});
    ASSERT_EQ(first.wait(), 0) << first.log();
    ::setenv("OUTBOX_URL", elsewhere.url().c_str(), 1);
    PipelineProcess again(folder, {"test.pipe", "--drain"});
    EXPECT_EQ(again.wait(), 3) << again.log();
    EXPECT_THAT(again.log(), AllOf(HasSubstr("P2008"), HasSubstr(identity_of(database_)), HasSubstr(identity_of(elsewhere)),
                                   HasSubstr("offsets reset")));
    PipelineProcess reset(folder, {"offsets", "reset", "test.pipe", "--to", "earliest"});
    ASSERT_EQ(reset.wait(), 0) << reset.log();
    PipelineProcess last(folder, {"test.pipe", "--drain"});
    EXPECT_EQ(last.wait(), 0) << last.log();
  }
}

// ---- `to … after …`: a topic, rows, and what is published only when the rows are committed

class AfterTest : public OutboxPipelineTest {
 protected:
  AfterTest() {
    create_topic(name_ + "_in", 2);
    database_.exec("CREATE TABLE lines (key bigint, seq bigint CHECK (seq <> 13), amount numeric(12, 2))");
  }
  std::string after_file(const std::string& delivery) const {
    return "pipeline " + name_ + " {\n  delivery = " + delivery +
           "\n  commit_records = 20\n  on error { dead_letter = keep, pause = 2s }\n}\n"
           "connection pg = postgres { url = secret(\"OUTBOX_URL\") }\n"
           "connection bus = kafka { brokers = env(\"KAFKA_BOOTSTRAP\") }\n"
           "type Line { key: int64, seq: int64, amount: decimal(12, 2) }\n"
           "source input: Line = bus { topic = \"" +
           name_ +
           "_in\" }\n"
           "sink lines = pg\n"
           "sink published = bus { topic = \"" +
           name_ +
           "\", key = key, headers = { \"kind\" = \"line\" } }\n"
           "flow written {\n  from input\n  filter amount > 0.00\n  to lines\n  to published after lines\n}\n";
  }
  void put(int from, int to) const {
    const Handle producer = make_client(RD_KAFKA_PRODUCER);
    for (int i = from; i < to; ++i) {
      const std::string amount = i % 10 == 0 ? "0.00" : "1.50";
      const std::string seq = std::to_string(i);
      produce(producer.get(), name_ + "_in", i % 7 % 2,
              "{\"key\":" + std::to_string(i % 7) + ",\"seq\":" + seq + ",\"amount\":\"" + amount + "\"}");
    }
    if (rd_kafka_flush(producer.get(), 20'000) != RD_KAFKA_RESP_ERR_NO_ERROR) throw std::runtime_error("not all was produced");
  }
  static std::vector<int> wanted_but_13(int count) {
    std::vector<int> result = wanted(count);
    std::erase(result, 13);
    return result;
  }
};

TEST_F(AfterTest, WhatTheTableRefusesIsNotPublished) {
  for (const char* delivery : {"exactly_once", "at_least_once"}) {
    name_ = new_word("after");
    create_topic(name_, 3);
    create_topic(name_ + "_in", 2);
    database_.exec("TRUNCATE lines; DROP SCHEMA IF EXISTS piperun CASCADE");
    const PipelineFolder folder(after_file(delivery));
    put(0, 100);
    PipelineProcess process(folder, {"test.pipe", "--drain"});
    ASSERT_EQ(process.wait(), 0) << delivery << process.log();
    EXPECT_EQ(sent(), wanted_but_13(100)) << delivery << process.log();
    EXPECT_EQ(database_.value("SELECT count(*), count(DISTINCT seq) FROM lines"), "89|89") << delivery;
  }
}

TEST_F(AfterTest, NoKillSplitsRowsFromWhatIsPublished) {
  const PipelineFolder folder(after_file("exactly_once"));
  int written = 0;
  for (int kill = 0; kill < 6; ++kill) {
    PipelineProcess process(folder, {"test.pipe", "--workers", "2"});
    const std::size_t before = sent().size();
    put(written, written + 600);
    written += 600;
    ASSERT_TRUE(wait_until([&] { return !process.is_running() || sent().size() > before; })) << process.log();
    ASSERT_TRUE(process.is_running()) << process.log();
    process.kill(SIGKILL);
  }
  // One worker after two: it waits for what the place of the other one still holds.
  PipelineProcess last(folder, {"test.pipe", "--drain"});
  ASSERT_EQ(last.wait(), 0) << last.log();
  EXPECT_EQ(sent(), wanted_but_13(written));
  const std::string rows = std::to_string(wanted_but_13(written).size());
  EXPECT_EQ(database_.value("SELECT count(*), count(DISTINCT seq) FROM lines"), rows + "|" + rows);
}

// ---- A compacted topic as look-up data

TEST_F(AfterTest, ATopicIsATableWhoseLastValuesCount) {
  create_topic(name_ + "_names", 2, {{"cleanup.policy", "compact"}});
  const auto name = [&](int key, const std::string& value) {
    const Handle producer = make_client(RD_KAFKA_PRODUCER);
    const std::string id = std::to_string(key), topic = name_ + "_names";
    rd_kafka_producev(producer.get(), RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_PARTITION(key % 2),
                      RD_KAFKA_V_KEY(id.data(), id.size()), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                      RD_KAFKA_V_VALUE(const_cast<char*>(value.data()), value.size()), RD_KAFKA_V_END);
    if (rd_kafka_flush(producer.get(), 20'000) != RD_KAFKA_RESP_ERR_NO_ERROR) throw std::runtime_error("not all was produced");
  };
  name(1, R"({"id":1,"name":"first"})");
  name(2, R"({"id":2,"name":"two"})");
  name(1, R"({"id":1,"name":"one"})");
  std::string text = after_file("exactly_once");
  text.replace(text.find("sink lines"), 0,
               "type Name { id: int64, name: string }\ntable names: Name = bus { topic = \"" + name_ + "_names\", key = id }\n");
  text.replace(text.find("  filter"), std::string("  filter amount > 0.00").size(),
               "  enrich n = names[key] ?? fail(\"no name for {key}\")\n  map { key, seq, amount, name = n.name }");
  text.replace(text.find("  to lines\n  to published after lines"), std::string("  to lines\n  to published after lines").size(),
               "  to published");
  text.replace(text.find("sink lines = pg\n"), 16, "");
  const PipelineFolder folder(text);
  const Handle producer = make_client(RD_KAFKA_PRODUCER);
  for (const char* record :
       {R"({"key":1,"seq":1,"amount":1})", R"({"key":2,"seq":2,"amount":1})", R"({"key":3,"seq":3,"amount":1})"})
    produce(producer.get(), name_ + "_in", 0, record);
  ASSERT_EQ(rd_kafka_flush(producer.get(), 20'000), RD_KAFKA_RESP_ERR_NO_ERROR);
  PipelineProcess process(folder, {"test.pipe"});
  ASSERT_TRUE(wait_until([&] { return sent().size() == 2 || !process.is_running(); })) << process.log();
  name(3, R"({"id":3,"name":"three"})");  // while it runs
  std::this_thread::sleep_for(std::chrono::seconds(1));
  produce(producer.get(), name_ + "_in", 0, R"({"key":3,"seq":4,"amount":1})");
  ASSERT_EQ(rd_kafka_flush(producer.get(), 20'000), RD_KAFKA_RESP_ERR_NO_ERROR);
  ASSERT_TRUE(wait_until([&] { return sent().size() == 3 || !process.is_running(); })) << process.log();
  std::vector<std::string> values;
  for (const Record& record : read_all(name_, 3)) values.push_back(record.value);
  EXPECT_THAT(values, ::testing::UnorderedElementsAre(HasSubstr("\"one\""), HasSubstr("\"two\""), HasSubstr("\"three\"")))
      << process.log();
}

}  // namespace
}  // namespace piperun::integration
