// Positions, transactions, fencing and manifests of the Kafka domain on a real broker.
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "tests/integration/kafka_domain_member.h"

namespace piperun::integration {
namespace {

using base::ErrorClass;
using base::ErrorCode;
using commit::Position;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

ErrorClass class_of(const base::Error& error) { return base::traits(error.code).error_class; }

TEST_F(KafkaDomainTest, ANewUnitHasNoPositionsUntilTheyAreSeeded) {
  Member member(group(), source_);
  ASSERT_TRUE(member.joins(2));
  auto first = domain(&member);
  for (const Position& position : value_of(first->claim(partitions()))) EXPECT_EQ(position.next_offset, -1);
  assign(*first);
  for (const Position& position : value_of(first->claim(partitions()))) EXPECT_EQ(position.next_offset, 0);
}

TEST_F(KafkaDomainTest, OutputPositionCountsAndRowsCommitTogether) {
  Member member(group(), source_);
  ASSERT_TRUE(member.joins(2));
  auto domain = this->domain(&member);
  assign(*domain);
  done(batch(*domain, advance(0, 3), "a"));
  done(batch(*domain, advance(3, 4), "b"));
  EXPECT_THAT(output(), ElementsAre("a", "b"));
  const Position position = stored(*domain);
  EXPECT_EQ(position.next_offset, 4);
  EXPECT_EQ(position.counts.read, 4);
  EXPECT_EQ(position.counts.used, 4);
  EXPECT_TRUE(position.counts.balances());
  EXPECT_THAT(value_of(domain->rows()), ElementsAre(std::pair<std::string, std::int64_t>("lines", 2)));
}

TEST_F(KafkaDomainTest, AnAbortIsInvisibleAndTheNextTransactionHasANewEpoch) {
  Member member(group(), source_);
  ASSERT_TRUE(member.joins(2));
  auto domain = this->domain(&member);
  assign(*domain);
  done(domain->begin());
  write(*domain, "gone");
  done(domain->add_rows("lines", 1));
  done(domain->store_offsets(std::vector{advance(0, 3)}));
  const std::string before = client_name(*domain);
  domain->abort();
  EXPECT_EQ(stored(*domain).next_offset, 0);
  done(domain->begin());
  EXPECT_NE(client_name(*domain), before);
  write(*domain, "kept");
  done(domain->store_offsets(std::vector{advance(0, 3)}));
  done(domain->commit());
  EXPECT_THAT(output(), ElementsAre("kept"));
  EXPECT_EQ(stored(*domain).counts.read, 3);
  EXPECT_THAT(value_of(domain->rows()), IsEmpty());
}

TEST_F(KafkaDomainTest, ASecondProducerOfTheSlotFencesTheFirst) {
  Member member(group(), source_);
  ASSERT_TRUE(member.joins(2));
  auto first = domain(&member);
  assign(*first);
  done(first->begin());
  write(*first, "of the first");
  done(first->store_offsets(std::vector{advance(0, 1)}));

  auto second = domain(&member);
  done(second->init_producer());
  const auto fenced = first->commit();
  ASSERT_FALSE(fenced);
  EXPECT_EQ(class_of(fenced.error()), ErrorClass::Transient);  // once may be a transaction that took too long
  EXPECT_THAT(output(), IsEmpty());
  done(first->init_producer());
  EXPECT_EQ(stored(*first).next_offset, 0);

  done(first->begin());
  write(*first, "again");
  done(second->init_producer());
  ASSERT_FALSE(first->commit());
  const auto given_up = first->init_producer();
  ASSERT_FALSE(given_up);
  EXPECT_EQ(given_up.error().code, ErrorCode::LostOwnership);
  EXPECT_THAT(given_up.error().message, HasSubstr("twice"));
  EXPECT_THAT(output(), IsEmpty());
}

// The transaction has failed for another reason: only the abort meets who has taken over.
TEST_F(KafkaDomainTest, AFenceThatAnAbortMeetsIsCounted) {
  Member member(group(), source_);
  ASSERT_TRUE(member.joins(2));
  auto first = domain(&member), second = domain(&member);
  assign(*first);
  output_ = new_name("small");
  create_topic(output_, 1, {{"max.message.bytes", "1000"}});
  for (int times = 0; times < 2; ++times) {
    done(first->begin());
    write(*first, "accepted");
    write(*first, std::string(5000, 'x'));
    EXPECT_FALSE(first->producer()->flush(10'000'000));
    done(second->init_producer());
    ASSERT_FALSE(first->commit());
    if (times == 0) done(first->init_producer());
  }
  const auto given_up = first->init_producer();
  ASSERT_FALSE(given_up);
  EXPECT_EQ(given_up.error().code, ErrorCode::LostOwnership);
  EXPECT_THAT(output(), IsEmpty());
}

TEST_F(KafkaDomainTest, AWorkerWhosePartitionsWereGivenAwayIsRefusedByTheMembershipCheck) {
  Member first(group(), source_);
  ASSERT_TRUE(first.joins(2));
  auto domain = this->domain(&first);
  assign(*domain);
  Member second(group(), source_);
  ASSERT_TRUE(eventually([&] {
    second.poll();
    return first.poll().size() == 1 && second.poll().size() == 1;
  }));
  const int gone = first.poll().front().number == 0 ? 1 : 0;
  done(domain->begin());
  write(*domain, "late");
  const auto checked = domain->check_membership();
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, ErrorCode::LostOwnership);
  EXPECT_FALSE(domain->store_offsets(std::vector{advance(0, 1, gone)}));
  domain->abort();
  EXPECT_THAT(output(), IsEmpty());
}

// The member's client has not heard of it yet, so only the broker can refuse the generation.
TEST_F(KafkaDomainTest, AnOldGenerationIsRefusedByTheBroker) {
  Member first(group(), source_);
  ASSERT_TRUE(first.joins(2));
  auto domain = this->domain(&first);
  assign(*domain);
  const kafka::Membership old = value_of(first.consumer().membership());
  Member second(group(), source_);
  ASSERT_TRUE(eventually([&] {
    second.poll();
    return first.poll().size() == 1 && second.poll().size() == 1;
  }));
  done(domain->begin());
  write(*domain, "late");
  const kafka::PartitionOffset offset{{source_, 0}, 5, "x"};
  const auto sent = domain->producer()->send_offsets(std::span(&offset, 1), old);
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().kind, kafka::Fault::Kind::Abort);
  EXPECT_EQ(sent.error().error.code, ErrorCode::LostOwnership) << sent.error().error.message;
  domain->abort();
  EXPECT_THAT(output(), IsEmpty());
  EXPECT_EQ(stored(*domain).next_offset, 0);
}

