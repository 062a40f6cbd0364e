// Topics as tables and as a person sees them, and the administration of topics and groups, on a real broker.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "runtime/commit/kafka/admin.h"
#include "runtime/commit/kafka/consumer.h"
#include "runtime/commit/kafka/groups.h"
#include "runtime/connectors/kafka/group.h"
#include "runtime/connectors/kafka/kafka_table.h"
#include "runtime/connectors/kafka/topic_inspector.h"
#include "tests/integration/kafka_client.h"

namespace piperun::kafka {
namespace {

using base::ErrorCode;
using connectors::ListedTopic;
using connectors::PutRecord;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Clock = std::chrono::steady_clock;

ClientSettings client() {
  ClientSettings settings;
  settings.brokers = integration::server("KAFKA_BOOTSTRAP");
  return settings;
}

TopicInspector inspector() {
  auto opened = TopicInspector::open(client());
  if (!opened) throw std::runtime_error(opened.error().message);
  return std::move(*opened);
}

class KafkaTableTest : public testing::Test {
 protected:
  KafkaTableTest() {
    table_.name = "customers";
    table_.object = topic_;
    table_.type = program_.types.record("Customer", {{"id", program_.types.scalar(value::TypeKind::String)},
                                                     {"name", program_.types.scalar(value::TypeKind::String)}});
    table_.key = {0};
    integration::create_topic(topic_, 2, {{"cleanup.policy", "compact"}});
  }

  base::Result<std::unique_ptr<connectors::Table>> open(Misfit misfit = Misfit::Stops) {
    return KafkaTable::open(client(), program_, table_, misfit);
  }
  void put(const std::optional<std::string>& key, std::optional<std::string> value) {
    const auto done = inspector().put(topic_, std::vector<PutRecord>{{key, std::move(value)}}, false);
    ASSERT_TRUE(done) << done.error().message;
  }
  static std::string customer(const std::string& id, const std::string& name) {
    return fmt::format(R"({{"id":"{}","name":"{}"}})", id, name);
  }

  std::string name_of(connectors::Table& table, std::string_view id) {
    const value::Cell key = value::Cell::of(id);
    const value::Cell* const keys[] = {&key};
    const value::Cell* rows[1] = {};
    const auto done = table.lookup(keys, arena_, rows);
    if (!done) return "failed: " + done.error().message;
    return rows[0] == nullptr ? "(none)" : std::string(std::string_view(rows[0][1].s));
  }
  // What is written is seen soon, not at once.
  std::string name_of_within(connectors::Table& table, std::string_view id, const std::string& wanted) {
    std::string name;
    for (const auto begun = Clock::now();
         (name = name_of(table, id)) != wanted && Clock::now() - begun < std::chrono::seconds(10);)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return name;
  }

