// Look-ups in a table of a real PostgreSQL.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lang/value/compare.h"
#include "lang/value/json_node.h"
#include "runtime/commit/postgres/session.h"
#include "runtime/connectors/postgres/lookup_table.h"
#include "tests/integration/postgres_database.h"

namespace piperun::postgres {
namespace {

using base::ErrorCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using value::Cell;
using value::TypeKind;

template <typename Value>
auto must(base::Result<Value> result) {
  if (result) return std::move(*result);
  ADD_FAILURE() << result.error().message;
  std::abort();
}

class PostgresTableTest : public ::testing::Test {
 protected:
  std::unique_ptr<connectors::Table> open(TableLayout layout, std::int64_t cache = 0) {
    layout_ = layout;
    return must(LookupTable::open(database_.settings(), types_, std::move(layout), cache, clock_));
  }
  // Each row as text, `-` where there is none.
  std::vector<std::string> look_up(connectors::Table& table, const std::vector<std::vector<Cell>>& keys) {
    std::vector<const Cell*> pointers, rows(keys.size());
    for (const auto& key : keys) pointers.push_back(key.data());
    if (auto done = table.lookup(pointers, arena_, rows); !done) return {done.error().message};
    std::vector<std::string> result;
    for (const Cell* row : rows) {
      std::string& text = result.emplace_back(row == nullptr ? "-" : "");
      for (std::size_t i = 0; row != nullptr && i < layout_.columns.size(); ++i) {
        text += i == 0 ? "" : "|";
        value::append_text(text, types_, layout_.columns[i].type, row);
        row += value::cells(types_[layout_.columns[i].type]);
      }
    }
    return result;
  }
  static Cell text(std::string_view value) { return Cell::of(value); }
  static Cell number(std::int64_t value) { return Cell::of(value); }