// A process that was killed left a transaction open and one committed.
// Its transaction is open for 10 s and more, and a worker beside it may be asked to stop.
TEST_F(KafkaDomainTest, NobodyIsKeptForLongByAMemberThatIsPausedBeforeItsCommit) {
  Member member(group(), source_);
  ASSERT_TRUE(member.joins(2));
  kafka::DomainSettings for_long = settings();
  for_long.transaction_timeout = 60'000'000;
  auto paused = std::make_unique<kafka::KafkaDomain>(for_long, &member.consumer(), clock_);
  auto beside = domain(&member, true, "1");
  assign(*paused);
  done(paused->begin());
  write(*paused, "one");
  done(paused->store_offsets(std::vector{advance(0, 5)}));
  const auto begun = std::chrono::steady_clock::now();
  const auto took = [&] { return std::chrono::steady_clock::now() - begun; };
  EXPECT_EQ(at(value_of(beside->read_positions(ir::StepMode::Plain)), {source_, 0}).next_offset, 0) << "what is committed";
  EXPECT_LT(took(), std::chrono::seconds(9));
  const auto claimed = beside->claim(partitions());
  EXPECT_LT(took(), std::chrono::seconds(20));  // the transaction is open for 60 s
  ASSERT_FALSE(claimed) << "its commit may come yet";
  EXPECT_EQ(class_of(claimed.error()), ErrorClass::Transient);
  done(paused->commit());
  EXPECT_EQ(at(value_of(beside->claim(partitions())), {source_, 0}).next_offset, 5);
}