  std::string topic_ = integration::new_name("table-test");
  ir::Program program_;
  ir::Table table_;
  value::Arena arena_;
};

TEST_F(KafkaTableTest, HasTheLastValueOfEachKeyAndFollows) {
  put("1", customer("a", "Ada"));
  put("1", customer("a", "Ada Lovelace"));
  put("2", customer("b", "Bob"));
  put("2", std::nullopt);
  put("3", customer("c", "Cyd"));
  auto table = open();
  ASSERT_TRUE(table) << table.error().message;
  EXPECT_EQ(name_of(**table, "a"), "Ada Lovelace");
  EXPECT_EQ(name_of(**table, "b"), "(none)");
  EXPECT_EQ(name_of(**table, "c"), "Cyd");
  EXPECT_EQ(name_of(**table, "d"), "(none)");
  put("4", customer("d", "Dan"));
  put("3", std::nullopt);
  put("1", customer("e", "Eve"));  // the row of this message key has another key now
  EXPECT_EQ(name_of_within(**table, "d", "Dan"), "Dan");
  EXPECT_EQ(name_of_within(**table, "c", "(none)"), "(none)");
  EXPECT_EQ(name_of_within(**table, "e", "Eve"), "Eve");
  EXPECT_EQ(name_of_within(**table, "a", "(none)"), "(none)");
}

TEST_F(KafkaTableTest, NamesARecordThatDoesNotFit) {
  put("1", customer("a", "Ada"));
  put("2", R"({"id":7})");
  const auto table = open();
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error().code, ErrorCode::SchemaMismatch);
  EXPECT_THAT(table.error().message, HasSubstr("table customers: " + topic_ + "["));
}

TEST_F(KafkaTableTest, WhatANewerRecordMendedDoesNotFail) {
  put("1", R"({"id":7})");
  put("2", customer("x", "of two"));
  put("3", customer("x", "of three"));
  put("4", "no JSON at all");
  put("1", customer("a", "Ada"));
  put("2", customer("b", "Bob"));
  put("4", std::nullopt);
  auto table = open();
  ASSERT_TRUE(table) << table.error().message;
  EXPECT_EQ(name_of(**table, "a"), "Ada");
  EXPECT_EQ(name_of(**table, "b"), "Bob");
  EXPECT_EQ(name_of(**table, "x"), "of three");
  put("1", "broken again");
  std::string seen;
  for (const auto begun = Clock::now(); !seen.starts_with("failed") && Clock::now() - begun < std::chrono::seconds(10);)
    seen = name_of(**table, "a");
  EXPECT_THAT(seen, HasSubstr("failed: table customers"));
  EXPECT_FALSE(open());
  put("1", customer("a", "Ann"));
  const auto mended = open();
  ASSERT_TRUE(mended) << mended.error().message;
  EXPECT_EQ(name_of(**mended, "a"), "Ann");
}

TEST_F(KafkaTableTest, OneRecordThatDoesNotFitIsPassedOverAndTold) {
  topic_ = table_.object = integration::new_name("loose");  // a compacted topic takes no record without a key
  integration::create_topic(topic_, 1);
  put("a", customer("a", "Ada"));
  put(std::nullopt, "no JSON, and no key");
  put("b", R"({"id":"b"})");
  put("c", customer("c", "Cyd"));
  EXPECT_THAT(open().error().message, HasSubstr("with `dead_letter = keep` it is passed over"));
  testing::internal::CaptureStdout();
  auto table = open(Misfit::IsPassedOver);
  const std::string told = testing::internal::GetCapturedStdout();
  ASSERT_TRUE(table) << table.error().message;
  EXPECT_THAT(told, HasSubstr("topic=" + topic_ + " partition=0 offset=1"));
  EXPECT_THAT(told, HasSubstr("topic=" + topic_ + " partition=0 offset=2"));
  EXPECT_EQ(name_of(**table, "a"), "Ada");
  EXPECT_EQ(name_of(**table, "c"), "Cyd");
  EXPECT_EQ(name_of(**table, "d"), "(none)");
  EXPECT_THAT(name_of(**table, "b"), HasSubstr("failed: table customers: " + topic_ + "[0] record 2"));
  put("c", "broken");  // what its message key wrote before is known
  std::string seen;
  for (const auto begun = Clock::now(); !seen.starts_with("failed") && Clock::now() - begun < std::chrono::seconds(10);)
    seen = name_of(**table, "c");
  EXPECT_THAT(seen, HasSubstr("record 4"));
  EXPECT_EQ(name_of(**table, "a"), "Ada");
  put("b", customer("b", "Bob"));
  EXPECT_EQ(name_of_within(**table, "b", "Bob"), "Bob");
  put("c", std::nullopt);
  EXPECT_EQ(name_of_within(**table, "c", "(none)"), "(none)");
}

TEST_F(KafkaTableTest, TwoRowsForOneKeyAreAnError) {
  put("1", customer("a", "Ada"));
  put("2", customer("a", "Ann"));
  const auto table = open();
  ASSERT_FALSE(table);
  EXPECT_THAT(table.error().message, HasSubstr("another message key"));
}

TEST(TopicInspector, PutsAndShows) {
  const std::string name = integration::new_name("inspected");
  auto tool = inspector();
  const auto missing = tool.put(name, std::vector<PutRecord>{{"k", "v"}}, false);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::NoSuchTopic);
  ASSERT_TRUE(
      tool.put(name, std::vector<PutRecord>{{"k", "one", 0}, {std::nullopt, "two", 0}, {"k", std::nullopt, 1}}, false, 2));
  ASSERT_TRUE(tool.put(name, std::vector<PutRecord>{{"x", "three", 0}, {"x", "four", 0}}, true));
  auto topic = tool.topic(name);
  // The broker writes the marks of a transaction behind its commit.
  for (int i = 0; i < 50 && topic && topic->partitions[0].end < 5; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    topic = tool.topic(name);
  }
  ASSERT_TRUE(topic);
  ASSERT_EQ(topic->partitions.size(), 2u);
  EXPECT_EQ(topic->partitions[0].end, 5);  // the mark of the transaction is one
  EXPECT_EQ(topic->partitions[1].end, 1);
  const auto values = [&](std::int32_t partition, std::int64_t from, std::int64_t limit) {
    std::vector<std::string> result;
    const auto records = tool.peek(name, partition, from, limit);
    if (!records) return std::vector<std::string>{records.error().message};
    for (const connectors::TopicRecord& each : *records) result.push_back(each.value.value_or("(none)"));
    return result;
  };
  EXPECT_THAT(values(-1, -1, 100), ElementsAre("one", "two", "three", "four", "(none)"));
  EXPECT_THAT(values(0, 1, 2), ElementsAre("two", "three"));
  EXPECT_THAT(values(0, 4, 100), IsEmpty());  // nothing but the mark
  EXPECT_THAT(values(1, -1, 100), ElementsAre("(none)"));
  EXPECT_THAT(values(7, -1, 100).front(), HasSubstr("partitions 0 to 1"));
  const auto all = tool.topics();
  ASSERT_TRUE(all) << all.error().message;
  EXPECT_THAT(*all, testing::Contains(testing::Field(&ListedTopic::name, name)));
}

