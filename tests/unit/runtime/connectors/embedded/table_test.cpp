#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "runtime/connectors/embedded/inspector.h"
#include "runtime/connectors/embedded/lookup_table.h"
#include "runtime/connectors/embedded/samples.h"
#include "runtime/connectors/embedded/table_writer.h"
#include "tests/unit/runtime/commit/embedded/temporary.h"

namespace piperun::embedded {
namespace {

using base::ErrorCode;
using connectors::OutputRow;
using ir::Conflict;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using value::Cell;
using value::TypeKind;

class TableTest : public ::testing::Test {
 protected:
  TableTest() {
    auto database = Database::open(path_, Database::Access::Write);
    if (!database) std::abort();
    database_ = std::move(*database);
  }
  value::TypeId scalar(TypeKind kind) { return types_.scalar(kind); }
  value::TypeId optional(TypeKind kind) { return types_.with_null(types_.scalar(kind)); }
  std::unique_ptr<TableWriter> writer(TableLayout layout, WriteMode mode) {
    auto result = TableWriter::open(*database_, nullptr, types_, std::move(layout), mode);
    if (!result) {
      ADD_FAILURE() << result.error().message;
      std::abort();
    }
    return std::move(*result);
  }
  // id: int64 (the key), version: timestamp
  TableLayout versioned() { return {"v", {{"id", scalar(TypeKind::Int)}, {"at", scalar(TypeKind::Timestamp)}}, {0}}; }
  base::Result<void> write(TableWriter& to, std::vector<std::vector<Cell>> rows, bool remove = false) {
    std::vector<OutputRow> output;
    for (const auto& cells : rows) output.push_back({.cells = cells.data(), .remove = remove});
    return to.write(output);
  }
  std::vector<std::string> stored(const std::string& sql) {
    Query query = database_->query(sql);
    std::vector<std::string> result;
    for (;;) {
      auto row = query.step();
      if (!row) return {row.error().message};
      if (!*row) return result;
      std::string line;
      for (int i = 0; i < query.columns(); ++i) line += (i == 0 ? "" : "|") + (query.is_null(i) ? "NULL" : query.text(i));
      result.push_back(line);
    }
  }
  std::string file(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
    return folder_ / name;
  }

