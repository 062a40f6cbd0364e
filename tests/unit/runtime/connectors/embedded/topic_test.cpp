#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/connectors/embedded/inspector.h"
#include "runtime/connectors/embedded/topic_sink.h"
#include "runtime/connectors/embedded/topic_source.h"
#include "tests/unit/runtime/commit/embedded/temporary.h"

namespace piperun::embedded {
namespace {

using base::ErrorCode;
using connectors::OutputRow;
using ::testing::ElementsAre;

class TopicTest : public ::testing::Test {
 protected:
  std::unique_ptr<Database> open() {
    auto database = Database::open(path_, Database::Access::Write);
    if (!database) std::abort();
    return std::move(*database);
  }
  void put(const std::vector<NewRecord>& records, std::int64_t partitions = 1) {
    auto database = open();
    ASSERT_TRUE(make_topic(*database, "t", partitions));
    ASSERT_TRUE(append_records(*database, "t", records));
  }
  std::unique_ptr<connectors::Source> source() {
    auto result = TopicSource::open(path_, "t", clock_);
    if (!result) std::abort();
    return std::move(*result);
  }
  static std::vector<std::string> values(const record::Slab& slab) {
    std::vector<std::string> result;
    for (const auto& record : slab.records) result.emplace_back(record.value.value_or("<none>"));
    return result;
  }

