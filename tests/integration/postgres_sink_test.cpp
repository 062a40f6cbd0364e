// Rows into tables of a real PostgreSQL: types, conflicts, refusals.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "lang/value/decimal.h"
#include "lang/value/json_node.h"
#include "lang/value/time.h"
#include "runtime/connectors/postgres/table_sink.h"
#include "tests/integration/postgres_database.h"

namespace piperun::postgres {
namespace {

using base::ErrorClass;
using base::ErrorCode;
using connectors::OutputRow;
using ::testing::HasSubstr;
using value::Cell;
using value::TypeKind;

template <typename Value>
auto must(base::Result<Value> result) {
  if (result) return std::move(*result);
  ADD_FAILURE() << result.error().message;
  std::abort();
}

class PostgresSinkTest : public ::testing::Test {
 protected:
  using Cells = std::vector<Cell>;

  std::unique_ptr<connectors::Sink> open(TableLayout layout, WriteMode mode) { return must(try_open(std::move(layout), mode)); }
  base::Result<std::unique_ptr<connectors::Sink>> try_open(TableLayout layout, WriteMode mode) {
    auto own = must(Session::open(database_.settings()));
    Session& session = *own;
    return TableSink::open(session, std::move(own), types_, std::move(layout), mode);
  }
  static base::Result<void> write(connectors::Sink& sink, const std::vector<Cells>& rows, const std::vector<bool>& removes = {}) {
    std::vector<OutputRow> output(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      output[i].cells = rows[i].data();
      output[i].remove = i < removes.size() && removes[i];
    }
    return sink.write(output);
  }
  static Cell text(std::string_view value) { return Cell::of(value); }
  static Cell number(std::int64_t value) { return Cell::of(value); }

  // item(id int64, name string, v int64), known by id.
  TableLayout items() { return {"item", {{"id", kInt_}, {"name", kString_}, {"v", kInt_}}, {0}}; }
  std::string stored_items() { return database_.value("SELECT id, name, v FROM item ORDER BY id"); }
  static Cells item(std::int64_t id, std::string_view name, std::int64_t v) { return {number(id), text(name), number(v)}; }

  // An empty table item(id, v): in whatever batches the rows come, the last of three is what counts.
  void check_one_key(value::TypeId type, Cell first, Cell second, Cell third, const std::string& what) {
    auto sink = open({"item", {{"id", type}, {"v", kInt_}}, {0}}, kUpsert_);
    const auto count = [&] { return database_.value("SELECT count(*) FROM item"); };
    const auto stored = [&] { return database_.value("SELECT v FROM item"); };
    ASSERT_TRUE(write(*sink, {{first, number(1)}})) << what;
    ASSERT_TRUE(write(*sink, {{second, number(2)}})) << what;
    EXPECT_EQ(stored(), "2") << what;
    ASSERT_TRUE(write(*sink, {{third, number(0)}}, {true})) << what;
    EXPECT_EQ(count(), "0") << what;
    ASSERT_TRUE(write(*sink, {{first, number(1)}, {second, number(0)}}, {false, true})) << what;
    EXPECT_EQ(count(), "0") << what << ": the delete came last";
    ASSERT_TRUE(write(*sink, {{first, number(1)}, {second, number(0)}, {third, number(3)}}, {false, true, false})) << what;
    EXPECT_EQ(stored(), "3") << what;
    ASSERT_TRUE(write(*sink, {{first, number(0)}}, {true})) << what;
  }

