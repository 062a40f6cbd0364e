#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "runtime/connectors/connectors.h"
#include "runtime/connectors/embedded/inspector.h"
#include "tests/unit/runtime/commit/embedded/temporary.h"

namespace piperun::connectors {
namespace {

using base::ErrorCode;
using value::TypeKind;

// orders (a topic of the stand-in `mq`) → order_lines (a table of the stand-in `shop`), and copies as a topic there and as a file.
class MakeConnectorsTest : public ::testing::Test {
 protected:
  MakeConnectorsTest() {
    program_.name = program_.id = "p";
    program_.memory = std::make_unique<value::Arena>();
    program_.systems = {{"mq", ir::SystemKind::Kafka, {}, true},
                        {"shop", ir::SystemKind::Postgres, {}, true},
                        {"out", ir::SystemKind::File, {}, false},
                        {"far", ir::SystemKind::Kafka, {}, false}};
    const value::TypeId integer = program_.types.scalar(TypeKind::Int);
    const value::TypeId order = program_.types.record("Order", {{"id", integer}});
    ir::Source source;
    source.name = source.object = "orders";
    source.type = order;
    source.sample = "orders.ndjson";
    program_.sources.push_back(source);
    ir::Table customers;
    customers.name = customers.object = "customers";
    customers.system = 1;
    customers.type = order;
    customers.key = {0};
    customers.sample = "orders.ndjson";
    program_.tables.push_back(customers);
    ir::Sink table{};
    table.name = table.object = "order_lines";
    table.system = 1;
    table.columns = {{"id", integer, false}};
    table.key = {0};
    ir::Sink topic = table, lines = table, far = table;
    topic.name = topic.object = "copies";
    topic.is_topic = true;
    lines.system = 2;
    lines.object = "out.csv";
    lines.format = ir::Format::Csv;
    far.system = 3;
    program_.sinks = {table, topic, lines, far};
    unit_.name = "mq.shop";
    unit_.source_system = 0;
    unit_.domain = 1;
    unit_.sources = {0};
    unit_.tables = {0};
    unit_.sinks = {0, 1, 2};
    std::ofstream(folder_ / "orders.ndjson") << "{\"id\":1}\n{\"id\":2}\n";
  }
  piperun::testing::TemporaryFolder folder_;
  base::VirtualClock clock_{5};
  ir::Program program_;
  ir::Unit unit_;
};

TEST_F(MakeConnectorsTest, ABatchFromSampleToCommittedTable) {
  auto connectors = make_connectors(folder_ / "state", folder_.path(), clock_, {});
  ASSERT_TRUE(connectors->fill_samples(program_, unit_));
  auto domain = connectors->open_domain(program_, unit_, 0, nullptr);
  ASSERT_TRUE(domain);
  auto source = connectors->open_source(program_, unit_, 0);
  ASSERT_TRUE(source) << source.error().message;
  auto table = connectors->open_sink(program_, unit_, 0, **domain);
  auto topic = connectors->open_sink(program_, unit_, 1, **domain);
  ASSERT_TRUE(table && topic);
  const commit::PartitionName partition{"orders", 0};
  ASSERT_TRUE((*domain)->claim(std::vector{partition}));
  ASSERT_TRUE((*domain)->seed_positions(std::vector{commit::Position{partition, 0, 0, 0, {}}}));
  auto slab = (*source)->read(0, 0, 10, 1 << 20);
  ASSERT_EQ(slab->records.size(), 2u);
  const value::Cell ids[] = {value::Cell::of(std::int64_t{1}), value::Cell::of(std::int64_t{2})};
  const std::vector<OutputRow> rows{{.cells = &ids[0], .encoded = "a"}, {.cells = &ids[1], .encoded = "b"}};
  const auto batch = [&] {
    return (*domain)->begin() && (*domain)->fence(std::vector{commit::Advance{partition, 0, 2, {.read = 2, .used = 2}, 0}}) &&
           (*table)->write(rows) && (*topic)->write(rows);
  };
  ASSERT_TRUE(batch());
  (*domain)->abort();
  auto shop = embedded::Inspector::open(folder_ / "state/shop.db", embedded::Database::Access::Read);
  ASSERT_TRUE(shop);
  EXPECT_TRUE(shop->rows("order_lines", 10)->rows.empty());
  EXPECT_TRUE(shop->peek("copies", -1, 0, 10)->empty());
  ASSERT_TRUE(batch());
  ASSERT_TRUE((*domain)->commit());
  EXPECT_EQ(shop->rows("order_lines", 10)->rows.size(), 2u);
  EXPECT_EQ(shop->peek("copies", -1, 0, 10)->size(), 2u);
  EXPECT_EQ(shop->rows("customers", 10)->rows.size(), 2u);
  auto ledgers = shop->ledgers();
  ASSERT_EQ(ledgers->size(), 1u);
  EXPECT_EQ(ledgers->front().unit, "mq.shop");
  EXPECT_EQ(ledgers->front().positions.front().counts.used, 2);
}

TEST_F(MakeConnectorsTest, FilesAreRelativeToTheProgram) {
  auto connectors = make_connectors(folder_ / "state", folder_.path(), clock_, {});
  auto domain = connectors->open_domain(program_, unit_, 0, nullptr);
  auto sink = connectors->open_sink(program_, unit_, 2, **domain);
  ASSERT_TRUE(sink);
  std::string header;
  std::getline(std::ifstream(folder_ / "out.csv"), header);
  EXPECT_EQ(header, "id");
}

TEST_F(MakeConnectorsTest, WhatCannotBeOpenedIsToldByName) {
  program_.systems[3].kind = ir::SystemKind::Http;
  auto connectors = make_connectors(folder_ / "state", folder_.path(), clock_, {});
  auto domain = connectors->open_domain(program_, unit_, 0, nullptr);
  auto sink = connectors->open_sink(program_, unit_, 3, **domain);
  ASSERT_FALSE(sink);
  EXPECT_EQ(sink.error().code, ErrorCode::NotInThisVersion);
  unit_.domain = 3;
  EXPECT_EQ(connectors->open_domain(program_, unit_, 0, nullptr).error().code, ErrorCode::NotInThisVersion);
}

TEST_F(MakeConnectorsTest, AStateStoreIsCalledAfterThePipeline) {
  program_.systems.push_back({"state", ir::SystemKind::StateStore, {}, false});
  unit_.domain = 4;
  ASSERT_TRUE(make_connectors(folder_ / "state", folder_.path(), clock_, {})->open_domain(program_, unit_, 0, nullptr));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "state/p.db"));
}

}  // namespace
}  // namespace piperun::connectors