  piperun::testing::TemporaryFolder folder_;
  std::string path_ = folder_ / "t.db";
  base::VirtualClock clock_{0};
};

TEST(Murmur2, AgreesWithKafkasClients) {  // values of org.apache.kafka.common.utils.UtilsTest
  EXPECT_EQ(static_cast<std::int32_t>(murmur2("21")), -973932308);
  EXPECT_EQ(static_cast<std::int32_t>(murmur2("foobar")), -790332482);
  EXPECT_EQ(static_cast<std::int32_t>(murmur2("a-little-bit-long-string")), -985981536);
  EXPECT_EQ(static_cast<std::int32_t>(murmur2("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8")), -58897971);
}

TEST_F(TopicTest, WhatIsTrimmedIsGoneAndTheRestKeepsItsOffsets) {
  put({{1, "k", "one"}, {2, "k", "two"}, {3, "k", "three"}});
  auto database = open();
  ASSERT_TRUE(trim_partition(*database, "t", 0, 2));
  ASSERT_TRUE(trim_partition(*database, "t", 0, 1));  // nothing comes back
  ASSERT_TRUE(trim_partition(*database, "t", 7, 1));
  auto reader = source();
  EXPECT_EQ(reader->partitions()->at(0).begin, 2);
  EXPECT_EQ(reader->read(0, 1, 100, 1 << 20).error().code, ErrorCode::PositionGone);
  EXPECT_THAT(values(*reader->read(0, 2, 100, 1 << 20)), ElementsAre("three"));
  ASSERT_TRUE(trim_partition(*database, "t", 0, 100));
  EXPECT_EQ(reader->partitions()->at(0).begin, 3);
  put({{4, "k", "four"}});
  EXPECT_THAT(values(*reader->read(0, 3, 100, 1 << 20)), ElementsAre("four"));
}

TEST_F(TopicTest, ReadsWhatWasAppendedFromAnyPosition) {
  put({{5, "k", "one"}, {6, std::nullopt, "two"}, {7, "k3", std::nullopt}});
  auto reader = source();
  auto slab = reader->read(0, 0, 100, 1 << 20);
  ASSERT_TRUE(slab);
  EXPECT_THAT(values(*slab), ElementsAre("one", "two", "<none>"));
  EXPECT_EQ(slab->records[0].key, "k");
  EXPECT_EQ(slab->records[1].key, std::nullopt);
  EXPECT_EQ(slab->records[2].offset, 2);
  EXPECT_EQ(slab->records[2].next, 3);
  EXPECT_EQ(slab->records[2].timestamp, 7);
  EXPECT_THAT(values(*reader->read(0, 1, 1, 1 << 20)), ElementsAre("two"));
  EXPECT_THAT(values(*reader->read(0, 0, 100, 1)), ElementsAre("one")) << "at least one, whatever its size";
  EXPECT_TRUE(reader->read(0, 3, 100, 100)->records.empty());
}

TEST_F(TopicTest, SeesRecordsOfOtherWritersWhileItRuns) {
  put({{0, std::nullopt, "a"}});
  auto reader = source();
  EXPECT_EQ(reader->partitions()->front().end, 1);
  EXPECT_EQ(reader->read(0, 1, 10, 100)->records.size(), 0u);
  put({{0, std::nullopt, "b"}});
  clock_.set(0);
  const std::int64_t before = clock_.monotonic();
  reader->wait(1'000'000);
  EXPECT_LT(clock_.monotonic() - before, 1'000'000) << "woken by the other's commit";
  EXPECT_THAT(values(*reader->read(0, 1, 10, 100)), ElementsAre("b"));
  const std::int64_t quiet = clock_.monotonic();
  reader->read(0, 2, 10, 100);
  reader->wait(1'000'000);
  EXPECT_EQ(clock_.monotonic() - quiet, 1'000'000);
}

TEST_F(TopicTest, APositionOutsideOfTheTopicStops) {
  put({{0, std::nullopt, "a"}});
  for (const std::int64_t position : {2, -1}) {
    auto slab = source()->read(0, position, 10, 100);
    ASSERT_FALSE(slab);
    EXPECT_EQ(slab.error().code, ErrorCode::PositionGone);
  }
  EXPECT_EQ(TopicSource::open(path_, "other", clock_).error().code, ErrorCode::NoSuchTopic);
}

TEST_F(TopicTest, EqualKeysShareAPartitionAndKeylessGoRound) {
  put({{0, "foobar", "x"}, {0, "foobar", "y"}}, 3);
  put({{0, std::nullopt, "1"}, {0, std::nullopt, "2"}, {0, std::nullopt, "3"}});
  auto database = open();
  const auto topic = find_topic(*database, "t");
  std::vector<std::int64_t> sizes;
  for (const TopicPartition& partition : (*topic)->partitions) sizes.push_back(partition.end);
  const std::size_t of_key = (static_cast<std::uint32_t>(-790332482) & 0x7fffffffU) % 3;
  std::vector<std::int64_t> expected{1, 1, 1};
  expected[of_key] += 2;
  EXPECT_EQ(sizes, expected);
}

TEST_F(TopicTest, ResolvesStart) {
  put({{100, std::nullopt, "a"}, {3'000'000, std::nullopt, "b"}, {2'000'000, std::nullopt, "c"}});
  auto reader = source();
  EXPECT_EQ(reader->resolve("earliest", 0), 0);
  EXPECT_EQ(reader->resolve("latest", 0), 3);
  EXPECT_EQ(reader->resolve("1970-01-01T00:00:02Z", 0), 1);
  EXPECT_EQ(reader->resolve("1971-01-01T00:00:00Z", 0), 3);
  EXPECT_FALSE(reader->resolve("none", 0));
}

TEST_F(TopicTest, SinkJoinsTheOpenTransaction) {
  auto database = open();
  auto sink = TopicSink::open(*database, nullptr, {.topic = "t", .headers = {"type", "lang"}});
  ASSERT_TRUE(sink);
  auto reader = source();
  const std::vector<std::optional<std::string_view>> headers{"order", std::nullopt};
  const std::vector<OutputRow> rows{{.message_key = "k", .encoded = "v", .headers = headers, .timestamp = 9},
                                    {.remove = true, .message_key = "k", .encoded = "v"}};
  ASSERT_TRUE(database->begin());
  ASSERT_TRUE((*sink)->write(rows));
  EXPECT_EQ(reader->partitions()->front().end, 0);
  database->roll_back();
  ASSERT_TRUE((*sink)->write(rows));
  auto slab = reader->read(0, 0, 10, 1'000);
  EXPECT_THAT(values(*slab), ElementsAre("v", "<none>"));
  ASSERT_EQ(slab->records[0].headers.size(), 2u);
  EXPECT_EQ(slab->records[0].headers[0].name, "type");
  EXPECT_EQ(slab->records[0].headers[0].value, "order");
  EXPECT_EQ(slab->records[0].headers[1].value, std::nullopt);
  EXPECT_EQ(slab->records[0].timestamp, 9);
}

// Rows of a key are in one partition of the source; scattered over several here they would lose their order.
TEST_F(TopicTest, AnInternalTopicKeepsThePartitionOfRecordsWithoutAKey) {
  auto database = open();
  ASSERT_TRUE(make_topic(*database, "t", 3));
  std::vector<OutputRow> rows;
  for (const std::int32_t partition : {1, 1, 0, 5, 1, 2, 0, 5}) rows.push_back({.encoded = "v", .partition = partition});
  const auto ends = [&] {
    std::vector<std::int64_t> result;
    const auto partitions = source()->partitions();
    for (const connectors::Partition& partition : *partitions) result.push_back(partition.end);
    return result;
  };
  auto internal = TopicSink::open(*database, nullptr, {.topic = "t", .is_internal = true});
  ASSERT_TRUE((*internal)->write(rows));
  EXPECT_THAT(ends(), ElementsAre(2, 3, 3)) << "5 is 2 of 3";
  for (OutputRow& row : rows) row.message_key = "21";
  ASSERT_TRUE((*internal)->write(rows));
  const auto of_key = (murmur2("21") & 0x7fffffffU) % 3;
  EXPECT_EQ(ends()[of_key], (std::vector<std::int64_t>{2, 3, 3})[of_key] + 8) << "a key goes before";
  for (OutputRow& row : rows) row.message_key.reset();
  auto plain = TopicSink::open(*database, nullptr, {.topic = "t"});
  const auto before = ends();
  ASSERT_TRUE((*plain)->write(rows));
  for (std::size_t i = 0; i < 3; ++i) EXPECT_GE(ends()[i], before[i] + 2) << "in turn";
}

TEST_F(TopicTest, InspectorListsPeeksAndPuts) {
  auto inspector = Inspector::open(path_, Database::Access::Write);
  ASSERT_TRUE(inspector);
  const std::vector<NewRecord> records{{1, "k", "a", {}, 1}, {2, std::nullopt, "b", {}, 0}};
  EXPECT_EQ(inspector->put("t", records).error().code, ErrorCode::NoSuchTopic);
  ASSERT_TRUE(inspector->put("t", records, 2));
  auto topics = inspector->topics();
  ASSERT_EQ(topics->size(), 1u);
  EXPECT_EQ(topics->front().partitions.size(), 2u);
  auto peeked = inspector->peek("t", -1, 0, 10);
  ASSERT_EQ(peeked->size(), 2u);
  EXPECT_EQ((*peeked)[0].value, "b");
  EXPECT_EQ((*peeked)[1].partition, 1);
  EXPECT_EQ((*peeked)[1].key, "k");
  EXPECT_EQ(inspector->peek("t", -1, 0, 1)->size(), 1u);
  const std::vector<NewRecord> wrong{{1, "k", "a", {}, 0}, {1, "k", "a", {}, 7}};
  EXPECT_FALSE(inspector->put("t", wrong));
  EXPECT_EQ(inspector->peek("t", -1, 0, 10)->size(), 2u) << "all or nothing";
}

}  // namespace
}  // namespace piperun::embedded
