#include "runtime/commit/kafka/ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace piperun::kafka {
namespace {

using commit::Advance;
using commit::Position;
using ::testing::ElementsAre;

const commit::PartitionName kOrders0{"orders", 0}, kOrders1{"orders", 1}, kReplay{Ledger::kReplay, 0}, kMarks{"p.u.replay", 0};

class LedgerTest : public ::testing::Test {
 protected:
  LedgerTest() {
    for (const auto& partition : {kOrders0, kOrders1, kMarks}) ledger_.load({partition, 0, "piperun/1"});
  }
  Advance advance(const commit::PartitionName& partition, std::int64_t from, std::int64_t to) {
    return {partition, from, to, {.read = to - from, .used = to - from}, 0};
  }
  Ledger ledger_{"p.u.replay"};
};

TEST_F(LedgerTest, CountsAddUpOnceACommitIsKnown) {
  for (int tries = 0; tries < 2; ++tries) {  // the first is given up
    const auto planned = ledger_.plan(std::vector{advance(kOrders0, 0, 4)}, {{"lines", 9}}, 0);
    ASSERT_TRUE(planned);
    EXPECT_EQ(planned->front().offset, 4);
    EXPECT_EQ(OffsetMetadata::parse(planned->front().metadata).counts.used, 4);
    EXPECT_EQ(OffsetMetadata::parse(planned->front().metadata).rows.at("lines"), 9);
    if (tries == 0) ledger_.drop();
  }
  ledger_.settle();
  const auto next = ledger_.plan(std::vector{advance(kOrders0, 4, 5), advance(kOrders1, 0, 1)}, {{"lines", 1}}, 0);
  ASSERT_TRUE(next);
  EXPECT_EQ(OffsetMetadata::parse((*next)[0].metadata).counts.used, 5);
  EXPECT_EQ(OffsetMetadata::parse((*next)[0].metadata).rows.at("lines"), 10);
  EXPECT_TRUE(OffsetMetadata::parse((*next)[1].metadata).rows.empty());
}

TEST_F(LedgerTest, TheNewestTimeNeverGoesBackButByASeed) {
  std::int64_t next = 0;
  for (const auto& [time, stored] : {std::pair{40L, 40L}, {30L, 40L}, {commit::kNoTime, 40L}}) {
    Advance one = advance(kOrders0, next, next + 1);
    one.newest_time = time;
    ++next;
    const auto planned = ledger_.plan(std::vector{one}, {}, 0);
    ASSERT_TRUE(planned);
    EXPECT_EQ(ledger_.position_of(planned->front()).newest_time, stored);
    ledger_.settle();
  }
  Position position;
  position.partition = kOrders0;
  const auto seeds = ledger_.plan_seeds(std::vector{position});
  ASSERT_TRUE(seeds);
  EXPECT_EQ(ledger_.position_of(seeds->front()).newest_time, commit::kNoTime);
}

TEST_F(LedgerTest, APositionBelongsToOneTopicOfItsName) {
  ASSERT_TRUE(ledger_.name_topic("orders", "first")) << "nothing was known of the topic before";
  const auto planned = ledger_.plan(std::vector{advance(kOrders0, 0, 4)}, {}, 0);
  ASSERT_TRUE(planned);
  EXPECT_EQ(OffsetMetadata::parse(planned->front().metadata).topic_id, "first");
  Ledger later("p.u.replay");
  later.load(planned->front());
  EXPECT_TRUE(later.name_topic("orders", "first"));
  const auto anew = later.name_topic("orders", "second");
  ASSERT_FALSE(anew);
  EXPECT_EQ(anew.error().code, base::ErrorCode::PositionGone);
  EXPECT_TRUE(later.name_topic("other", "second"));
}

TEST_F(LedgerTest, APositionOfAnOutboxBelongsToOneDatabase) {
  const std::map<std::string, std::string> topics = {{"events", "p.u.events.progress"}};
  const commit::PartitionName outbox{"events", 0}, progress{"p.u.events.progress", 0};
  Ledger relay("p.u.replay", topics);
  relay.load({progress, 7, "piperun/1 read=7 used=7"});
  ASSERT_TRUE(relay.name_database("events", "database:12/5")) << "an earlier version did not store it";
  const auto planned = relay.plan(std::vector{advance(outbox, 7, 9)}, {}, 0);
  ASSERT_TRUE(planned);
  EXPECT_EQ(OffsetMetadata::parse(planned->front().metadata).database, "database:12/5");
  for (const auto& [identity, is_same] : {std::pair("database:12/5", true),
                                          {"database:/5", true},
                                          {"database:13/5", false},
                                          {"database:12/6", false},
                                          {"database:/6", false}}) {
    Ledger later("p.u.replay", topics);
    later.load(planned->front());
    const auto named = later.name_database("events", identity);
    EXPECT_EQ(named.has_value(), is_same) << identity;
    if (named) continue;
    EXPECT_EQ(named.error().code, base::ErrorCode::PositionGone);
    EXPECT_NE(named.error().message.find("database:12/5"), std::string::npos);
    EXPECT_NE(named.error().message.find(identity), std::string::npos);
  }
  Ledger person("p.u.replay", topics);
  person.load(planned->front());
  Position moved;
  moved.partition = outbox;
  moved.next_offset = 3;
  const auto seeds = person.plan_seeds(std::vector{moved});
  ASSERT_TRUE(seeds);
  EXPECT_EQ(OffsetMetadata::parse(seeds->front().metadata).database, "") << "who moves a position accepts what is there";
}

TEST_F(LedgerTest, AnOutboxStandsForItsProgressTopic) {
  Ledger relay("p.u.replay", {{"public.events", "p.u.public.events.progress"}});
  const commit::PartitionName outbox{"public.events", 0}, progress{"p.u.public.events.progress", 0};
  EXPECT_EQ(relay.stored_name(outbox), progress);
  EXPECT_EQ(relay.load({progress, 7, "piperun/1 read=7 used=7"}).partition, outbox);
  const auto planned = relay.plan(std::vector{advance(outbox, 7, 9)}, {}, 0);
  ASSERT_TRUE(planned);
  EXPECT_EQ(planned->front().partition, progress);
  EXPECT_EQ(planned->front().offset, 9);
}

TEST_F(LedgerTest, AnAdvanceFromElsewhereIsRefused) {
  for (const auto& wrong : {advance(kOrders0, 1, 2), advance({"other", 0}, 0, 1)}) {
    const auto planned = ledger_.plan(std::vector{wrong}, {}, 0);
    ASSERT_FALSE(planned);
    EXPECT_EQ(planned.error().code, base::ErrorCode::LostOwnership);
  }
}

TEST_F(LedgerTest, ReplaysAreCountedBesideTheOffsetOfTheirMarks) {
  const auto planned = ledger_.plan(std::vector{advance(kReplay, 0, 2)}, {}, 17);
  ASSERT_TRUE(planned);
  EXPECT_EQ(planned->front().partition, kMarks);
  EXPECT_EQ(planned->front().offset, 17);
  const Position read = ledger_.position_of(planned->front());
  EXPECT_EQ(read.partition, kReplay);
  EXPECT_EQ(read.next_offset, 2);
  EXPECT_EQ(read.counts.used, 2);
}

TEST_F(LedgerTest, WhatWasInFlightIsUnknownToTheNextOwner) {
  OffsetMetadata metadata;
  metadata.counts = {.read = 3, .used = 3};
  metadata.in_flight = 4;
  const Position position = ledger_.load({kOrders0, 7, *metadata.text()});
  EXPECT_EQ(position.counts.read, 7);
  EXPECT_EQ(position.counts.unknown, 4);
  EXPECT_EQ(position.in_flight, 0);
  const auto planned = ledger_.plan(std::vector{advance(kOrders0, 7, 8)}, {}, 0);
  ASSERT_TRUE(planned);
  EXPECT_EQ(OffsetMetadata::parse(planned->front().metadata).counts.unknown, 4);
}

TEST_F(LedgerTest, AnOffsetThatStandsForNoneIsNone) {
  EXPECT_EQ(ledger_.load({kOrders0, 0, "piperun/1 none=1"}).next_offset, -1);
  EXPECT_EQ(ledger_.stored_offset(kOrders0), -1);
}

TEST_F(LedgerTest, KnowsWhetherACommitWithoutAnswerWasStored) {
  const auto planned = ledger_.plan(std::vector{advance(kOrders0, 0, 4), advance(kOrders1, 0, 1)}, {}, 0);
  ASSERT_TRUE(planned);
  EXPECT_TRUE(ledger_.is_what_was_planned(*planned));
  auto other = *planned;
  other[1].offset = 0;
  EXPECT_FALSE(ledger_.is_what_was_planned(other));
  EXPECT_FALSE(ledger_.is_what_was_planned({}));
}

TEST_F(LedgerTest, UnchangedOffsetsCarryTheirLedger) {
  ASSERT_TRUE(ledger_.plan(std::vector{advance(kOrders0, 0, 4)}, {{"lines", 2}}, 0));
  ledger_.settle();
  const auto same = ledger_.unchanged(std::vector{kOrders0});
  ASSERT_TRUE(same);
  EXPECT_EQ(same->front().offset, 4);
  EXPECT_EQ(OffsetMetadata::parse(same->front().metadata).rows.at("lines"), 2);
}

}  // namespace
}  // namespace piperun::kafka
