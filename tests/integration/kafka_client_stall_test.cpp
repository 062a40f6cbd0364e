// A client that stops fetching is found, and one that has nothing to fetch is left alone; on a real broker.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/commit/kafka/producer.h"
#include "runtime/connectors/kafka/group.h"
#include "tests/integration/kafka_client.h"

namespace piperun::kafka {
namespace {

using connectors::Group;
using connectors::StartAt;
using testing::HasSubstr;

constexpr std::int64_t kPatience = 1'000'000;  // microseconds

class Stall : public testing::Test {
 protected:
  Stall() : topic_(integration::new_name("stall")) {
    integration::create_topic(topic_, 1);
    ClientSettings client;
    client.brokers = integration::server("KAFKA_BOOTSTRAP");
    ConsumerSettings settings;
    settings.group = topic_;
    settings.stall_patience = kPatience;
    auto opened = KafkaGroup::open(client, settings, {{0, topic_}});
    EXPECT_TRUE(opened);
    group_ = std::move(*opened);
  }

  void put(const std::string& value) {
    const integration::Handle producer = integration::make_client(RD_KAFKA_PRODUCER, {});
    rd_kafka_producev(producer.get(), RD_KAFKA_V_TOPIC(topic_.c_str()), RD_KAFKA_V_PARTITION(0),
                      RD_KAFKA_V_VALUE(const_cast<char*>(value.data()), value.size()), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                      RD_KAFKA_V_END);
    rd_kafka_flush(producer.get(), 10'000);
  }

  // Polls for so long, or until there is an error, or so many records. Returns the records.
  std::size_t read_for(std::int64_t microseconds, std::size_t enough = SIZE_MAX) {
    std::size_t records = 0;
    for (const std::int64_t until = steady_now() + microseconds; steady_now() < until && records < enough;) {
      auto polled = group_->poll(50'000, true, 100, 1 << 20);
      if (!polled) {
        error_ = polled.error();
        return records;
      }
      if (polled->change == Group::Change::Assigned) {
        const StartAt start{{topic_, 0}, 0};
        EXPECT_TRUE(group_->read_from(std::span(&start, 1)));
      }
      if (polled->slab) records += polled->slab->records.size();
    }
    return records;
  }

  std::string topic_;
  std::unique_ptr<KafkaGroup> group_;
  std::optional<base::Error> error_;
};

TEST_F(Stall, AClientThatFetchesNoMoreIsToBeReplaced) {
  put("before");
  ASSERT_EQ(read_for(20 * kPatience, 1), 1U) << (error_ ? error_->message : "");
  ASSERT_FALSE(group_->is_refused());
  const PartitionOffset stopped{{topic_, 0}, 0, {}};
  rd_kafka_pause_partitions(group_->consumer().handle(), partition_list(std::span(&stopped, 1)).get());
  put("behind");
  EXPECT_EQ(read_for(10 * kPatience), 0U);
  ASSERT_TRUE(error_);
  EXPECT_EQ(error_->code, base::ErrorCode::LostOwnership);
  EXPECT_THAT(error_->message, HasSubstr("has records from 1 to 2, and none was fetched for 1 s"));
  EXPECT_TRUE(group_->is_refused());
}

TEST_F(Stall, AClientAtTheEndIsLeftAlone) {
  put("only");
  ASSERT_EQ(read_for(20 * kPatience, 1), 1U);
  EXPECT_EQ(read_for(5 * kPatience), 0U);
  EXPECT_FALSE(error_) << error_->message;
}

// Behind the last record lie marks, which no reader is given.
TEST_F(Stall, ATransactionThatWasGivenUpIsNoStall) {
  ASSERT_EQ(read_for(3 * kPatience), 0U);
  const integration::Handle producer = integration::make_client(RD_KAFKA_PRODUCER, {{"transactional.id", topic_}});
  const auto check = [](rd_kafka_error_t* error) { ASSERT_EQ(error, nullptr) << rd_kafka_error_string(error); };
  check(rd_kafka_init_transactions(producer.get(), 30'000));
  check(rd_kafka_begin_transaction(producer.get()));
  rd_kafka_producev(producer.get(), RD_KAFKA_V_TOPIC(topic_.c_str()), RD_KAFKA_V_PARTITION(0), RD_KAFKA_V_VALUE(topic_.data(), 1),
                    RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
  rd_kafka_flush(producer.get(), 10'000);
  EXPECT_EQ(read_for(3 * kPatience), 0U);
  EXPECT_FALSE(error_) << error_->message;
  check(rd_kafka_abort_transaction(producer.get(), 30'000));
  EXPECT_EQ(read_for(5 * kPatience), 0U);
  EXPECT_FALSE(error_) << error_->message;
}

}  // namespace
}  // namespace piperun::kafka