TEST_F(KafkaDomainTest, CountsAreExactAfterAKill) {
  const pid_t child = fork();
  if (child == 0) {
    try {
      Member member(group(), source_);
      if (!member.joins(2)) _exit(2);
      kafka::DomainSettings for_long = settings();
      for_long.transaction_timeout = 60'000'000;
      auto domain = std::make_unique<kafka::KafkaDomain>(for_long, &member.consumer(), clock_);
      assign(*domain);
      done(batch(*domain, advance(0, 3), "a"));
      done(domain->begin());
      write(*domain, "open");
      done(domain->add_rows("lines", 1));
      done(domain->store_offsets(std::vector{advance(3, 9)}));
      kill(getpid(), SIGKILL);
    } catch (const std::exception& error) { std::fprintf(stderr, "%s\n", error.what()); }
    _exit(3);
  }
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  Member member(group(), source_);
  ASSERT_TRUE(member.joins(2));
  auto domain = this->domain(&member);
  const auto begun = std::chrono::steady_clock::now();
  const auto positions = assign(*domain);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(20));  // the same slot settles it at once
  EXPECT_EQ(at(positions, {source_, 0}).next_offset, 3);
  EXPECT_EQ(at(positions, {source_, 0}).counts.read, 3);
  EXPECT_THAT(output(), ElementsAre("a"));
  EXPECT_THAT(value_of(domain->rows()), ElementsAre(std::pair<std::string, std::int64_t>("lines", 1)));
}

TEST_F(KafkaDomainTest, WhatLiesBesideAnOffsetIsLimited) {
  Member member(group(), source_);
  ASSERT_TRUE(member.joins(2));
  auto domain = this->domain(&member);
  assign(*domain);
  done(domain->begin());
  std::size_t room = kafka::OffsetMetadata::kLimit - std::string("piperun/1 read=1 used=1 topic= rows.=1").size();
  room -= 22;  // the id of the topic
  done(domain->add_rows(std::string(room, 'x'), 1));
  done(domain->store_offsets(std::vector{advance(0, 1)}));
  done(domain->commit());
  EXPECT_EQ(stored(*domain).next_offset, 1);
  done(domain->begin());
  done(domain->add_rows("one more", 1));
  const auto refused = domain->store_offsets(std::vector{advance(1, 2)});
  ASSERT_FALSE(refused);
  EXPECT_EQ(class_of(refused.error()), ErrorClass::Configuration);
  domain->abort();
  EXPECT_EQ(stored(*domain).next_offset, 1);
}

TEST_F(KafkaDomainTest, OffsetsOfAToolHaveNoLedger) {
  kafka::ConsumerSettings tool;
  tool.group = group();
  const auto consumer = value_of(kafka::Consumer::open(client_settings(), tool));
  done(consumer->commit(std::vector{kafka::PartitionOffset{{source_, 0}, 7, "by hand"}}));
  auto domain = this->domain(nullptr, true, "");
  const Position position = stored(*domain);
  EXPECT_EQ(position.next_offset, 7);
  EXPECT_EQ(position.counts.read, 0);
}

TEST_F(KafkaDomainTest, ManifestAndFirstPositionsAreOneCommit) {
  Member member(group(), source_);
  ASSERT_TRUE(member.joins(2));
  auto domain = this->domain(&member);
  EXPECT_THAT(value_of(domain->manifests()), IsEmpty());
  done(domain->init_producer());
  auto positions = value_of(domain->claim(partitions()));
  for (Position& position : positions) position.next_offset = 4;
  done(domain->begin());
  done(domain->put_manifest({kUnit, "first", false}));
  done(domain->seed_positions(positions));
  domain->abort();
  EXPECT_THAT(value_of(domain->manifests()), IsEmpty());
  for (const Position& position : value_of(domain->claim(partitions()))) EXPECT_EQ(position.next_offset, -1);
  assign(*domain, "second");
  const auto manifests = value_of(this->domain(nullptr, true, "")->manifests());
  ASSERT_EQ(manifests.size(), 1u);
  EXPECT_EQ(manifests[0].unit, kUnit);
  EXPECT_EQ(manifests[0].text, "second");
  EXPECT_FALSE(manifests[0].moved);
}

TEST_F(KafkaDomainTest, FreezeIsRefusedWhileAMemberIsAtWork) {
  auto stored = domain(nullptr, true, "");
  {
    Member member(group(), source_);
    ASSERT_TRUE(member.joins(2));
    auto domain = this->domain(&member);
    assign(*domain);
    done(batch(*domain, advance(0, 3), "a"));
    const auto refused = stored->freeze({kUnit, "moved", true});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::LostOwnership);
    EXPECT_FALSE(value_of(stored->manifests()).front().moved);
    member.leave();
  }
  ASSERT_TRUE(eventually([&] { return stored->freeze({kUnit, "moved", true}).has_value(); }));
  EXPECT_TRUE(value_of(stored->manifests()).front().moved);
  EXPECT_EQ(at(value_of(stored->read_positions(ir::StepMode::Locking)), {source_, 0}).next_offset, 3);
  done(stored->retire());
  EXPECT_THAT(value_of(stored->read_positions(ir::StepMode::Plain)), IsEmpty());
  EXPECT_EQ(value_of(stored->manifests()).size(), 1u);
  done(stored->retire());
}