TEST(Admin, DescribesTheClusterAndItsTopics) {
  auto admin = open_admin(client());
  ASSERT_TRUE(admin);
  const auto id = cluster_id(admin->get());
  ASSERT_TRUE(id);
  EXPECT_FALSE(id->empty());
  const auto numbers = brokers(admin->get());
  ASSERT_TRUE(numbers);
  const auto config = describe_config(admin->get(), ConfigOf::Broker, std::to_string(numbers->front()));
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_TRUE(config->contains("transaction.max.timeout.ms"));
  EXPECT_TRUE(config->contains("offset.metadata.max.bytes"));

  const std::string source = integration::new_name("admin-source");
  ASSERT_TRUE(create_topic(admin->get(), source, 3, {{"max.message.bytes", "12345"}, {"retention.ms", "1000000"}}));
  ASSERT_TRUE(create_internal_topic(admin->get(), {source + "-log", 2, false}, source));
  ASSERT_TRUE(create_internal_topic(admin->get(), {source + "-keys", 2, true}, source));
  const auto log = describe_config(admin->get(), ConfigOf::Topic, source + "-log");
  ASSERT_TRUE(log);
  EXPECT_EQ(log->at("retention.ms"), "-1");
  EXPECT_EQ(log->at("cleanup.policy"), "delete");
  EXPECT_EQ(log->at("max.message.bytes"), "12345");
  EXPECT_EQ(describe_config(admin->get(), ConfigOf::Topic, source + "-keys")->at("cleanup.policy"), "compact");
  EXPECT_EQ(describe_topic(admin->get(), source)->partitions, 3);
  const auto missing = describe_topic(admin->get(), "there-is-none");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::NoSuchTopic);
}

TEST(Admin, DescribesAGroupAndItsOffsets) {
  const std::string name = integration::new_name("admin-group");
  integration::create_topic(name, 2);
  auto admin = open_admin(client());
  ASSERT_TRUE(admin);
  EXPECT_EQ(describe_group(admin->get(), name)->state, "Dead");
  ClientSettings settings = client();
  settings.client_id = "at-work";
  auto group = KafkaGroup::open(settings, {.group = name}, {{0, name}});
  ASSERT_TRUE(group);
  for (bool is_member = false; !is_member;) {
    const auto polled = (*group)->poll(50'000, false, 1, 1);
    ASSERT_TRUE(polled);
    if (polled->change == connectors::Group::Change::Assigned) is_member = (*group)->read_from({}).has_value();
  }
  const auto description = describe_group(admin->get(), name);
  ASSERT_TRUE(description);
  EXPECT_EQ(description->state, "Stable");
  EXPECT_EQ(description->protocol, "range");
  ASSERT_EQ(description->members.size(), 1u);
  EXPECT_EQ(description->members[0].client, "at-work");
  EXPECT_EQ(description->members[0].partitions.size(), 2u);
  const std::vector<PartitionOffset> offsets = {{{name, 0}, 7, "text"}};
  const auto committed = (*group)->consumer().commit(offsets);
  ASSERT_TRUE(committed) << committed.error().message;
  const auto stored = group_offsets(admin->get(), name);
  ASSERT_TRUE(stored);
  ASSERT_EQ(stored->size(), 1u);
  EXPECT_EQ(stored->front().offset, 7);
  EXPECT_EQ(stored->front().metadata, "text");
}

TEST(Admin, AClusterThatIsNotThereIsToldInTime) {
  ClientSettings nowhere;
  nowhere.brokers = "127.0.0.1:1";
  nowhere.properties["socket.connection.setup.timeout.ms"] = "1000";
  auto tool = TopicInspector::open(nowhere);
  ASSERT_TRUE(tool);
  const auto begun = Clock::now();
  const auto topics = tool->topics();
  ASSERT_FALSE(topics);
  EXPECT_EQ(topics.error().code, ErrorCode::SystemUnavailable);
  EXPECT_LT(Clock::now() - begun, std::chrono::seconds(25));
}

}  // namespace
}  // namespace piperun::kafka
