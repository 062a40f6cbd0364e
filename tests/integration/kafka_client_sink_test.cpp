// Writing to topics of a real broker: with a producer of its own, and inside a transaction.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/commit/kafka/admin.h"
#include "runtime/commit/kafka/consumer.h"
#include "runtime/commit/kafka/groups.h"
#include "runtime/connectors/kafka/kafka_sink.h"
#include "tests/integration/kafka_client.h"

namespace piperun::kafka {
namespace {

using base::ErrorCode;
using connectors::OutputRow;
using testing::ElementsAre;
using testing::HasSubstr;

ClientSettings client() {
  ClientSettings settings;
  settings.brokers = integration::server("KAFKA_BOOTSTRAP");
  return settings;
}

std::unique_ptr<connectors::Sink> open(const std::string& topic, KafkaSink::OpenProducer joined = {},
                                       std::vector<std::string> headers = {}, ClientSettings settings = client()) {
  auto sink = KafkaSink::open(settings, {.name = "out", .topic = topic, .headers = std::move(headers)}, std::move(joined));
  if (!sink) throw std::runtime_error(sink.error().message);
  return std::move(*sink);
}

OutputRow row(std::string_view key, std::string_view value) {
  OutputRow result;
  result.message_key = key;
  result.encoded = value;
  return result;
}

std::vector<std::string> values(const std::string& topic, int partitions = 1) {
  std::vector<std::string> result;
  for (const auto& each : integration::read_all(topic, partitions)) result.push_back(each.value);
  return result;
}

struct TopicOf {
  explicit TopicOf(int partitions = 1, const integration::Settings& settings = {}) {
    auto admin = open_admin(client());
    if (!create_topic(admin->get(), name, partitions, settings)) throw std::runtime_error("no topic");
  }
  std::string name = integration::new_name("sink-test");
};

TEST(KafkaSink, WritesWhatItSays) {
  const TopicOf topic;
  const auto sink = open(topic.name, {}, {"kind", "maybe"});
  const std::optional<std::string_view> headers[] = {"paid", std::nullopt};
  OutputRow whole = row("k", "v");
  whole.headers = headers;
  whole.timestamp = 1'700'000'000'123'456;
  OutputRow gone = row("k", "ignored");
  gone.remove = true;
  OutputRow keyless;
  keyless.encoded = "";
  ASSERT_TRUE(sink->write(std::vector{whole, gone, keyless}));
  ASSERT_TRUE(sink->await());

  const auto consumer = integration::make_client(RD_KAFKA_CONSUMER, {{"group.id", topic.name}});
  rd_kafka_topic_t* read = rd_kafka_topic_new(consumer.get(), topic.name.c_str(), nullptr);
  ASSERT_EQ(rd_kafka_consume_start(read, 0, RD_KAFKA_OFFSET_BEGINNING), 0);
  std::vector<MessagePtr> messages;
  for (int i = 0; i < 100 && messages.size() < 3; ++i) {
    MessagePtr message(rd_kafka_consume(read, 0, 200));
    if (message && message->err == RD_KAFKA_RESP_ERR_NO_ERROR) messages.push_back(std::move(message));
  }
  ASSERT_EQ(messages.size(), 3u);
  const auto text = [](const void* bytes, std::size_t size) { return std::string(static_cast<const char*>(bytes), size); };
  EXPECT_EQ(text(messages[0]->key, messages[0]->key_len), "k");
  EXPECT_EQ(text(messages[0]->payload, messages[0]->len), "v");
  EXPECT_EQ(rd_kafka_message_timestamp(messages[0].get(), nullptr), 1'700'000'000'123);
  rd_kafka_headers_t* found = nullptr;
  ASSERT_EQ(rd_kafka_message_headers(messages[0].get(), &found), RD_KAFKA_RESP_ERR_NO_ERROR);
  ASSERT_EQ(rd_kafka_header_cnt(found), 2u);
  const void* value = nullptr;
  std::size_t size = 0;
  ASSERT_EQ(rd_kafka_header_get(found, 0, "kind", &value, &size), RD_KAFKA_RESP_ERR_NO_ERROR);
  EXPECT_EQ(text(value, size), "paid");
  ASSERT_EQ(rd_kafka_header_get(found, 0, "maybe", &value, &size), RD_KAFKA_RESP_ERR_NO_ERROR);
  EXPECT_EQ(value, nullptr);
  EXPECT_EQ(messages[1]->payload, nullptr);
  EXPECT_EQ(messages[2]->key, nullptr);
  EXPECT_NE(messages[2]->payload, nullptr);
  EXPECT_EQ(messages[2]->len, 0u);
  messages.clear();
  rd_kafka_consume_stop(read, 0);
  rd_kafka_topic_destroy(read);
}

// Java's client puts these keys of eight partitions there (murmur2, sign bit off, modulo).
TEST(KafkaSink, PutsKeysWhereJavaDoes) {
  const TopicOf topic(8);
  const auto sink = open(topic.name);
  ASSERT_TRUE(sink->write(std::vector{row("21", "a"), row("foobar", "b"), row("a-little-bit-long-string", "c")}));
  ASSERT_TRUE(sink->await());
  std::map<std::string, int> where;
  for (const auto& each : integration::read_all(topic.name, 8)) where[each.key] = each.partition;
  const auto partition = [](std::int32_t hash) { return (hash & 0x7fffffff) % 8; };
  EXPECT_EQ(where["21"], partition(-973932308));
  EXPECT_EQ(where["foobar"], partition(-790332482));
  EXPECT_EQ(where["a-little-bit-long-string"], partition(-985981536));
}

TEST(KafkaSink, ARowThatIsTooLargeIsNamedBeforeAnythingIsWritten) {
  const TopicOf topic(1, {{"max.message.bytes", "2000"}});
  const auto sink = open(topic.name);
  const std::string large(5000, 'x');
  const auto done = sink->write(std::vector{row("a", "good"), row("b", large), row("c", "good")});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::Oversize);
  EXPECT_EQ(done.error().row, 1);
  ASSERT_TRUE(sink->await());
  EXPECT_THAT(values(topic.name), ElementsAre());
}

// Nobody has awaited what was written before: another sink failed.
TEST(KafkaSink, ARowIsNamedByItsPlaceInTheLastCall) {
  const TopicOf topic(1, {{"max.message.bytes", "2000"}});
  const auto sink = open(topic.name);
  ASSERT_TRUE(sink->write(std::vector{row("a", "good"), row("b", "good")}));
  const auto done = sink->write(std::vector{row("a", "good"), row("b", std::string(5000, 'x'))});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().row, 1);
}