  piperun::testing::TemporaryFolder folder_;
  std::string path_ = folder_ / "shop.db";
  std::unique_ptr<Database> database_;
  value::TypeTable types_;
  base::VirtualClock clock_{0};
};

TEST_F(TableTest, EachTypeIsStoredExactlyAndReadBack) {
  const value::TypeId channel = types_.intern({.kind = TypeKind::Enum, .name = "Channel", .values = {"web", "shop"}});
  const value::TypeId list = types_.list(scalar(TypeKind::Int));
  const TableLayout layout{"t",
                           {{"id", scalar(TypeKind::String)},
                            {"amount", types_.decimal(38, 2)},
                            {"at", scalar(TypeKind::Timestamp)},
                            {"paid", scalar(TypeKind::Bool)},
                            {"rate", scalar(TypeKind::Float)},
                            {"raw", scalar(TypeKind::Bytes)},
                            {"channel", channel},
                            {"lines", list},
                            {"note", optional(TypeKind::String)}},
                           {0}};
  const Cell numbers[] = {Cell::of(std::int64_t{1}), Cell::of(std::int64_t{2})};
  const value::Int128 big = value::Int128{1'000'000'000'000'000'000} * 1'000'000'000'000'000'000 + 7;
  std::vector<Cell> row{Cell::of(std::string_view("a")),
                        Cell::of(-big),
                        Cell::of(std::int64_t{1'500'000}),
                        Cell::of(true),
                        Cell::of(0.5),
                        Cell::of(std::string_view("\0x", 2)),
                        Cell::of(std::int64_t{1}),
                        Cell::of(value::List{numbers, 2}),
                        Cell::of(true),
                        Cell{}};
  auto to = writer(layout, {});
  ASSERT_TRUE(write(*to, {row}));
  EXPECT_THAT(stored("SELECT amount, at, paid, typeof(paid), rate, hex(raw), channel, lines, note FROM t"),
              ElementsAre("-10000000000000000000000000000000000.07|1970-01-01T00:00:01.500Z|1|integer|0.5|0078|shop|[1,2]|NULL"));
  auto table = LookupTable::open(path_, types_, layout, 0, clock_);
  ASSERT_TRUE(table);
  value::Arena arena;
  const Cell keys[] = {Cell::of(std::string_view("a")), Cell::of(std::string_view("b"))};
  const Cell* key_views[] = {&keys[0], &keys[1]};
  const Cell* rows[2];
  ASSERT_TRUE((*table)->lookup(key_views, arena, rows));
  EXPECT_EQ(rows[1], nullptr);
  ASSERT_NE(rows[0], nullptr);
  EXPECT_TRUE(rows[0][1].d == -big);
  EXPECT_EQ(rows[0][2].i, 1'500'000);
  EXPECT_EQ(rows[0][5].s.size, 2u);
  EXPECT_EQ(rows[0][6].i, 1);
  EXPECT_EQ(rows[0][7].l.count, 2u);
  EXPECT_EQ(rows[0][7].l.items[1].i, 2);
  EXPECT_TRUE(rows[0][8].b);
}

Cell whole(std::int64_t value) { return Cell::of(value); }

TEST_F(TableTest, ConflictModes) {
  auto refuse = writer(versioned(), {Conflict::Error, -1});
  ASSERT_TRUE(write(*refuse, {{whole(1), whole(0)}}));
  auto refused = write(*refuse, {{whole(2), whole(0)}, {whole(1), whole(9)}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::ConstraintViolated);
  EXPECT_EQ(refused.error().row, 1);
  EXPECT_EQ(refused.error().sqlstate, "23505");
  EXPECT_THAT(stored("SELECT id FROM v"), ElementsAre("1")) << "nothing of a refused call";
  auto ignore = writer(versioned(), {Conflict::Ignore, -1});
  ASSERT_TRUE(write(*ignore, {{whole(1), whole(5'000'000)}, {whole(3), whole(0)}}));
  EXPECT_THAT(stored("SELECT id, at FROM v ORDER BY id"), ElementsAre("1|1970-01-01T00:00:00Z", "3|1970-01-01T00:00:00Z"));
  auto update = writer(versioned(), {Conflict::Update, -1});
  ASSERT_TRUE(write(*update, {{whole(1), whole(5'000'000)}}));
  EXPECT_THAT(stored("SELECT at FROM v WHERE id = 1"), ElementsAre("1970-01-01T00:00:05Z"));
  ASSERT_TRUE(write(*update, {{whole(1), whole(0)}}, true));
  EXPECT_THAT(stored("SELECT id FROM v"), ElementsAre("3"));
}

TEST_F(TableTest, TheNewerVersionWins) {
  auto to = writer(versioned(), {Conflict::Update, 1});
  ASSERT_TRUE(write(*to, {{whole(1), whole(1'500'000)}, {whole(1), whole(1'000'000)}}));
  EXPECT_THAT(stored("SELECT at FROM v"), ElementsAre("1970-01-01T00:00:01.500Z")) << "a second without fraction is older";
  ASSERT_TRUE(write(*to, {{whole(1), whole(2'000'000)}}));
  EXPECT_THAT(stored("SELECT at FROM v"), ElementsAre("1970-01-01T00:00:02Z"));
}

TEST_F(TableTest, DecimalVersionsCompareAsNumbers) {
  const value::TypeId version = types_.with_null(types_.decimal(38, 1));
  auto to = writer({"d", {{"id", scalar(TypeKind::Int)}, {"v", version}}, {0}}, {Conflict::Update, 1});
  const auto row = [](std::int64_t unscaled) {
    return std::vector<Cell>{whole(1), Cell::of(false), Cell::of(value::Int128{unscaled})};
  };
  ASSERT_TRUE(write(*to, {{whole(1), Cell::of(true), Cell{}}, row(-100), row(-20), row(-1'000)}));
  EXPECT_THAT(stored("SELECT v FROM d"), ElementsAre("-2.0"));
  ASSERT_TRUE(write(*to, {row(99), row(101), row(100)}));
  EXPECT_THAT(stored("SELECT v FROM d"), ElementsAre("10.1"));
}

TEST_F(TableTest, ConstraintsOfAnExistingTableNameTheRow) {
  ASSERT_TRUE(database_->execute("CREATE TABLE v (id INTEGER PRIMARY KEY CHECK (id < 10), at TEXT NOT NULL)"));
  auto to = writer(versioned(), {Conflict::Update, -1});
  auto refused = write(*to, {{whole(1), whole(0)}, {whole(11), whole(0)}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().row, 1);
  EXPECT_EQ(refused.error().sqlstate, "23514");
}

TEST_F(TableTest, AMisfitNamesBothLists) {
  const auto misfit = [&](const std::string& create) {
    EXPECT_TRUE(database_->execute("DROP TABLE IF EXISTS v; " + create));
    auto opened = TableWriter::open(*database_, nullptr, types_, versioned(), {Conflict::Update, -1});
    return opened ? std::string("fits") : base::traits(opened.error().code).code + (" " + opened.error().message);
  };
  EXPECT_THAT(misfit("CREATE TABLE v (id INTEGER PRIMARY KEY)"), HasSubstr("P2005"));
  const std::string wrong_type = misfit("CREATE TABLE v (id INTEGER PRIMARY KEY, at INTEGER)");
  EXPECT_THAT(wrong_type, HasSubstr("needed: id INTEGER (int64), at TEXT (timestamp)"));
  EXPECT_THAT(wrong_type, HasSubstr("stored: id INTEGER, at INTEGER"));
  EXPECT_THAT(misfit("CREATE TABLE v (id INTEGER, at TEXT)"), HasSubstr("no unique index"));
  EXPECT_THAT(misfit("CREATE TABLE v (id INTEGER PRIMARY KEY, at TEXT, x TEXT NOT NULL)"), HasSubstr("`x` demands a value"));
  EXPECT_EQ(misfit("CREATE TABLE v (id INTEGER, at TEXT, x TEXT); CREATE UNIQUE INDEX vi ON v (id)"), "fits");
}

TEST_F(TableTest, ANullableColumnIsAdded) {
  ASSERT_TRUE(write(*writer(versioned(), {}), {{whole(1), whole(0)}}));
  TableLayout wider = versioned();
  wider.columns.push_back({"note", optional(TypeKind::String)});
  auto to = writer(wider, {});
  ASSERT_TRUE(write(*to, {{whole(2), whole(0), Cell::of(false), Cell::of(std::string_view("new"))}}));
  EXPECT_THAT(stored("SELECT id, note FROM v ORDER BY id"), ElementsAre("1|NULL", "2|new"));
}

TEST_F(TableTest, LookupsAreCachedAsLongAsAsked) {
  auto to = writer(versioned(), {Conflict::Update, -1});
  ASSERT_TRUE(write(*to, {{whole(1), whole(1'000'000)}}));
  auto table = LookupTable::open(path_, types_, versioned(), 60'000'000, clock_);
  ASSERT_TRUE(table);
  const auto look = [&](std::int64_t id) -> std::int64_t {
    value::Arena arena;
    const Cell key = whole(id);
    const Cell* keys[] = {&key};
    const Cell* rows[1];
    EXPECT_TRUE((*table)->lookup(keys, arena, rows));
    return rows[0] == nullptr ? -1 : rows[0][1].i;
  };
  EXPECT_EQ(look(1), 1'000'000);
  EXPECT_EQ(look(2), -1);
  ASSERT_TRUE(write(*to, {{whole(1), whole(2'000'000)}, {whole(2), whole(0)}}));
  clock_.advance(59'000'000);
  EXPECT_EQ(look(1), 1'000'000);
  EXPECT_EQ(look(2), -1) << "that there is none is remembered too";
  clock_.advance(1'000'000);
  EXPECT_EQ(look(1), 2'000'000);
  EXPECT_EQ(look(2), 0);
}

TEST_F(TableTest, SeveralRowsForAKeyAreAnError) {
  ASSERT_TRUE(
      database_->execute("CREATE TABLE v (id INTEGER, at TEXT); INSERT INTO v VALUES (1, '1970-01-01T00:00:00Z'), (1, "
                         "'1970-01-01T00:00:00Z'), (2, 'x')"));
  auto table = LookupTable::open(path_, types_, versioned(), 0, clock_);
  ASSERT_TRUE(table);
  value::Arena arena;
  const Cell keys[] = {whole(1), whole(2)};
  const Cell* rows[1];
  const Cell* first[] = {&keys[0]};
  const Cell* second[] = {&keys[1]};
  EXPECT_EQ((*table)->lookup(first, arena, rows).error().code, ErrorCode::SchemaMismatch);
  EXPECT_THAT((*table)->lookup(second, arena, rows).error().message, HasSubstr("`x` in column `at` is no timestamp"));
  EXPECT_EQ(LookupTable::open(path_, types_, {"none", {}, {}}, 0, clock_).error().code, ErrorCode::NoSuchTable);
}

TEST_F(TableTest, InspectorShowsTables) {
  ASSERT_TRUE(write(*writer(versioned(), {}), {{whole(2), whole(0)}, {whole(1), whole(0)}}));
  auto inspector = Inspector::open(path_, Database::Access::Read);
  ASSERT_TRUE(inspector);
  auto tables = inspector->tables();
  ASSERT_EQ(tables->size(), 1u) << "piperun's own are not shown";
  EXPECT_EQ(tables->front().name, "v");
  EXPECT_THAT(tables->front().columns, ElementsAre("id", "at"));
  EXPECT_EQ(tables->front().rows, 2);
  auto rows = inspector->rows("v", 1);
  EXPECT_THAT(rows->columns, ElementsAre("id", "at"));
  ASSERT_EQ(rows->rows.size(), 1u);
  EXPECT_EQ(rows->rows.front()[0].text, "1");
  EXPECT_EQ(rows->rows.front()[0].kind, connectors::TableValue::Kind::Number);
  EXPECT_EQ(inspector->rows("none", 1).error().code, ErrorCode::NoSuchTable);
}

class SampleTest : public TableTest {
 protected:
  SampleTest() {
    program_.memory = std::make_unique<value::Arena>();
    customer_ = program_.types.record(
        "Customer", {{"id", program_.types.scalar(TypeKind::Int)}, {"name", program_.types.scalar(TypeKind::String)}});
    source_.name = "customers";
    source_.object = "customers";
    source_.type = customer_;
    table_.name = "customers";
    table_.object = "customers";
    table_.type = customer_;
    table_.key = {0};
  }
  ir::Program program_;
  value::TypeId customer_;
  ir::Source source_;
  ir::Table table_;
};

TEST_F(SampleTest, ATopicIsFilledOnceWithAllLinesEvenBadOnes) {
  const std::string sample = file("s.ndjson", "{\"id\":1,\"name\":\"Ada\"}\r\n\n{broken\n{\"id\":1,\"name\":\"Bob\"}");
  source_.options = {{"partitions", "4"}, {"partitioned_by", "id"}};
  ASSERT_TRUE(fill_topic(*database_, program_, source_, sample, 42));
  ASSERT_TRUE(fill_topic(*database_, program_, source_, sample, 43));
  auto records = Inspector::open(path_, Database::Access::Read)->peek("customers", -1, 0, 100);
  ASSERT_EQ(records->size(), 3u);
  std::vector<std::string> of_key;
  for (const connectors::TopicRecord& record : *records) {
    EXPECT_EQ(record.timestamp, 42);
    if (record.key) of_key.push_back(std::to_string(record.partition) + *record.key + *record.value);
  }
  ASSERT_EQ(of_key.size(), 2u);
  EXPECT_EQ(of_key[0][0], of_key[1][0]) << "one partition for one key";
  EXPECT_EQ(of_key[0].substr(1), "1{\"id\":1,\"name\":\"Ada\"}");
}

TEST_F(SampleTest, AMissingSampleFillsNothing) {
  auto filled = fill_topic(*database_, program_, source_, folder_ / "none.ndjson", 0);
  ASSERT_FALSE(filled);
  EXPECT_EQ(filled.error().code, ErrorCode::BadSample);
  EXPECT_FALSE(*find_topic(*database_, "customers"));
  ASSERT_TRUE(fill_topic(*database_, program_, source_, "", 0));
  EXPECT_TRUE(*find_topic(*database_, "customers"));
}

TEST_F(SampleTest, ATableIsFilledOnce) {
  const std::string sample = file("s.ndjson", "{\"id\":1,\"name\":\"Ada\"}\n{\"id\":2,\"name\":\"Bob\"}\n");
  ASSERT_TRUE(fill_table(*database_, program_, table_, sample));
  ASSERT_TRUE(database_->execute("DELETE FROM customers WHERE id = 2"));
  ASSERT_TRUE(fill_table(*database_, program_, table_, sample));
  EXPECT_THAT(stored("SELECT id, name FROM customers"), ElementsAre("1|Ada"));
}

TEST_F(SampleTest, ABadTableSampleNamesTheLineAndLeavesNothing) {
  auto broken = fill_table(*database_, program_, table_, file("b.ndjson", "{\"id\":1,\"name\":\"Ada\"}\n\n{\"id\":\"x\"}\n"));
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().code, ErrorCode::BadSample);
  EXPECT_THAT(broken.error().message, HasSubstr("b.ndjson:3:"));
  auto repeated =
      fill_table(*database_, program_, table_, file("r.ndjson", "{\"id\":1,\"name\":\"Ada\"}\n{\"id\":1,\"name\":\"Bob\"}\n"));
  ASSERT_FALSE(repeated);
  EXPECT_THAT(repeated.error().message, HasSubstr("r.ndjson:2:"));
  EXPECT_FALSE(*table_exists(*database_, "customers"));
}

}  // namespace
}  // namespace piperun::embedded