  integration::TestDatabase database_;
  value::TypeTable types_;
  value::Arena arena_;
  base::VirtualClock clock_{0};
  TableLayout layout_;
  const value::TypeId kInt_ = types_.scalar(TypeKind::Int), kString_ = types_.scalar(TypeKind::String);
};

TEST_F(PostgresTableTest, OneQueryForAllKeysOfABatch) {
  database_.exec(
      "CREATE TABLE customer (id text PRIMARY KEY, city text, since int); INSERT INTO customer VALUES ('a', 'Bonn', 1), "
      "('b', NULL, 2), ('ü''\"\\,{}', 'Köln', 3)");
  auto table = open({"customer", {{"id", kString_}, {"city", types_.with_null(kString_)}, {"since", kInt_}}, {0}});
  EXPECT_THAT(
      look_up(*table,
              {{text("b")}, {text("nobody")}, {text("a")}, {text("ü'\"\\,{}")}, {text("a")}, {text(std::string_view("a\0", 2))}}),
      ElementsAre("b|null|2", "-", "a|Bonn|1", "ü'\"\\,{}|Köln|3", "a|Bonn|1", "-"));
  database_.exec("UPDATE customer SET city = 'Jena' WHERE id = 'a'");
  EXPECT_THAT(look_up(*table, {{text("a")}}), ElementsAre("a|Jena|1")) << "without a cache each batch reads anew";
  EXPECT_TRUE(look_up(*table, {}).empty());
}

TEST_F(PostgresTableTest, EveryTypeComesBack) {
  const value::TypeId color = types_.intern({.kind = TypeKind::Enum, .name = "Color", .values = {"red", "blue"}});
  const value::TypeId record = types_.record("", {{"a", kInt_}, {"b", types_.with_null(kString_)}});
  database_.exec(
      "CREATE TYPE color AS ENUM ('blue', 'red');"
      "CREATE TABLE every (id uuid PRIMARY KEY, i smallint, b bool, f float8, d numeric(10,2), y bytea, t timestamptz, ts "
      "timestamp, "
      "u interval, e color, l json, r jsonb, n numeric);"
      "INSERT INTO every VALUES ('6F9619FF-8B86-D011-B42D-00C04FC964FF', -3, true, 0.1, 12.5, '\\x00ff', '2026-01-31 "
      "12:00:00.5+02', "
      "'0001-01-01', '-1 day 00:00:00.000001', 'red', '[1, 2]', '{\"a\": 1, \"b\": null}', 7.00)");
  auto table = open({"every",
                     {{"id", kString_},
                      {"i", kInt_},
                      {"b", types_.scalar(TypeKind::Bool)},
                      {"f", types_.scalar(TypeKind::Float)},
                      {"d", types_.decimal(12, 3)},
                      {"y", types_.scalar(TypeKind::Bytes)},
                      {"t", types_.scalar(TypeKind::Timestamp)},
                      {"ts", types_.scalar(TypeKind::Timestamp)},
                      {"u", types_.scalar(TypeKind::Duration)},
                      {"e", color},
                      {"l", types_.list(kInt_)},
                      {"r", record},
                      {"n", kInt_}},
                     {0}});
  const std::string_view id = "6f9619ff-8b86-d011-b42d-00c04fc964ff";
  EXPECT_THAT(look_up(*table, {{text(id)}, {text("no uuid at all")}}),
              ElementsAre(std::string(id) +
                              "|-3|true|0.1|12.500|AP8=|2026-01-31T10:00:00.500Z|0001-01-01T00:00:00Z|-23h59m59s999ms999us|red|"
                              "[1,2]|{\"a\":1,\"b\":null}|7",
                          "-"));
}

TEST_F(PostgresTableTest, KeysOfSeveralColumnsAndKinds) {
  database_.exec(
      "CREATE TABLE price (item int, day timestamptz, kind varchar(3), cents numeric, PRIMARY KEY (item, day, kind));"
      "INSERT INTO price VALUES (1, '1970-01-01Z', 'abc', 5), (1, '1970-01-02Z', 'abc', 6)");
  auto table =
      open({"price",
            {{"cents", types_.decimal(10, 0)}, {"item", kInt_}, {"kind", kString_}, {"day", types_.scalar(TypeKind::Timestamp)}},
            {1, 3, 2}});
  EXPECT_THAT(look_up(*table, {{number(1), number(0), text("abc")},
                               {number(1), number(0), text("abcd")},
                               {number(INT64_MAX), number(0), text("abc")}}),
              ElementsAre("5|1|abc|1970-01-01T00:00:00Z", "-", "-"));
}

TEST_F(PostgresTableTest, ACachedAnswerIsGoodForItsTimeAlsoThatThereIsNone) {
  database_.exec("CREATE TABLE customer (id bigint PRIMARY KEY, city text); INSERT INTO customer VALUES (1, 'Bonn')");
  auto table = open({"customer", {{"id", kInt_}, {"city", kString_}}, {0}}, 1'000);
  EXPECT_THAT(look_up(*table, {{number(1)}, {number(2)}}), ElementsAre("1|Bonn", "-"));
  database_.exec("UPDATE customer SET city = 'Jena'; INSERT INTO customer VALUES (2, 'Gera')");
  clock_.advance(999);
  EXPECT_THAT(look_up(*table, {{number(1)}, {number(2)}}), ElementsAre("1|Bonn", "-"));
  clock_.advance(1);
  EXPECT_THAT(look_up(*table, {{number(1)}, {number(2)}}), ElementsAre("1|Jena", "2|Gera"));
}

TEST_F(PostgresTableTest, TheCacheIsBounded) {
  database_.exec(
      "CREATE TABLE big (id bigint PRIMARY KEY, body text); INSERT INTO big SELECT i, repeat('x', 10000000) FROM "
      "generate_series(1, 8) i");
  auto table = open({"big", {{"id", kInt_}, {"body", kString_}}, {0}}, INT64_MAX / 2);
  for (int i = 1; i <= 8; ++i) EXPECT_EQ(look_up(*table, {{number(i)}}).front().size(), 10'000'002u);
  database_.exec("UPDATE big SET body = 'new'");
  EXPECT_THAT(look_up(*table, {{number(1)}}), ElementsAre("1|new")) << "the oldest went when 64 MiB were full";
  EXPECT_EQ(look_up(*table, {{number(8)}}).front().size(), 10'000'002u) << "the newest did not";
}

TEST_F(PostgresTableTest, SeveralRowsForOneKeyAreAnError) {
  database_.exec("CREATE TABLE customer (id bigint, city text); INSERT INTO customer VALUES (1, 'a'), (1, 'b')");
  auto table = open({"customer", {{"id", kInt_}, {"city", kString_}}, {0}});
  EXPECT_THAT(look_up(*table, {{number(1)}}).front(), HasSubstr("several rows for one key"));
}

TEST_F(PostgresTableTest, WhatDoesNotFitIsNamed) {
  EXPECT_EQ(LookupTable::open(database_.settings(), types_, {"nope", {{"id", kInt_}}, {0}}, 0, clock_).error().code,
            ErrorCode::NoSuchTable);
  database_.exec("CREATE TABLE customer (id bigint, city text); INSERT INTO customer VALUES (1, NULL)");
  auto refused =
      LookupTable::open(database_.settings(), types_, {"customer", {{"id", kInt_}, {"town", kString_}}, {0}}, 0, clock_);
  EXPECT_EQ(refused.error().code, ErrorCode::SchemaMismatch);
  EXPECT_THAT(refused.error().message, HasSubstr("column `town` is missing"));
  auto table = open({"customer", {{"id", kInt_}, {"city", kString_}}, {0}});
  EXPECT_THAT(look_up(*table, {{number(1)}}).front(), HasSubstr("NULL in column `city` is no string"));
}

TEST_F(PostgresTableTest, AColumnMayChangeItsTypeMeanwhile) {
  database_.exec("CREATE TABLE stock (id bigint PRIMARY KEY, pieces int); INSERT INTO stock VALUES (1, 5)");
  auto table = open({"stock", {{"id", kInt_}, {"pieces", kInt_}}, {0}});
  EXPECT_THAT(look_up(*table, {{number(1)}}), ElementsAre("1|5"));
  database_.exec("ALTER TABLE stock ALTER COLUMN pieces TYPE bigint");
  EXPECT_THAT(look_up(*table, {{number(1)}}), ElementsAre("1|5"));
  database_.exec("ALTER TABLE stock DROP COLUMN pieces");
  EXPECT_THAT(look_up(*table, {{number(1)}}).front(), HasSubstr("pieces"));
}

TEST_F(PostgresTableTest, ATransactionThatMeetsAChangedTypeIsRunAgain) {
  database_.exec("CREATE TABLE stock (id bigint, pieces int); INSERT INTO stock VALUES (1, 5)");
  auto session = must(Session::open(database_.settings()));
  const std::string first = "SELECT pieces FROM stock", second = "SELECT pieces, id FROM stock";
  must(session->query(first));
  must(session->query(second));
  database_.exec("ALTER TABLE stock ALTER COLUMN pieces TYPE bigint");
  ASSERT_TRUE(session->begin());
  const auto passing = session->query(first);
  ASSERT_FALSE(passing);
  EXPECT_EQ(passing.error().code, ErrorCode::SystemUnavailable) << passing.error().message;
  EXPECT_EQ(session->commit().error().code, ErrorCode::SystemUnavailable);
  const int backend = session->backend();
  ASSERT_TRUE(session->begin());
  EXPECT_EQ(must(session->query(first)).text(0, 0), "5");
  EXPECT_EQ(must(session->query(second)).text(0, 0), "5") << "all that was prepared before is prepared anew";
  EXPECT_TRUE(session->commit());
  EXPECT_EQ(session->backend(), backend);
}

TEST_F(PostgresTableTest, ALostConnectionIsOpenedAgain) {
  database_.exec("CREATE TABLE customer (id bigint PRIMARY KEY); INSERT INTO customer VALUES (1)");
  auto table = open({"customer", {{"id", kInt_}}, {0}});
  EXPECT_THAT(look_up(*table, {{number(1)}}), ElementsAre("1"));
  database_.exec(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()");
  EXPECT_THAT(look_up(*table, {{number(1)}}).front(), HasSubstr("connection"));
  EXPECT_THAT(look_up(*table, {{number(1)}}), ElementsAre("1"));
}

}  // namespace
}  // namespace piperun::postgres