// With compression only the broker knows.
TEST(KafkaSink, ARowThatTheBrokerRefusesIsNamed) {
  const TopicOf topic(1, {{"max.message.bytes", "2000"}});
  ClientSettings settings = client();
  settings.properties["compression.type"] = "lz4";
  const auto sink = open(topic.name, {}, {}, settings);
  std::string noise;
  for (std::uint32_t i = 0, x = 1; i < 5000; ++i) noise += static_cast<char>((x = x * 1664525 + 1013904223) >> 24);
  ASSERT_TRUE(sink->write(std::vector{row("a", "good"), row("b", noise)}));
  auto done = sink->await();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::Oversize);
  ASSERT_TRUE(sink->write(std::vector{row("b", noise)}));
  done = sink->await();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().row, 0);
  ASSERT_TRUE(sink->write(std::vector{row("a", "good")}));  // and it goes on
  ASSERT_TRUE(sink->await());
}

TEST(KafkaSink, ManySmallRowsFitWhereABatchWouldNot) {
  const TopicOf topic(1, {{"max.message.bytes", "2000"}});
  const auto sink = open(topic.name);
  const std::string value(500, 'x');
  ASSERT_TRUE(sink->write(std::vector<OutputRow>(300, row("k", value))));
  const auto done = sink->await();
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(values(topic.name).size(), 300u);
}

TEST(KafkaSink, AMissingTopicIsNamedWithTheMend) {
  const auto sink = KafkaSink::open(client(), {.name = "out", .topic = "there-is-none"}, {});
  ASSERT_FALSE(sink);
  EXPECT_EQ(sink.error().code, ErrorCode::NoSuchTopic);
  EXPECT_THAT(sink.error().message, HasSubstr("--create --topic there-is-none"));
}

TEST(KafkaSink, JoinsATransaction) {
  const TopicOf topic;
  auto producer = Producer::open(client(), {.transactional_id = topic.name});
  ASSERT_TRUE(producer);
  ASSERT_TRUE((*producer)->init_transactions(30'000'000));
  bool is_open = false;
  const auto sink = open(topic.name, [&] { return is_open ? producer->get() : nullptr; });
  EXPECT_FALSE(sink->write(std::vector{row("a", "no transaction")}));
  for (const bool commits : {true, false, true}) {
    ASSERT_TRUE((*producer)->begin());
    is_open = true;
    ASSERT_TRUE(sink->write(std::vector{row("a", commits ? "kept" : "dropped")}));
    ASSERT_TRUE(sink->await());
    const auto done = commits ? (*producer)->commit() : (*producer)->abort();
    ASSERT_TRUE(done) << done.error().error.message;
    is_open = false;
  }
  EXPECT_FALSE((*producer)->is_tainted());
  EXPECT_THAT(values(topic.name), ElementsAre("kept", "kept"));
}