  integration::TestDatabase database_;
  value::TypeTable types_;
  const value::TypeId kInt_ = types_.scalar(TypeKind::Int), kString_ = types_.scalar(TypeKind::String);
  const WriteMode kPlain_{ir::Conflict::Error, -1, false, true};
  const WriteMode kUpsert_{ir::Conflict::Update, -1, true, true};
  const WriteMode kNewest_{ir::Conflict::Update, 2, true, true};
};

// ---- Types

TEST_F(PostgresSinkTest, EveryTypeGoesIntoTheColumnThatIsMadeForIt) {
  value::Arena arena;
  const auto nullable = [&](value::TypeId type) { return types_.with_null(type); };
  const value::TypeId color = types_.intern({.kind = TypeKind::Enum, .name = "Color", .values = {"red", "it's"}});
  const value::TypeId list = types_.list(kInt_);
  const value::TypeId record = types_.record("", {{"a", kInt_}, {"b", nullable(kString_)}});
  const TableLayout layout{"every",
                           {{"Big One", kInt_},
                            {"b", types_.scalar(TypeKind::Bool)},
                            {"f", types_.scalar(TypeKind::Float)},
                            {"d", types_.decimal(38, 10)},
                            {"s", kString_},
                            {"y", types_.scalar(TypeKind::Bytes)},
                            {"t", types_.scalar(TypeKind::Timestamp)},
                            {"u", types_.scalar(TypeKind::Duration)},
                            {"e", color},
                            {"l", list},
                            {"r", record},
                            {"j", types_.scalar(TypeKind::Json)},
                            {"n", nullable(kString_)},
                            {"m", nullable(kInt_)}},
                           {}};
  const Cell items[] = {number(1), number(2)};
  const Cell fields[] = {number(7), Cell::of(false), text("x\"y")};
  const auto row = [&](std::int64_t i, double f, value::Int128 d, std::int64_t t) {
    return Cells{number(i),
                 Cell::of(true),
                 Cell::of(f),
                 Cell::of(d),
                 text("häl\"lo\\\t\n{},NULL"),
                 text(std::string_view("\0\xff\\x", 4)),
                 number(t),
                 number(-90'061'000'001),
                 number(1),
                 Cell::of(value::List{items, 2}),
                 Cell::of(fields),
                 Cell::of(*value::parse_json("{\"k\": [1.50, null]}", arena)),
                 Cell::of(true),
                 Cell{},
                 Cell::of(false),
                 number(5)};
  };
  const value::Int128 most = value::power_of_ten(38) - 1;
  std::vector<Cells> rows = {row(INT64_MIN, -HUGE_VAL, -most, value::kMinTimestamp),
                             row(INT64_MAX, 5e-324, most, value::kMaxTimestamp), row(0, std::nan(""), 0, 1)};
  auto sink = open(layout, kPlain_);
  ASSERT_TRUE(write(*sink, rows));
  const char* columns =
      "SELECT \"Big One\", b, f, d, s, encode(y, 'hex'), t AT TIME ZONE 'UTC', u, e, l, r, j, n, m FROM every ORDER BY 1";
  const std::string rest =
      "|häl\"lo\\\t\n{},NULL|00ff5c78|{}|-25:01:01.000001|it's|[1, 2]|{\"a\": 7, \"b\": \"x\\\"y\"}|{\"k\": [1.50, null]}|null|5";
  const auto expected = [&](const std::string& front, const std::string& time) {
    std::string text = front + rest;
    return text.replace(text.find("|{}|"), 4, "|" + time + "|");
  };
  const std::string nines = "9999999999999999999999999999.9999999999";
  const std::string wanted = expected("-9223372036854775808|t|-Infinity|-" + nines, "0001-01-01 00:00:00") + " " +
                             expected("0|t|NaN|0.0000000000", "1970-01-01 00:00:00.000001") + " " +
                             expected("9223372036854775807|t|5e-324|" + nines, "9999-12-31 23:59:59.999999");
  EXPECT_EQ(database_.value(columns), wanted);
  EXPECT_EQ(database_.value("SELECT string_agg(format_type(atttypid, atttypmod), ',' ORDER BY attnum) FROM pg_attribute "
                            "WHERE attrelid = 'every'::regclass AND attnum > 0"),
            "bigint,boolean,double precision,numeric(38,10),text,bytea,timestamp with time "
            "zone,interval,text,jsonb,jsonb,jsonb,text,bigint");

  database_.exec("TRUNCATE every");  // the same through COPY
  std::vector<Cells> many;
  while (many.size() <= TableSink::kMostAtOnce) many.insert(many.end(), rows.begin(), rows.end());
  ASSERT_TRUE(write(*sink, many));
  EXPECT_EQ(database_.value("SELECT count(*) FROM every"), std::to_string(many.size()));
  EXPECT_EQ(
      database_.value("WITH x AS (SELECT DISTINCT * FROM every) SELECT \"Big One\", b, f, d, s, encode(y, 'hex'), t AT TIME ZONE "
                      "'UTC', u, e, l, r, j, n, m FROM x ORDER BY 1"),
      wanted);
}

TEST_F(PostgresSinkTest, ColumnsThatSomebodyElseMade) {
  database_.exec(
      "CREATE TYPE mood AS ENUM ('sad', 'happy'); CREATE DOMAIN positive AS integer CHECK (VALUE > 0);"
      "CREATE TABLE item (id positive PRIMARY KEY, name varchar(5), v smallint, m mood, u uuid, w numeric, at timestamp, made "
      "int DEFAULT 3)");
  const value::TypeId enumeration = types_.intern({.kind = TypeKind::Enum, .name = "Mood", .values = {"happy", "sad"}});
  auto sink = open({"public.item",
                    {{"id", kInt_},
                     {"name", kString_},
                     {"v", kInt_},
                     {"m", enumeration},
                     {"u", kString_},
                     {"w", types_.decimal(6, 3)},
                     {"at", types_.scalar(TypeKind::Timestamp)}},
                    {0}},
                   {ir::Conflict::Update, -1, true, false});
  const auto row = [&](std::int64_t id, std::string_view name, std::int64_t v, std::string_view uuid) {
    return Cells{number(id), text(name), number(v), number(0), text(uuid), Cell::of(value::Int128{1500}), number(0)};
  };
  const std::string_view uuid = "6f9619ff-8b86-d011-b42d-00c04fc964ff";
  ASSERT_TRUE(write(*sink, {row(1, "abc", 7, uuid)}));
  EXPECT_EQ(database_.value("SELECT * FROM item"), "1|abc|7|happy|" + std::string(uuid) + "|1.500|1970-01-01 00:00:00|3");
  for (const auto& [bad, sqlstate] : {std::pair{row(2, "too long", 7, uuid), "22001"},
                                      {row(2, "abc", 70'000, uuid), "22003"},
                                      {row(INT64_MAX, "abc", 7, uuid), "22003"},
                                      {row(0, "abc", 7, uuid), "23514"},
                                      {row(2, "abc", 7, "no uuid"), "22P02"}}) {
    auto refused = write(*sink, {bad});
    ASSERT_FALSE(refused) << sqlstate;
    EXPECT_EQ(refused.error().sqlstate, sqlstate) << refused.error().message;
    EXPECT_EQ(refused.error().code, ErrorCode::ConstraintViolated);
    EXPECT_EQ(refused.error().row, 0);
    EXPECT_THAT(refused.error().message, HasSubstr("table `public.item`"));
  }
  ASSERT_TRUE(write(*sink, {row(1, "", 0, "")}, {true})) << "a delete reads the key alone";
  EXPECT_EQ(database_.value("SELECT count(*) FROM item"), "0");
}

// ---- Conflicts

TEST_F(PostgresSinkTest, OneKeyTwiceInABatchTheLastCounts) {
  auto sink = open(items(), kUpsert_);
  ASSERT_TRUE(write(*sink, {item(1, "a", 1), item(2, "b", 1), item(1, "c", 1)}));
  EXPECT_EQ(stored_items(), "1|c|1 2|b|1");
  ASSERT_TRUE(write(*sink, {item(2, "d", 0)}));
  EXPECT_EQ(stored_items(), "1|c|1 2|d|0");
}

TEST_F(PostgresSinkTest, AnOlderVersionNeverReplacesANewerOne) {
  auto sink = open(items(), kNewest_);
  ASSERT_TRUE(write(*sink, {item(1, "two", 2), item(1, "three", 3), item(1, "late", 1), item(1, "again", 3), item(2, "x", 5)}));
  EXPECT_EQ(stored_items(), "1|three|3 2|x|5") << "of equal versions the first stays";
  ASSERT_TRUE(write(*sink, {item(1, "old", 2), item(2, "same", 5), item(3, "new", 0)}));
  EXPECT_EQ(stored_items(), "1|three|3 2|x|5 3|new|0");
  ASSERT_TRUE(write(*sink, {item(1, "newer", 4)}));
  EXPECT_EQ(stored_items(), "1|newer|4 2|x|5 3|new|0");
}

TEST_F(PostgresSinkTest, VersionsAreOrderedAsTheLanguageOrdersThem) {
  const value::TypeId grade = types_.intern({.kind = TypeKind::Enum, .name = "Grade", .values = {"low", "high", "it's"}});
  for (const auto& [type, low, high] :
       {std::tuple{kString_, text("B"), text("a")}, {grade, number(0), number(1)}, {grade, number(1), number(2)}}) {
    database_.exec(
        "DROP TABLE IF EXISTS item; CREATE TABLE item (id bigint PRIMARY KEY, name text, v text COLLATE \"und-x-icu\")");
    auto sink = open({"item", {{"id", kInt_}, {"name", kString_}, {"v", type}}, {0}}, kNewest_);
    ASSERT_TRUE(write(*sink, {{number(1), text("low"), low}}));
    ASSERT_TRUE(write(*sink, {{number(1), text("high"), high}}));
    ASSERT_TRUE(write(*sink, {{number(1), text("low again"), low}}));
    EXPECT_EQ(database_.value("SELECT name FROM item"), "high");
  }
}

TEST_F(PostgresSinkTest, DeletesAndRowsOfOneBatchTakeEffectInOrder) {
  auto sink = open(items(), kNewest_);
  ASSERT_TRUE(write(*sink, {item(1, "a", 9), item(2, "b", 9), item(3, "c", 9)}));
  ASSERT_TRUE(write(*sink, {item(1, "", 0), item(1, "reborn", 1), item(2, "x", 10), item(2, "", 0), item(4, "", 0)},
                    {true, false, false, true, true}));
  EXPECT_EQ(stored_items(), "1|reborn|1 3|c|9") << "a delete asks no version, and neither does the row behind it";
}

// To ON CONFLICT these are one key, so they are one to a delete, in whatever batch it comes.
TEST_F(PostgresSinkTest, KeysThatAreOneToTheTableAreOneToADelete) {
  database_.exec(
      "CREATE SCHEMA elsewhere; CREATE EXTENSION citext SCHEMA elsewhere; CREATE COLLATION caseless (provider = icu, locale = "
      "'und-u-ks-level2', deterministic = false); CREATE DOMAIN address AS elsewhere.citext; CREATE DOMAIN shorter AS "
      "varchar(3)");
  struct Case {
    const char* columns;
    const char *first, *second, *third;
  };
  for (const Case& each : std::initializer_list<Case>{
           {"id elsewhere.citext PRIMARY KEY", "Ann", "ANN", "ann"},
           {"id address PRIMARY KEY", "Ann", "ANN", "ann"},
           {"id char(10) PRIMARY KEY", "ann", "ann ", "ann  "},
           {"id varchar(3) PRIMARY KEY", "ann ", "ann", "ann  "},
           {"id shorter PRIMARY KEY", "\xC3\xA4\xC3\xB6\xC3\xBC ", "\xC3\xA4\xC3\xB6\xC3\xBC", "\xC3\xA4\xC3\xB6\xC3\xBC  "},
           {"id text COLLATE caseless PRIMARY KEY", "Ann", "ANN", "ann"},
           {"id varchar(10) COLLATE caseless PRIMARY KEY", "Ann", "ANN", "ann"},
           {"id uuid PRIMARY KEY", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "a0eebc999c0b4ef8bb6d6bb9bd380a11",
            "{a0eebc99-9c0b4ef8-bb6d6bb9-bd380a11}"},
           {"id inet PRIMARY KEY", "10.0.0.1/32", "10.0.0.1", "10.0.0.1/32"},
           {"id cidr PRIMARY KEY", "10.0.0.0/8", "10/8", "10.0.0.0/8"},
           {"id macaddr PRIMARY KEY", "08:00:2b:01:02:03", "08-00-2b-01-02-03", "08002b:010203"},
           {"id jsonb PRIMARY KEY", R"({"a":1})", R"({"a": 1})", R"( {"a":1})"}}) {
    database_.exec(std::string("DROP TABLE IF EXISTS item; CREATE TABLE item (") + each.columns + ", v bigint)");
    check_one_key(kString_, text(each.first), text(each.second), text(each.third), each.columns);
  }
  database_.exec("DROP TABLE item; CREATE TABLE item (id text, v bigint); CREATE UNIQUE INDEX ON item (id COLLATE caseless)");
  check_one_key(kString_, text("Ann"), text("ANN"), text("ann"), "an index that compares in its own way");

  constexpr std::int64_t kBefore = 900'000'000'000'000, kSince = 1'000'000'000'000'000;  // of 2000, from which the server counts
  for (const char* columns : {"id timestamptz(0) PRIMARY KEY", "id timestamp(0) PRIMARY KEY"}) {
    for (const auto& [first, second, third] : {std::tuple{kSince + 250'000, kSince, kSince + 499'999},
                                               {kSince + 500'000, kSince + 1'000'000, kSince + 1'499'999},
                                               {kBefore - 500'000, kBefore - 1'000'000, kBefore - 1'499'999},
                                               {kBefore - 499'999, kBefore, kBefore + 499'999}}) {
      database_.exec(std::string("DROP TABLE item; CREATE TABLE item (") + columns + ", v bigint)");
      check_one_key(types_.scalar(TypeKind::Timestamp), number(first), number(second), number(third), columns);
    }
  }
}

TEST_F(PostgresSinkTest, AKeyThatAnIntervalCutsIsFound) {
  database_.exec("CREATE TABLE item (id interval(0) PRIMARY KEY, v bigint)");
  check_one_key(types_.scalar(TypeKind::Duration), number(1'400'000), number(1'000'000), number(1'300'000), "interval(0)");
}

// Not the column, and no other index.
TEST_F(PostgresSinkTest, TheIndexOverTheKeySaysWhatIsEqual) {
  database_.exec(
      "CREATE COLLATION caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false); "
      "CREATE TABLE one (id text PRIMARY KEY, v bigint, UNIQUE (v, id)); CREATE UNIQUE INDEX ON one (v, id COLLATE caseless); "
      "CREATE TABLE two (id text COLLATE caseless, v bigint); CREATE UNIQUE INDEX ON two (id COLLATE \"C\")");
  for (const std::string table : {"one", "two"}) {
    auto sink = open({table, {{"id", kString_}, {"v", kInt_}}, {0}}, kUpsert_);
    ASSERT_TRUE(write(*sink, {{text("Ann"), number(1)}, {text("ann"), number(2)}})) << table;
    ASSERT_TRUE(write(*sink, {{text("ann"), number(0)}}, {true})) << table;
    EXPECT_EQ(database_.value("SELECT v FROM " + table), "1") << table;
  }
}

TEST_F(PostgresSinkTest, RowsOfOneKeyThatOnlyTheServerKnowsAreRefusedTogether) {
  database_.exec("CREATE TABLE item (id inet PRIMARY KEY, v bigint)");
  auto sink = open({"item", {{"id", kString_}, {"v", kInt_}}, {0}}, kUpsert_);
  const auto refused = write(*sink, {{text("10.0.0.1"), number(1)}, {text("10.0.0.1/32"), number(2)}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().sqlstate, "21000");
  ASSERT_TRUE(write(*sink, {{text("10.0.0.1"), number(1)}}));
  ASSERT_TRUE(write(*sink, {{text("10.0.0.1/32"), number(2)}}));
  EXPECT_EQ(database_.value("SELECT v FROM item"), "2");
}

TEST_F(PostgresSinkTest, VersionsInCitextAreOrderedByTheirBytes) {
  database_.exec("CREATE EXTENSION citext; CREATE TABLE item (id bigint PRIMARY KEY, name text, v citext)");
  auto sink = open({"item", {{"id", kInt_}, {"name", kString_}, {"v", kString_}}, {0}}, kNewest_);
  ASSERT_TRUE(write(*sink, {{number(1), text("first"), text("a")}}));
  ASSERT_TRUE(write(*sink, {{number(1), text("second"), text("B")}}));
  EXPECT_EQ(database_.value("SELECT name FROM item"), "first");
  ASSERT_TRUE(write(*sink, {{number(2), text("first"), text("a")}, {number(2), text("second"), text("B")}}));
  EXPECT_EQ(database_.value("SELECT name FROM item WHERE id = 2"), "first");
}

TEST_F(PostgresSinkTest, WhatIsTooLongForAKeyDeletesNothing) {
  database_.exec("CREATE TABLE item (id varchar(3) PRIMARY KEY, v bigint)");
  auto sink = open({"item", {{"id", kString_}, {"v", kInt_}}, {0}}, kUpsert_);
  ASSERT_TRUE(write(*sink, {{text("abc"), number(1)}, {text("abcd"), number(0)}}, {false, true}));
  EXPECT_EQ(database_.value("SELECT id FROM item"), "abc");
}

TEST_F(PostgresSinkTest, AVersionThatIsRoundedOrdersNothing) {
  const value::TypeId time = types_.scalar(TypeKind::Timestamp);
  database_.exec("CREATE TABLE item (id bigint PRIMARY KEY, name text, v timestamptz(3))");
  const auto refused = try_open({"item", {{"id", kInt_}, {"name", kString_}, {"v", time}}, {0}}, kNewest_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, base::ErrorCode::SchemaMismatch);
  EXPECT_THAT(refused.error().message, ::testing::HasSubstr("`v` is the version, and timestamp(3) with time zone rounds"));
  database_.exec("ALTER TABLE item ALTER v TYPE timestamptz(6)");
  EXPECT_TRUE(try_open({"item", {{"id", kInt_}, {"name", kString_}, {"v", time}}, {0}}, kNewest_));
}

TEST_F(PostgresSinkTest, IgnoreKeepsTheFirst) {
  auto sink = open(items(), {ir::Conflict::Ignore, -1, true, true});
  ASSERT_TRUE(write(*sink, {item(1, "a", 1), item(1, "b", 2), item(2, "c", 3)}));
  ASSERT_TRUE(write(*sink, {item(2, "d", 4), item(2, "", 0), item(2, "e", 5)}, {false, true, false}));
  EXPECT_EQ(stored_items(), "1|a|1 2|e|5");
}

TEST_F(PostgresSinkTest, ATableOfKeysAlone) {
  auto sink = open({"seen", {{"id", kInt_}}, {0}}, kUpsert_);
  for (int times = 0; times < 2; ++times) ASSERT_TRUE(write(*sink, {{number(1)}, {number(1)}, {number(2)}}));
  EXPECT_EQ(database_.value("SELECT id FROM seen ORDER BY 1"), "1 2");
}

TEST_F(PostgresSinkTest, MoreRowsThanOneStatementTakes) {
  auto sink = open(items(), kUpsert_);
  std::vector<Cells> rows;
  for (int i = 0; i < 4'321; ++i) rows.push_back(item(i, "x", i));
  ASSERT_TRUE(write(*sink, rows));
  EXPECT_EQ(database_.value("SELECT count(*), sum(v) FROM item"), "4321|9333360");
  ASSERT_TRUE(write(*sink, rows, std::vector<bool>(rows.size(), true)));
  EXPECT_EQ(database_.value("SELECT count(*) FROM item"), "0");
}

TEST_F(PostgresSinkTest, DeadLettersAreOneText) {
  auto sink = open({"letters", {}, {}}, kPlain_);
  OutputRow row;
  row.encoded = "{\"code\":\"P1001\"}";
  ASSERT_TRUE(sink->write(std::span(&row, 1)));
  EXPECT_EQ(database_.value("SELECT letter->>'code' FROM letters"), "P1001");
}

// ---- Refusals

TEST_F(PostgresSinkTest, ARefusedRowLeavesNothingOfItsCallAndIsNamedWhereTheServerDoes) {
  auto sink = open(items(), kPlain_);
  ASSERT_TRUE(write(*sink, {item(1, "a", 1)}));
  auto refused = write(*sink, {item(2, "b", 1), item(1, "c", 1), item(3, "d", 1)});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().sqlstate, "23505");
  EXPECT_EQ(refused.error().row, -1) << "of many rows in one statement nobody knows which";
  EXPECT_EQ(stored_items(), "1|a|1");
  std::vector<Cells> many;
  for (int i = 0; i < 3'000; ++i) many.push_back(item(10 + i, "x", i));
  many[2'345] = item(1, "again", 0);
  refused = write(*sink, many);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().row, 2'345) << refused.error().message;
  many[2'345] = item(20'000, std::string_view("\xff", 1), 0);
  refused = write(*sink, many);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().row, 2'345) << refused.error().message;
  EXPECT_EQ(stored_items(), "1|a|1");
  many[2'345] = item(20'000, "fine", 0);
  EXPECT_TRUE(write(*sink, many)) << "the sink goes on";
}

// The server quotes what it refuses, and what it quotes may look like its own words.
TEST_F(PostgresSinkTest, WhatDataSayOfLinesNamesNoRow) {
  database_.exec("CREATE TABLE \"a, 7b\" (id bigint, name text CHECK (name NOT LIKE 'x%'), u uuid)");
  auto sink = open({"a, 7b", {{"id", kInt_}, {"name", kString_}, {"u", kString_}}, {}}, {ir::Conflict::Error, -1, false, false});
  constexpr std::string_view kUuid = "0190163d-8694-739b-aea5-966c26f8ad91";
  std::vector<Cells> many;
  for (int i = 0; i < 3'000; ++i) many.push_back({number(i), text("a"), text(kUuid)});
  many[1'500][1] = text("x\nCOPY a, 7b, line 5");
  auto refused = write(*sink, many);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().sqlstate, "23514");
  EXPECT_EQ(refused.error().row, 1'500) << refused.error().message;
  many[1'500] = {number(1), text("a"), text("x\nCOPY a, 7b, line 5")};
  refused = write(*sink, many);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().row, -1) << "two lines of the context name a row: " << refused.error().message;
}

TEST_F(PostgresSinkTest, AZeroInATextIsItsRecordsFault) {
  auto sink = open(items(), kUpsert_);
  auto refused = write(*sink, {item(1, "a", 1), item(2, std::string_view("b\0c", 3), 1)});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().row, 1);
  EXPECT_EQ(refused.error().sqlstate, "22021");
  EXPECT_EQ(stored_items(), "");
}

TEST_F(PostgresSinkTest, ATriggerThatRaisesRefusesTheRow) {
  database_.exec(
      "CREATE TABLE item (id bigint PRIMARY KEY, name text, v bigint);"
      "CREATE FUNCTION no_odd() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.v % 2 = 1 THEN RAISE EXCEPTION 'odd: %', "
      "NEW.v; "
      "END IF; RETURN NEW; END $$;"
      "CREATE TRIGGER t BEFORE INSERT OR UPDATE ON item FOR EACH ROW EXECUTE FUNCTION no_odd();");
  auto sink = open(items(), kUpsert_);
  auto refused = write(*sink, {item(1, "a", 3)});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::ConstraintViolated);
  EXPECT_EQ(refused.error().sqlstate, "P0001");
  EXPECT_THAT(refused.error().message, HasSubstr("odd: 3"));
  EXPECT_EQ(refused.error().row, 0);
  EXPECT_TRUE(write(*sink, {item(1, "a", 4)}));
}

TEST_F(PostgresSinkTest, AConstraintThatIsCheckedAtCommitIsARecordsFaultToo) {
  database_.exec(
      "CREATE TABLE parent (id bigint PRIMARY KEY); CREATE TABLE item (id bigint PRIMARY KEY, name text, "
      "v bigint REFERENCES parent DEFERRABLE INITIALLY DEFERRED)");
  auto sink = open(items(), kUpsert_);
  auto refused = write(*sink, {item(1, "a", 3)});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().sqlstate, "23503") << refused.error().message;
  EXPECT_EQ(base::traits(refused.error().code).error_class, ErrorClass::Data);
  database_.exec("INSERT INTO parent VALUES (3)");
  EXPECT_TRUE(write(*sink, {item(1, "a", 3)}));
}

// ---- In the domain's transaction

TEST_F(PostgresSinkTest, JoinsTheDomainsTransaction) {
  auto domain = must(PostgresDomain::open(database_.settings(), "p", "orders.shop"));
  auto sink = must(TableSink::open(domain->session(), nullptr, types_, items(), kUpsert_));
  const std::vector partitions{commit::PartitionName{"orders", 0}};
  auto claimed = must(domain->claim(partitions));
  claimed.front().next_offset = 0;
  ASSERT_TRUE(domain->seed_positions(claimed));
  ASSERT_TRUE(domain->begin());
  ASSERT_TRUE(domain->fence(std::vector{commit::Advance{partitions[0], 0, 1, {.read = 1, .used = 1}, 0}}));
  ASSERT_TRUE(write(*sink, {item(1, "a", 1)}));
  EXPECT_EQ(stored_items(), "") << "nobody sees it before the commit";
  domain->abort();
  EXPECT_EQ(stored_items(), "");
  ASSERT_TRUE(domain->begin());
  ASSERT_TRUE(domain->fence(std::vector{commit::Advance{partitions[0], 0, 1, {.read = 1, .used = 1}, 0}}));
  ASSERT_TRUE(write(*sink, {item(1, "a", 1)}));
  ASSERT_TRUE(domain->commit());
  EXPECT_EQ(stored_items(), "1|a|1");
  ASSERT_TRUE(domain->begin());
  ASSERT_TRUE(domain->fence(std::vector{commit::Advance{partitions[0], 1, 2, {.read = 1, .used = 1}, 0}}));
  ASSERT_FALSE(write(*sink, {item(2, std::string_view("\xff", 1), 1)}));
  ASSERT_FALSE(domain->commit()) << "a transaction with a failure in it never becomes a commit";
  EXPECT_EQ(must(domain->read_positions(ir::StepMode::Locking)).front().next_offset, 1);
}

TEST_F(PostgresSinkTest, ABackendKilledInTheMiddleIsTransientAndTheNextCallGoesThrough) {
  auto own = must(Session::open(database_.settings()));
  Session& session = *own;
  auto sink = must(TableSink::open(session, std::move(own), types_, items(), kUpsert_));
  ASSERT_TRUE(write(*sink, {item(1, "a", 1)}));
  database_.exec("SELECT pg_terminate_backend(" + std::to_string(session.backend()) + ")");
  auto lost = write(*sink, {item(2, "b", 1)});
  ASSERT_FALSE(lost);
  EXPECT_EQ(base::traits(lost.error().code).error_class, ErrorClass::Transient) << lost.error().message;
  EXPECT_TRUE(write(*sink, {item(2, "b", 1)}));
  EXPECT_EQ(stored_items(), "1|a|1 2|b|1");
}

// ---- The table does not fit

struct Misfit {
  const char* table;
  ErrorCode code;
  const char* says;
};

class MisfittingTable : public PostgresSinkTest, public ::testing::WithParamInterface<Misfit> {};

TEST_P(MisfittingTable, IsAnErrorOfConfigurationThatNamesTableAndColumn) {
  database_.exec(GetParam().table);
  auto opened = try_open(items(), {ir::Conflict::Update, -1, true, false});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, GetParam().code);
  EXPECT_EQ(base::traits(opened.error().code).error_class, ErrorClass::Configuration);
  EXPECT_THAT(opened.error().message, HasSubstr("`item`"));
  EXPECT_THAT(opened.error().message, HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    Tables, MisfittingTable,
    ::testing::Values(
        Misfit{"SELECT 1", ErrorCode::NoSuchTable, "create = true"},
        Misfit{"CREATE TABLE item (id bigint PRIMARY KEY, name text)", ErrorCode::SchemaMismatch, "column `v` is missing"},
        Misfit{"CREATE TABLE item (id bigint PRIMARY KEY, \"NAME\" text, v bigint)", ErrorCode::SchemaMismatch,
               "there is `NAME`"},
        Misfit{"CREATE TABLE item (id bigint PRIMARY KEY, name text, v text)", ErrorCode::SchemaMismatch, "cannot hold int64"},
        Misfit{"CREATE TABLE item (id bigint PRIMARY KEY, name integer, v bigint)", ErrorCode::SchemaMismatch,
               "cannot hold string"},
        Misfit{"CREATE TABLE item (id bigint PRIMARY KEY, name text, v bigint, w int NOT NULL)", ErrorCode::SchemaMismatch,
               "column `w` demands a value"},
        Misfit{"CREATE TABLE item (id bigint PRIMARY KEY, name text, v bigint GENERATED ALWAYS AS (id + 1) STORED)",
               ErrorCode::SchemaMismatch, "column `v` takes no values"},
        Misfit{"CREATE TABLE item (id bigint, name text, v bigint)", ErrorCode::SchemaMismatch, "CREATE UNIQUE INDEX"},
        Misfit{"CREATE TABLE item (id bigint UNIQUE DEFERRABLE, name text, v bigint)", ErrorCode::SchemaMismatch,
               "no unique index"},
        Misfit{"CREATE TABLE item (id bigint, name text, v bigint, UNIQUE (id, v))", ErrorCode::SchemaMismatch,
               "no unique index"},
        Misfit{"CREATE TABLE item (id bigint, name text, v bigint); CREATE UNIQUE INDEX ON item (id) WHERE v > 0",
               ErrorCode::SchemaMismatch, "no unique index"},
        Misfit{"CREATE SEQUENCE item", ErrorCode::SchemaMismatch, "is no table"},
        Misfit{"CREATE MATERIALIZED VIEW item AS SELECT 1::bigint AS id, ''::text AS name, 1::bigint AS v",
               ErrorCode::SchemaMismatch, "no commit here covers"}));

TEST_F(PostgresSinkTest, ADecimalIsNeverRounded) {
  database_.exec("CREATE TABLE item (id numeric(10, 1))");
  const TableLayout layout{"item", {{"id", types_.decimal(10, 2)}}, {}};
  auto opened = try_open(layout, {});
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message, HasSubstr("numeric(10,1), which cannot hold decimal(10, 2)"));
  database_.exec("ALTER TABLE item ALTER id TYPE numeric(10, 4)");
  EXPECT_TRUE(try_open(layout, {}));
}

TEST_F(PostgresSinkTest, ARowThatAPolicyRefusesIsARecordsFaultAndAMissingRightIsNot) {
  const std::string user = database_.name() + "_tenant";
  database_.exec(
      "CREATE TABLE item (id bigint PRIMARY KEY, name text, v bigint); ALTER TABLE item ENABLE ROW LEVEL SECURITY; "
      "CREATE POLICY p ON item USING (true) WITH CHECK (v <> 3); CREATE ROLE " +
      user + " LOGIN PASSWORD 'secret'; GRANT ALL ON item TO " + user);
  auto settings = database_.settings();
  settings.url = database_.url(0, user);
  auto own = must(Session::open(settings));
  auto sink = must(TableSink::open(*own, nullptr, types_, items(), {ir::Conflict::Update, -1, true, false}));
  const auto refused = write(*sink, {item(1, "a", 3)});
  const auto taken = write(*sink, {item(1, "a", 2)});
  const auto changed = write(*sink, {item(1, "a", 3)});
  std::vector<Cells> rows;  // more than one statement takes
  for (std::int64_t id = 10; id < 3'000; ++id) rows.push_back(item(id, "a", 2));
  auto plain = must(TableSink::open(*own, nullptr, types_, items(), {ir::Conflict::Error, -1, false, false}));
  const auto many = write(*plain, rows);
  plain.reset();
  database_.exec("REVOKE INSERT ON item FROM " + user);
  const auto forbidden = write(*sink, {item(2, "b", 2)});
  sink.reset();
  own.reset();
  database_.exec("DROP OWNED BY " + user + "; DROP ROLE " + user);
  for (const auto* each : {&refused, &changed}) {
    ASSERT_FALSE(*each);
    EXPECT_EQ(each->error().code, ErrorCode::ConstraintViolated) << each->error().message;
    EXPECT_EQ(each->error().sqlstate, "42501");
    EXPECT_EQ(each->error().row, 0);
  }
  EXPECT_TRUE(taken);
  EXPECT_TRUE(many) << many.error().message;
  ASSERT_FALSE(forbidden);
  EXPECT_EQ(forbidden.error().code, ErrorCode::CannotOpen) << forbidden.error().message;
}

TEST_F(PostgresSinkTest, AUserWithoutPrivilegesIsToldWhatToGrant) {
  const std::string user = database_.name() + "_writer";
  database_.exec("CREATE TABLE item (id bigint PRIMARY KEY, name text, v bigint); CREATE ROLE " + user +
                 " LOGIN PASSWORD 'secret'; GRANT INSERT ON item TO " + user);
  auto settings = database_.settings();
  settings.url = database_.url(0, user);
  auto own = must(Session::open(settings));
  auto opened = TableSink::open(*own, nullptr, types_, items(), {ir::Conflict::Update, -1, true, false});
  auto plain = TableSink::open(*own, nullptr, types_, items(), {ir::Conflict::Error, -1, false, false});
  own.reset();
  database_.exec("DROP OWNED BY " + user + "; DROP ROLE " + user);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::CannotOpen);
  EXPECT_THAT(opened.error().message, HasSubstr("GRANT SELECT, UPDATE, DELETE ON"));
  EXPECT_TRUE(plain);
}

}  // namespace
}  // namespace piperun::postgres