TEST_F(KafkaDomainTest, AMemberRetiresWhatItsUnitLeftBefore) {
  Member member(group(), source_);
  ASSERT_TRUE(member.joins(2));
  auto domain = this->domain(&member);
  assign(*domain);
  done(batch(*domain, advance(0, 3), "a"));
  done(domain->retire());
  EXPECT_THAT(value_of(domain->read_positions(ir::StepMode::Plain)), IsEmpty());
  for (const Position& position : value_of(domain->claim(partitions()))) EXPECT_EQ(position.next_offset, -1);
  assign(*domain);
  EXPECT_EQ(stored(*domain).counts.read, 0);
}

// ---- Without transactions

TEST_F(KafkaDomainTest, WithoutTransactionsPositionsAreCommittedWithTheirLedger) {
  for (const ir::StepMode mode : {ir::StepMode::Sync, ir::StepMode::Async, ir::StepMode::Hybrid}) {
    pipeline_ = new_name("plain");
    Member member(group(), source_);
    ASSERT_TRUE(member.joins(2));
    auto domain = this->domain(&member, false);
    assign(*domain);
    for (int i = 0; i < 5; ++i) {
      done(domain->check_membership());
      done(domain->add_rows("lines", 2));
      done(domain->commit_offsets(std::vector{advance(i, i + 1)}, mode));
    }
    EXPECT_TRUE(eventually([&] {
      member.poll();
      return stored(*this->domain(nullptr, false, "")).next_offset == 5;
    }));
    EXPECT_EQ(stored(*this->domain(nullptr, false, "")).counts.used, 5);
    EXPECT_THAT(value_of(domain->rows()), ElementsAre(std::pair<std::string, std::int64_t>("lines", 10)));
    EXPECT_EQ(value_of(domain->manifests()).size(), 1u);
  }
}

TEST_F(KafkaDomainTest, AtMostOnceKnowsWhatACrashLeftUnknown) {
  Member member(group(), source_);
  ASSERT_TRUE(member.joins(2));
  auto domain = this->domain(&member, false);
  assign(*domain);
  commit::Advance first{{source_, 0}, 0, 10, {}, 10};
  done(domain->commit_offsets(std::vector{first}, ir::StepMode::Sync));
  commit::Advance second{{source_, 0}, 10, 15, {.read = 10, .used = 10}, 5};  // the fates of the first batch
  done(domain->commit_offsets(std::vector{second}, ir::StepMode::Sync));
  EXPECT_EQ(stored(*domain).next_offset, 15);
  auto next = this->domain(&member, false);
  const Position position = at(value_of(next->claim(partitions())), {source_, 0});
  EXPECT_EQ(position.counts.read, 15);
  EXPECT_EQ(position.counts.unknown, 5);
  EXPECT_TRUE(position.counts.balances());
  next->keep(partitions());
  commit::Advance third{{source_, 0}, 15, 16, {.read = 1, .used = 1}, 0};
  done(next->commit_offsets(std::vector{third}, ir::StepMode::Sync));
  EXPECT_EQ(stored(*next).counts.read, 16);
  EXPECT_EQ(stored(*next).counts.unknown, 5);
  EXPECT_TRUE(stored(*next).counts.balances());
}

TEST_F(KafkaDomainTest, WithoutTransactionsAnOldOwnersCommitIsRefused) {
  Member first(group(), source_);
  ASSERT_TRUE(first.joins(2));
  auto domain = this->domain(&first, false);
  assign(*domain);
  Member second(group(), source_);
  ASSERT_TRUE(eventually([&] {
    second.poll();
    return first.poll().size() == 1 && second.poll().size() == 1;
  }));
  const int gone = first.poll().front().number == 0 ? 1 : 0;
  const auto refused = domain->commit_offsets(std::vector{advance(0, 9, gone)}, ir::StepMode::Sync);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::LostOwnership);
  EXPECT_EQ(stored(*this->domain(nullptr, false, ""), gone).next_offset, 0);
}

}  // namespace
}  // namespace piperun::integration
