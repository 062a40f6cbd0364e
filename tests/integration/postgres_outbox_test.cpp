// An outbox of a real PostgreSQL: no row is lost whatever order transactions end in, and what a person sees of a database.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "runtime/connectors/postgres/inspector.h"
#include "runtime/connectors/postgres/outbox.h"
#include "tests/integration/postgres_database.h"
#include "tests/unit/runtime/commit/embedded/temporary.h"

namespace piperun::postgres {
namespace {

using base::ErrorCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <typename Value>
auto must(base::Result<Value> result) {
  if (result) return std::move(*result);
  ADD_FAILURE() << result.error().message;
  std::abort();
}

class PostgresOutboxTest : public ::testing::Test {
 protected:
  PostgresOutboxTest() {
    database_.exec(
        "CREATE TABLE events (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, number bigint UNIQUE, item text, cents "
        "numeric)");
  }
  std::unique_ptr<Outbox> open(const std::string& unit = "events.bus") {
    return must(Outbox::open(database_.settings(), "events", "p", unit));
  }
  std::unique_ptr<Outbox> claimed(const std::string& unit = "events.bus") {
    auto outbox = open(unit);
    done(outbox->claim());
    return outbox;
  }
  static void done(const base::Result<void>& result) { ASSERT_TRUE(result) << result.error().message; }
  static std::vector<std::string> values(const std::vector<Outbox::Row>& rows) {
    std::vector<std::string> result;
    for (const Outbox::Row& row : rows) result.push_back(std::to_string(row.number) + row.value);
    return result;
  }
  void insert(const std::string& item) { database_.exec("INSERT INTO events (item, cents) VALUES ('" + item + "', 1.50)"); }