TEST(Producer, APredecessorIsFenced) {
  const TopicOf topic;
  const auto begin = [&] {
    auto producer = Producer::open(client(), {.transactional_id = topic.name});
    EXPECT_TRUE(producer);
    EXPECT_TRUE((*producer)->init_transactions(30'000'000));
    EXPECT_TRUE((*producer)->begin());
    return std::move(*producer);
  };
  const auto first = begin();
  ASSERT_TRUE(first->produce(*first->topic(topic.name), {.value = "of the first"}));
  ASSERT_TRUE(first->flush(30'000'000));
  const auto second = begin();
  ASSERT_TRUE(second->produce(*second->topic(topic.name), {.value = "of the second"}));
  ASSERT_TRUE(second->commit());
  const auto done = first->commit();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, Fault::Kind::Fenced) << done.error().error.message;
  EXPECT_EQ(done.error().error.code, ErrorCode::LostOwnership);
  EXPECT_THAT(values(topic.name), ElementsAre("of the second"));
}

TEST(Producer, PositionsOfAStrangerAreRefused) {
  const TopicOf topic;
  auto producer = Producer::open(client(), {.transactional_id = topic.name});
  ASSERT_TRUE(producer);
  ASSERT_TRUE((*producer)->init_transactions(30'000'000));
  ASSERT_TRUE((*producer)->begin());
  // A member that the group does not know: what a paused ex-owner is after its session.
  rd_kafka_consumer_group_metadata_t* metadata =
      rd_kafka_consumer_group_metadata_new_with_genid(topic.name.c_str(), 7, "ghost", nullptr);
  const Membership ghost(GroupMetadataPtr(metadata), 7, "ghost", false);
  const auto sent = (*producer)->send_offsets(std::vector<PartitionOffset>{{{topic.name, 0}, 5, {}}}, ghost);
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().kind, Fault::Kind::Abort) << sent.error().error.message;
  EXPECT_EQ(sent.error().error.code, ErrorCode::LostOwnership);
  EXPECT_TRUE((*producer)->abort());
}

TEST(Producer, RefusesWhatTheBrokerRefusesInTheWholeTransaction) {
  const TopicOf topic(1, {{"max.message.bytes", "2000"}});
  auto producer = Producer::open(client(), {.transactional_id = topic.name});
  ASSERT_TRUE(producer);
  ASSERT_TRUE((*producer)->init_transactions(30'000'000));
  ASSERT_TRUE((*producer)->begin());
  const auto handle = (*producer)->topic(topic.name);
  ASSERT_TRUE((*producer)->produce(*handle, {.value = "small"}));
  ASSERT_TRUE((*producer)->produce(*handle, {.value = std::string(5000, 'x')}));
  const auto done = (*producer)->commit();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, Fault::Kind::Abort) << done.error().error.message;
  EXPECT_EQ(done.error().error.code, ErrorCode::Oversize);
  EXPECT_TRUE((*producer)->abort());
  EXPECT_THAT(values(topic.name), ElementsAre());
}

TEST(Consumer, MetadataTravelsWithPositions) {
  const TopicOf topic(2);
  auto producer = Producer::open(client(), {.transactional_id = topic.name});
  ASSERT_TRUE(producer);
  ASSERT_TRUE((*producer)->init_transactions(30'000'000));
  ASSERT_TRUE((*producer)->begin());
  const std::string counts(4000, 'c');
  // Of a group without members, which the transactional id alone fences.
  const Membership unfenced(GroupMetadataPtr(rd_kafka_consumer_group_metadata_new(topic.name.c_str())), -1, "", false);
  const auto sent = (*producer)->send_offsets(std::vector<PartitionOffset>{{{topic.name, 1}, 5, counts}}, unfenced);
  ASSERT_TRUE(sent) << sent.error().error.message;
  ASSERT_TRUE((*producer)->commit());
  auto consumer = Consumer::open(client(), {.group = topic.name});
  ASSERT_TRUE(consumer);
  const auto stored = (*consumer)->committed(std::vector<commit::PartitionName>{{topic.name, 0}, {topic.name, 1}});
  ASSERT_TRUE(stored) << stored.error().message;
  EXPECT_EQ((*stored)[0].offset, -1);
  EXPECT_EQ((*stored)[1].offset, 5);
  EXPECT_EQ((*stored)[1].metadata, counts);
  const auto nobody = (*consumer)->membership();
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().code, ErrorCode::LostOwnership);
}

}  // namespace
}  // namespace piperun::kafka