  integration::TestDatabase database_;
  base::SystemClock clock_;
};

// The trap of a cursor by id: id 2 is committed and read first, id 1 afterwards.
TEST_F(PostgresOutboxTest, ARowThatIsCommittedLateIsNotLost) {
  pqxx::connection slow(database_.url());
  pqxx::work transaction(slow);
  transaction.exec("INSERT INTO events (item) VALUES ('first id')");
  insert("second id");
  auto outbox = claimed();
  done(outbox->number_rows(10));
  EXPECT_THAT(values(must(outbox->read(0, 10))), ElementsAre("0{\"id\": 2, \"item\": \"second id\", \"cents\": 1.50}"));
  transaction.commit();
  done(outbox->number_rows(10));
  EXPECT_THAT(values(must(outbox->read(1, 10))), ElementsAre("1{\"id\": 1, \"item\": \"first id\", \"cents\": null}"));
}

// By whom a relay is to be forgotten at the end of a run: not by one beside whom another process still reads.
TEST_F(PostgresOutboxTest, ARelayIsHeldElsewhereWhileTheProcessThatClaimedItLastIsThere) {
  EXPECT_FALSE(must(open()->is_held_elsewhere())) << "nobody has claimed it";
  const auto own = claimed();
  EXPECT_FALSE(must(open()->is_held_elsewhere())) << "it is ours";
  testing::Turns turns;
  const pid_t child = testing::in_child([&] {
    const auto theirs = claimed();
    turns.parent_may_go();
    turns.wait_for_parent();
    return 0;
  });
  turns.wait_for_child();
  EXPECT_TRUE(must(open()->is_held_elsewhere()));
  EXPECT_FALSE(must(open("other.unit")->is_held_elsewhere()));
  ::kill(child, SIGKILL);
  testing::exit_status(child);
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (must(open()->is_held_elsewhere()) && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_FALSE(must(open()->is_held_elsewhere())) << "its process is gone";
}

TEST_F(PostgresOutboxTest, NumbersHaveNoGapsAndSentRowsGo) {
  for (int i = 0; i < 5; ++i) insert(std::to_string(i));
  auto outbox = claimed();
  done(outbox->number_rows(2));
  EXPECT_EQ(must(outbox->state()).next, 2);
  EXPECT_EQ(must(outbox->state()).waiting, 3);
  done(outbox->number_rows(10));
  done(outbox->number_rows(10));
  EXPECT_EQ(must(outbox->state()).next, 5);
  EXPECT_EQ(must(outbox->read(0, 10)).size(), 5u);
  ASSERT_TRUE(outbox->delete_sent(3));
  EXPECT_EQ(database_.value("SELECT number FROM events ORDER BY 1"), "3 4");
  EXPECT_EQ(must(outbox->read(3, 10)).size(), 2u);
  auto gone = outbox->read(2, 10);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, ErrorCode::PositionGone);
  auto ahead = outbox->read(6, 10);  // as after a restore from a backup
  ASSERT_FALSE(ahead);
  EXPECT_THAT(ahead.error().message, HasSubstr("went back in time"));
}

TEST_F(PostgresOutboxTest, ARelayThatWasTakenOverNumbersAndDeletesNothing) {
  insert("a");
  auto old = claimed();
  done(old->number_rows(1));
  auto taker = claimed();
  insert("b");
  EXPECT_EQ(old->number_rows(1).error().code, ErrorCode::LostOwnership);
  EXPECT_EQ(old->delete_sent(1).error().code, ErrorCode::LostOwnership);
  done(taker->number_rows(9));
  EXPECT_EQ(database_.value("SELECT number FROM events ORDER BY id"), "0 1");
}

TEST_F(PostgresOutboxTest, TwoRelaysThatRaceGiveEachNumberOnce) {
  for (int i = 0; i < 300; ++i) insert(std::to_string(i));
  auto outbox = claimed();
  std::jthread other([&] {
    auto rival = open(), neighbour = claimed("events.shop");
    for (int i = 0; i < 20; ++i) {
      done(rival->claim());
      [[maybe_unused]] auto tried = rival->number_rows(7);
      done(neighbour->number_rows(3));
    }
  });
  for (int i = 0; i < 40; ++i) {
    if (!outbox->number_rows(5)) done(outbox->claim());
  }
  other.join();
  done(outbox->claim());
  done(outbox->number_rows(300));
  EXPECT_EQ(database_.value("SELECT count(DISTINCT number), min(number), max(number) FROM events"), "300|0|299");
  EXPECT_EQ(must(outbox->state()).next, 300);
}

TEST_F(PostgresOutboxTest, ARowGoesWhenAllRelaysHaveSentIt) {
  for (int i = 0; i < 5; ++i) insert(std::to_string(i));
  auto one = claimed("events.bus"), two = claimed("events.shop");
  done(one->number_rows(10));
  done(one->delete_sent(4));
  EXPECT_EQ(database_.value("SELECT count(*) FROM events"), "5");
  done(two->delete_sent(2));
  EXPECT_EQ(database_.value("SELECT number FROM events ORDER BY 1"), "2 3 4");
  auto late = claimed("events.late");
  EXPECT_EQ(must(late->state()).first, 2);
  done(two->delete_sent(5));
  done(one->delete_sent(5));
  EXPECT_EQ(database_.value("SELECT number FROM events ORDER BY 1"), "2 3 4") << "the one that came later wants them";
}

TEST_F(PostgresOutboxTest, ARelayThatLeftKeepsNothing) {
  for (int i = 0; i < 5; ++i) insert(std::to_string(i));
  auto one = claimed("events.bus"), other = claimed("events.bus.again");
  done(one->number_rows(10));
  done(one->delete_sent(4));
  EXPECT_EQ(database_.value("SELECT count(*) FROM events"), "5");
  auto taker = claimed("events.bus.again");
  EXPECT_EQ(other->leave().error().code, ErrorCode::LostOwnership);
  done(taker->leave());
  EXPECT_EQ(database_.value("SELECT number FROM events ORDER BY 1"), "4");
  done(one->leave());
  EXPECT_EQ(database_.value("SELECT number FROM events ORDER BY 1"), "4") << "nobody has sent it";
}

TEST_F(PostgresOutboxTest, ARelayThatGoesBackKeepsWhatItSent) {
  for (int i = 0; i < 5; ++i) insert(std::to_string(i));
  auto one = claimed("events.bus"), two = claimed("events.shop");
  done(one->number_rows(10));
  done(one->delete_sent(5));
  done(two->delete_sent(2));
  done(one->keep_from(3));
  done(two->delete_sent(5));
  EXPECT_EQ(database_.value("SELECT number FROM events ORDER BY 1"), "3 4");
  const auto gone = one->keep_from(2);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, ErrorCode::PositionGone);
  EXPECT_THAT(gone.error().message, HasSubstr("rows before 3"));
}

TEST_F(PostgresOutboxTest, ATableOfOursHoldsBytes) {
  auto outbox = must(Outbox::open_own(database_.settings(), "orders.events", "p", "shop.bus"));
  done(outbox->claim());
  database_.exec("INSERT INTO " + own_outbox_table("orders.events") + " (value) VALUES ('\\x00ff')");
  done(outbox->number_rows(10));
  EXPECT_EQ(must(outbox->read(0, 10)).front().value, std::string("\0\xff", 2));
  const std::string longest(200, 'x');
  EXPECT_NE(own_outbox_table(longest), own_outbox_table(longest + "y"));
  must(Outbox::open_own(database_.settings(), longest, "p", "shop.bus"));
}

TEST_F(PostgresOutboxTest, AsASourceItsOffsetsAreTheNumbers) {
  database_.exec("INSERT INTO events (item) SELECT i::text FROM generate_series(1, 1500) i");
  auto relay = claimed();
  OutboxSource source(open(), clock_);
  done(relay->number_rows(1'000));
  const auto partitions = must(source.partitions());
  ASSERT_EQ(partitions.size(), 1u);
  EXPECT_EQ(partitions[0].begin, 0);
  EXPECT_EQ(partitions[0].end, 1'500) << "what waits for its number is there already";
  EXPECT_EQ(must(source.resolve("latest", 0)), 1'500);
  EXPECT_TRUE(must(source.read(0, 1'500, 10, 1 << 20)).records.empty()) << "rows before it still get their numbers";
  EXPECT_EQ(source.resolve("2026-01-01T00:00:00Z", 0).error().code, ErrorCode::PositionGone);
  auto slab = must(source.read(0, 0, 700, 1 << 20));
  ASSERT_EQ(slab.records.size(), 700u);
  EXPECT_EQ(slab.records[699].offset, 699);
  EXPECT_EQ(slab.records[699].next, 700);
  EXPECT_EQ(slab.records[699].value, "{\"id\": 700, \"item\": \"700\", \"cents\": null}");
  EXPECT_EQ(must(source.read(0, 0, 700, 10)).records.size(), 1u) << "one record at least, however large";
  EXPECT_TRUE(must(source.read(0, 1'000, 10, 1 << 20)).records.empty());
  done(relay->number_rows(1'000));
  EXPECT_EQ(must(source.read(0, 1'000, 10, 1 << 20)).records.size(), 10u);
}

TEST_F(PostgresOutboxTest, ATableThatIsNoOutboxIsRefused) {
  database_.exec("CREATE TABLE plain (id bigint PRIMARY KEY, item text)");
  auto refused = Outbox::open(database_.settings(), "plain", "p", "u");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::SchemaMismatch);
  EXPECT_THAT(refused.error().message, HasSubstr("`number` is missing"));
}

// ---- What a person sees

TEST_F(PostgresOutboxTest, TheInspectorShowsTablesRowsAndLedgers) {
  using Kind = connectors::TableValue::Kind;
  insert("b");
  insert("a");
  database_.exec(
      "CREATE SCHEMA other; CREATE TABLE other.odd (b bytea, t bool, j jsonb); INSERT INTO other.odd VALUES ('\\x00ff', true, "
      "'[1]')");
  auto inspector = must(Inspector::open(database_.settings()));
  EXPECT_TRUE(must(inspector.ledgers()).empty());
  EXPECT_EQ(database_.value("SELECT to_regnamespace('piperun')"), "null") << "looking makes nothing";
  const auto tables = must(inspector.tables());
  ASSERT_EQ(tables.size(), 2u);
  EXPECT_EQ(tables[0].name, "events");
  EXPECT_THAT(tables[0].columns, ElementsAre("id", "number", "item", "cents"));
  EXPECT_THAT(tables[0].types, ElementsAre("bigint", "bigint", "text", "numeric"));
  EXPECT_EQ(tables[0].rows, 2);
  EXPECT_EQ(tables[1].name, "other.odd");
  const auto rows = must(inspector.rows("events", 1));
  EXPECT_THAT(rows.columns, ElementsAre("id", "number", "item", "cents"));
  ASSERT_EQ(rows.rows.size(), 1u);
  EXPECT_EQ(rows.rows[0][1].kind, Kind::Null);
  EXPECT_EQ(rows.rows[0][2].text, "b");
  EXPECT_EQ(rows.rows[0][3].kind, Kind::Number);
  const auto odd = must(inspector.rows("other.odd", 9));
  EXPECT_EQ(odd.rows[0][0].text, std::string("\0\xff", 2));
  EXPECT_EQ(odd.rows[0][1].text, "true");
  EXPECT_EQ(odd.rows[0][2].kind, Kind::Json);
  EXPECT_EQ(inspector.rows("nope", 1).error().code, ErrorCode::NoSuchTable);

  auto domain = must(PostgresDomain::open(database_.settings(), "p", "orders.shop"));
  auto claimed = must(domain->claim(std::vector{commit::PartitionName{"orders", 0}}));
  claimed.front().next_offset = 7;
  ASSERT_TRUE(domain->seed_positions(claimed));
  ASSERT_TRUE(domain->add_rows("s", 3));
  ASSERT_TRUE(domain->put_letters(std::vector<commit::Letter>(1)));
  const auto ledgers = must(inspector.ledgers());
  ASSERT_EQ(ledgers.size(), 1u);
  EXPECT_EQ(ledgers[0].unit, "orders.shop");
  EXPECT_EQ(ledgers[0].positions.front().next_offset, 7);
  EXPECT_THAT(ledgers[0].sinks, ElementsAre(std::pair<std::string, std::int64_t>("s", 3)));
  EXPECT_EQ(must(std::move(inspector).domain("p", "orders.shop")->letters(false)).size(), 1u);
}

}  // namespace
}  // namespace piperun::postgres
