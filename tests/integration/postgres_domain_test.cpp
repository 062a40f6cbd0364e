// The PostgreSQL commit domain on a real server: the same behaviour as the embedded one, and what only a server can do to it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <random>
#include <thread>

#include "runtime/commit/postgres/postgres_domain.h"
#include "runtime/commit/postgres/schema.h"
#include "tests/integration/postgres_database.h"
#include "tests/unit/runtime/commit/embedded/temporary.h"

namespace piperun::postgres {
namespace {

using base::ErrorClass;
using base::ErrorCode;
using commit::Advance;
using commit::Counts;
using commit::KeyClaim;
using commit::Letter;
using commit::PartitionName;
using commit::Position;
using integration::Loss;
using integration::LossyWay;
using piperun::testing::exit_status;
using piperun::testing::in_child;
using piperun::testing::Turns;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Clock = std::chrono::steady_clock;

const PartitionName kOrders0{"orders", 0}, kOrders1{"orders", 1};

Counts used(std::int64_t n) { return {.read = n, .used = n}; }
Advance advance(std::int64_t from, std::int64_t to) { return {kOrders0, from, to, used(to - from), 0}; }

Position seeded(const PartitionName& partition, std::int64_t offset) {
  Position result;
  result.partition = partition;
  result.next_offset = offset;
  return result;
}

template <typename Value>
auto must(base::Result<Value> result) {
  if (result) return std::move(*result);
  ADD_FAILURE() << result.error().message;
  std::abort();
}

template <typename Value>
::testing::AssertionResult is_lost(const base::Result<Value>& result) {
  if (result) return ::testing::AssertionFailure() << "it succeeded";
  if (result.error().code == ErrorCode::LostOwnership) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << result.error().message;
}

class PostgresDomainTest : public ::testing::Test {
 protected:
  std::unique_ptr<PostgresDomain> open(const std::string& unit = "orders.shop", const std::string& cluster = {}) {
    return must(PostgresDomain::open(settings_, "p", unit, cluster));
  }
  // Claims partition 0 and seeds it at 0 if it is new.
  std::unique_ptr<PostgresDomain> owner() { return owner_by(settings_); }
  std::unique_ptr<PostgresDomain> owner_by(const PostgresSettings& settings) {
    auto domain = must(PostgresDomain::open(settings, "p", "orders.shop"));
    if (must(domain->claim(std::vector{kOrders0})).front().next_offset < 0) {
      EXPECT_TRUE(domain->seed_positions(std::vector{seeded(kOrders0, 0)}));
    }
    return domain;
  }
  static Position only(PostgresDomain& domain, ir::StepMode mode = ir::StepMode::Plain) {
    auto positions = must(domain.read_positions(mode));
    EXPECT_EQ(positions.size(), 1u);
    return positions.front();
  }

  integration::TestDatabase database_;
  PostgresSettings settings_ = database_.settings();
};

TEST_F(PostgresDomainTest, ClaimRaisesEpochAndMarksNewPartitions) {
  auto domain = open();
  auto first = must(domain->claim(std::vector{kOrders1, kOrders0}));
  EXPECT_EQ(first[0].partition, kOrders1) << "in the order that was asked";
  EXPECT_EQ(first[0].epoch, 1);
  EXPECT_EQ(first[1].next_offset, -1);
  ASSERT_TRUE(domain->seed_positions(std::vector{seeded(kOrders0, 5), seeded(kOrders1, 0)}));
  auto second = must(domain->claim(std::vector{kOrders0}));
  EXPECT_EQ(second.front().epoch, 2);
  EXPECT_EQ(second.front().next_offset, 5);
}

TEST_F(PostgresDomainTest, TheMarkOfAFileIsStoredWithItsPosition) {
  auto domain = owner();
  Advance read = advance(0, 8);
  read.mark = "8:abc";
  ASSERT_TRUE(domain->begin());
  ASSERT_TRUE(domain->fence(std::vector{read}));
  EXPECT_EQ(only(*open()).mark, "");
  ASSERT_TRUE(domain->commit());
  EXPECT_EQ(only(*domain).mark, "8:abc");
  EXPECT_EQ(must(domain->claim(std::vector{kOrders0})).front().mark, "8:abc");
  ASSERT_TRUE(domain->commit_offsets(std::vector{Advance{kOrders0, 8, 4, {}, 0}}, ir::StepMode::Sync));
  EXPECT_EQ(only(*domain).mark, "") << "moved by hand";
  Position moved = seeded(kOrders0, 9);
  moved.mark = "9:def";
  ASSERT_TRUE(domain->seed_positions(std::vector{moved}));
  EXPECT_EQ(only(*domain).mark, "9:def");
}

TEST_F(PostgresDomainTest, FenceMovesPositionAndAddsCountsAtCommit) {
  auto domain = owner();
  auto reader = open();
  ASSERT_TRUE(domain->begin());
  ASSERT_TRUE(domain->fence(std::vector{Advance{kOrders0, 0, 3, {.read = 3, .used = 1, .duplicates = 1, .dead = 1}, 0}}));
  EXPECT_EQ(only(*reader).next_offset, 0);
  ASSERT_TRUE(domain->commit());
  ASSERT_TRUE(domain->begin());
  ASSERT_TRUE(domain->fence(std::vector{advance(3, 4)}));
  ASSERT_TRUE(domain->commit());
  const Position stored = only(*reader);
  EXPECT_EQ(stored.next_offset, 4);
  EXPECT_EQ(stored.counts.read, 4);
  EXPECT_EQ(stored.counts.used, 2);
  EXPECT_EQ(stored.counts.duplicates, 1);
  EXPECT_EQ(stored.counts.dead, 1);
  EXPECT_TRUE(stored.counts.balances());
}

TEST_F(PostgresDomainTest, SeedsKeepEveryCount) {
  auto domain = open();
  must(domain->claim(std::vector{kOrders0}));
  Position position = seeded(kOrders0, 9);
  position.counts = {.read = 36, .used = 1, .filtered = 2, .duplicates = 3, .late = 4, .skipped = 5, .dead = 6, .unknown = 15};
  ASSERT_TRUE(domain->seed_positions(std::vector{position}));
  const Counts stored = only(*domain).counts;
  EXPECT_EQ(stored.filtered, 2);
  EXPECT_EQ(stored.late, 4);
  EXPECT_EQ(stored.skipped, 5);
  EXPECT_EQ(stored.unknown, 15);
  EXPECT_TRUE(stored.balances());
}

TEST_F(PostgresDomainTest, FenceRefusesAnotherPositionThanTheStoredOne) {
  auto domain = owner();
  ASSERT_TRUE(domain->begin());
  auto fenced = domain->fence(std::vector{advance(1, 2)});
  ASSERT_TRUE(is_lost(fenced));
  EXPECT_EQ(fenced.error().sqlstate, "PF001");
  EXPECT_THAT(fenced.error().message, HasSubstr("partition 0 of `orders` is at position 0, not at 1"));
  auto committed = domain->commit();
  ASSERT_FALSE(committed) << "what failed cannot be committed by who does not look";
  EXPECT_EQ(only(*open()).next_offset, 0);
}

TEST_F(PostgresDomainTest, FenceFailsForAllIfOnePartitionDoesNotMatch) {
  auto domain = open();
  ASSERT_TRUE(domain->claim(std::vector{kOrders0, kOrders1}));
  ASSERT_TRUE(domain->seed_positions(std::vector{seeded(kOrders0, 0), seeded(kOrders1, 0)}));
  must(open()->claim(std::vector{kOrders1}));  // another worker takes one of them
  ASSERT_TRUE(domain->begin());
  EXPECT_TRUE(is_lost(domain->fence(std::vector{advance(0, 1), Advance{kOrders1, 0, 1, used(1), 0}})));
  domain->abort();
  for (const Position& position : must(open()->read_positions(ir::StepMode::Plain))) EXPECT_EQ(position.next_offset, 0);
}

TEST_F(PostgresDomainTest, EveryFencedWriteFailsAfterATakeover) {
  auto old = owner();
  auto taker = owner();
  ASSERT_TRUE(old->begin());
  EXPECT_TRUE(is_lost(old->fence({}))) << "an empty fence still compares epochs";
  old->abort();
  EXPECT_TRUE(is_lost(old->commit_offsets(std::vector{advance(0, 1)}, ir::StepMode::Sync)));
  EXPECT_TRUE(is_lost(old->seed_positions(std::vector{seeded(kOrders0, 9)})));
  EXPECT_TRUE(is_lost(old->put_letters(std::vector{Letter{}})));
  EXPECT_TRUE(is_lost(old->claim_keys("d", std::vector{KeyClaim{"k", {}, {1}}})));
  EXPECT_TRUE(is_lost(old->add_rows("s", 1)));
  EXPECT_TRUE(is_lost(old->put_manifest({"orders.shop", "{}", false})));
  EXPECT_TRUE(is_lost(old->read_positions(ir::StepMode::Locking)));
  EXPECT_TRUE(is_lost(old->read_positions(ir::StepMode::Plain)));
  EXPECT_TRUE(taker->commit_offsets(std::vector{advance(0, 1)}, ir::StepMode::Sync));
  EXPECT_EQ(only(*taker).next_offset, 1);
}

TEST_F(PostgresDomainTest, APausedExOwnerIsFenced) {
  { auto made = owner(); }
  Turns turns;
  const pid_t child = in_child([&] {
    auto mine = owner();
    if (!mine->commit_offsets(std::vector{advance(0, 10)}, ir::StepMode::Sync)) return 1;
    turns.parent_may_go();
    turns.wait_for_parent();
    if (!mine->begin()) return 2;
    auto fenced = mine->fence(std::vector{advance(10, 20)});
    return is_lost(fenced) && fenced.error().message.find("piperun " + std::to_string(::getppid())) != std::string::npos ? 75 : 3;
  });
  turns.wait_for_child();
  ::kill(child, SIGSTOP);
  auto ours = owner();
  EXPECT_TRUE(ours->commit_offsets(std::vector{advance(10, 15)}, ir::StepMode::Sync));
  ::kill(child, SIGCONT);
  turns.child_may_go();
  EXPECT_EQ(exit_status(child), 75);
  EXPECT_EQ(only(*ours).next_offset, 15);
  EXPECT_EQ(only(*ours).counts.read, 15);
}

TEST_F(PostgresDomainTest, AClaimWaitsForTheExOwnersOpenTransactionAndReturnsItsNewPosition) {
  auto old = owner();
  ASSERT_TRUE(old->begin());
  ASSERT_TRUE(old->fence(std::vector{advance(0, 7)}));
  std::atomic<bool> has_waited = false;
  std::jthread commits([&] {
    const std::string waits =
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')";
    for (const auto until = Clock::now() + std::chrono::seconds(20); !has_waited && Clock::now() < until;) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      has_waited = database_.value(waits) == "t";
    }
    EXPECT_TRUE(old->commit());
  });
  auto taker = open();
  EXPECT_EQ(only(*taker).next_offset, 0) << "all that a plain read can see";
  auto claimed = must(taker->claim(std::vector{kOrders0}));
  EXPECT_TRUE(has_waited);
  EXPECT_EQ(claimed.front().next_offset, 7);
  EXPECT_EQ(claimed.front().epoch, 2);
  commits.join();
  EXPECT_TRUE(is_lost(old->commit_offsets(std::vector{advance(7, 8)}, ir::StepMode::Sync)));
}

TEST_F(PostgresDomainTest, AnExOwnerStoppedInsideOfATransactionIsEndedAfterAWhile) {
  { auto made = owner(); }
  Turns turns;
  const pid_t child = in_child([&] {
    PostgresSettings patient = settings_;
    patient.idle_in_transaction_timeout = 3'600'000'000;  // so that nobody but the claimer ends it
    auto mine = owner_by(patient);
    if (!mine->begin() || !mine->fence(std::vector{advance(0, 7)})) return 1;
    turns.parent_may_go();
    turns.wait_for_parent();
    auto done = mine->commit();
    return !done && base::traits(done.error().code).error_class == ErrorClass::Transient &&
                   is_lost(mine->read_positions(ir::StepMode::Locking))
               ? 75
               : 2;
  });
  turns.wait_for_child();
  ::kill(child, SIGSTOP);
  PostgresSettings impatient = settings_;
  impatient.patience = 1'500'000;
  auto taker = must(PostgresDomain::open(impatient, "p", "orders.shop"));
  ASSERT_TRUE(taker->begin());  // as the engine does it
  const auto began = Clock::now();
  auto claimed = must(taker->claim(std::vector{kOrders0}));
  EXPECT_GE(Clock::now() - began, std::chrono::milliseconds(1'400));
  EXPECT_LT(Clock::now() - began, std::chrono::seconds(9)) << "by itself it waits for 10 s";
  ASSERT_TRUE(taker->commit());
  EXPECT_EQ(claimed.front().next_offset, 0) << "nothing of it was committed";
  ::kill(child, SIGCONT);
  turns.child_may_go();
  EXPECT_EQ(exit_status(child), 75);
}

TEST_F(PostgresDomainTest, OtherProgramsAreNotEnded) {
  { auto made = owner(); }
  pqxx::connection other(database_.url());
  pqxx::work holds(other);
  holds.exec("SELECT 1 FROM piperun.offsets FOR UPDATE");
  PostgresSettings impatient = settings_;
  impatient.patience = 200'000;
  impatient.statement_timeout = 1'500'000;
  auto taker = must(PostgresDomain::open(impatient, "p", "orders.shop"));
  auto claimed = taker->claim(std::vector{kOrders0});
  ASSERT_FALSE(claimed);
  EXPECT_EQ(base::traits(claimed.error().code).error_class, ErrorClass::Transient) << claimed.error().message;
  EXPECT_NO_THROW(holds.exec("SELECT 1"));
}

// ---- The acknowledgement of a COMMIT is lost

class LostAcknowledgement : public PostgresDomainTest, public ::testing::WithParamInterface<Loss> {};

TEST_P(LostAcknowledgement, ALockingReadTellsWhatWasCommitted) {
  LossyWay way(database_.port());
  auto domain = owner_by(database_.settings(way.port()));
  ASSERT_TRUE(domain->commit_offsets(std::vector{advance(0, 5)}, ir::StepMode::Sync));
  ASSERT_TRUE(domain->begin());
  ASSERT_TRUE(domain->fence(std::vector{advance(5, 9)}));
  ASSERT_TRUE(domain->add_rows("s", 4));
  way.lose_next(GetParam());
  auto done = domain->commit();
  ASSERT_FALSE(done);
  ASSERT_TRUE(way.has_lost());
  EXPECT_EQ(done.error().code, ErrorCode::SystemUnavailable) << done.error().message;
  const bool is_committed = GetParam() != Loss::Message;
  EXPECT_EQ(only(*domain, ir::StepMode::Locking).next_offset, is_committed ? 9 : 5);
  EXPECT_EQ(must(domain->rows()).size(), is_committed ? 1u : 0u);
  const std::int64_t from = is_committed ? 9 : 5;
  ASSERT_TRUE(domain->begin());
  EXPECT_TRUE(domain->fence(std::vector{advance(from, 10)})) << "the same owner goes on";
  EXPECT_TRUE(domain->commit());
  EXPECT_EQ(only(*open()).counts.read, 10);
}

INSTANTIATE_TEST_SUITE_P(Ways, LostAcknowledgement, ::testing::Values(Loss::Reply, Loss::Late, Loss::Message),
                         [](const auto& loss) {
                           return loss.param == Loss::Reply ? "Reply" : loss.param == Loss::Late ? "Late" : "Message";
                         });

// The negative control: while the late COMMIT is on its way, a plain read shows the old position.
TEST_F(PostgresDomainTest, APlainReadDoesNotTell) {
  LossyWay way(database_.port());
  auto domain = owner_by(database_.settings(way.port()));
  ASSERT_TRUE(domain->begin());
  ASSERT_TRUE(domain->fence(std::vector{advance(0, 9)}));
  way.lose_next(Loss::Late);
  ASSERT_FALSE(domain->commit());
  EXPECT_EQ(only(*domain, ir::StepMode::Plain).next_offset, 0);
  EXPECT_EQ(only(*domain, ir::StepMode::Locking).next_offset, 9);
}

TEST_F(PostgresDomainTest, ABackendThatIsKilledLeavesNothingAndTheOwnerGoesOn) {
  auto domain = owner();
  ASSERT_TRUE(domain->begin());
  ASSERT_TRUE(domain->fence(std::vector{advance(0, 5)}));
  database_.exec("SELECT pg_terminate_backend(" + std::to_string(domain->session().backend()) + ")");
  auto failed = domain->add_rows("s", 1);
  ASSERT_FALSE(failed);
  EXPECT_EQ(base::traits(failed.error().code).error_class, ErrorClass::Transient) << failed.error().message;
  auto again = domain->add_rows("s", 1);
  ASSERT_FALSE(again) << "nothing of a lost transaction goes into another one";
  domain->abort();
  EXPECT_EQ(only(*domain).next_offset, 0);
  ASSERT_TRUE(domain->begin());
  EXPECT_TRUE(domain->fence(std::vector{advance(0, 5)}));
  EXPECT_TRUE(domain->commit());
  EXPECT_EQ(only(*domain).next_offset, 5);
}

TEST_F(PostgresDomainTest, KillBetweenBeginAndCommitLeavesNothing) {
  { auto made = owner(); }
  Turns turns;
  const pid_t child = in_child([&] {
    auto mine = owner();
    const std::vector<KeyClaim> claims{{"k", {}, {1}}};
    const std::vector<Letter> letters(1);
    const auto done = [](const base::Result<void>& result) { result.value(); };  // ends the child
    done(mine->begin());
    done(mine->fence(std::vector{advance(0, 5)}));
    must(mine->claim_keys("d", claims));
    done(mine->put_letters(letters));
    done(mine->add_rows("s", 5));
    done(mine->session().execute("CREATE TABLE t (a int); INSERT INTO t VALUES (1)"));
    turns.parent_may_go();
    for (;;) ::pause();
    return 1;
  });
  turns.wait_for_child();
  ::kill(child, SIGKILL);
  EXPECT_EQ(exit_status(child), -SIGKILL);
  auto ours = owner();
  EXPECT_EQ(only(*ours).next_offset, 0);
  EXPECT_EQ(only(*ours).counts.read, 0);
  EXPECT_TRUE(must(ours->lookup_keys("d", std::vector<std::string>{"k"})).front().times.empty());
  EXPECT_TRUE(must(ours->letters(false)).empty());
  EXPECT_TRUE(must(ours->rows()).empty());
  EXPECT_EQ(database_.value("SELECT to_regclass('t')"), "null");
}

TEST_F(PostgresDomainTest, AtMostOnceUnstoredFatesBecomeUnknown) {
  auto domain = owner();
  ASSERT_TRUE(domain->commit_offsets(std::vector{Advance{kOrders0, 0, 100, {}, 4}}, ir::StepMode::Sync));
  ASSERT_TRUE(domain->commit_offsets(std::vector{Advance{kOrders0, 100, 250, used(4), 3}}, ir::StepMode::Sync));
  EXPECT_EQ(only(*domain).in_flight, 3);
  const Position stored = must(open()->claim(std::vector{kOrders0})).front();
  EXPECT_EQ(stored.next_offset, 250);
  EXPECT_EQ(stored.counts.read, 7);
  EXPECT_EQ(stored.counts.unknown, 3);
  EXPECT_EQ(stored.in_flight, 0);
  EXPECT_TRUE(stored.counts.balances());
}

// ---- Keys

TEST_F(PostgresDomainTest, KeysAreComparedBeforeTheyAreSet) {
  auto domain = owner();
  const auto claim = [&](std::vector<KeyClaim> claims) {
    EXPECT_TRUE(domain->begin());
    const bool done = must(domain->claim_keys("paid.dedup", claims));
    if (done) EXPECT_TRUE(domain->commit());
    else domain->abort();
    return done;
  };
  const std::string odd("b\0\xff", 3);
  EXPECT_TRUE(claim({KeyClaim{"a", {}, {10}}, KeyClaim{odd, {}, {11}}}));
  EXPECT_FALSE(claim({KeyClaim{"new", {}, {1}}, KeyClaim{"a", {}, {12}}})) << "it is there";
  EXPECT_FALSE(claim({KeyClaim{"a", {9}, {12}}})) << "it is not what was read";
  EXPECT_TRUE(claim({KeyClaim{"a", {10}, {10, 20}}}));
  auto found = must(domain->lookup_keys("paid.dedup", std::vector<std::string>{"a", "absent", odd, "new"}));
  EXPECT_THAT(found[0].times, ElementsAre(10, 20));
  EXPECT_TRUE(found[1].times.empty());
  EXPECT_THAT(found[2].times, ElementsAre(11));
  EXPECT_TRUE(found[3].times.empty()) << "aborted with the miss";
  EXPECT_TRUE(must(domain->lookup_keys("other.dedup", std::vector<std::string>{"a"})).front().times.empty());
  EXPECT_TRUE(claim({KeyClaim{"a", {10, 20}, {}}}));
  EXPECT_TRUE(must(domain->lookup_keys("paid.dedup", std::vector<std::string>{"a"})).front().times.empty());
}

TEST_F(PostgresDomainTest, OfTwoWorkersOneGetsTheKey) {
  auto first = owner();
  auto second = open();
  must(second->claim(std::vector{kOrders1}));
  ASSERT_TRUE(first->begin());
  ASSERT_TRUE(must(first->claim_keys("d", std::vector{KeyClaim{"a", {}, {1}}, KeyClaim{"b", {}, {1}}})));
  std::jthread commits([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    EXPECT_TRUE(first->commit());
  });
  EXPECT_FALSE(must(second->claim_keys("d", std::vector{KeyClaim{"c", {}, {2}}, KeyClaim{"b", {}, {2}}})));
  commits.join();
  EXPECT_TRUE(must(second->lookup_keys("d", std::vector<std::string>{"c"})).front().times.empty());
}

TEST_F(PostgresDomainTest, KeysOfAnAbortedFirstTransactionDoNotLinger) {
  auto domain = owner();
  ASSERT_TRUE(domain->begin());
  ASSERT_TRUE(must(domain->claim_keys("d", std::vector{KeyClaim{"a", {}, {1}}})));
  domain->abort();
  ASSERT_TRUE(must(domain->claim_keys("e", std::vector{KeyClaim{"x", {}, {1}}})));
  ASSERT_TRUE(must(domain->claim_keys("d", std::vector{KeyClaim{"a", {}, {2}}})));
  EXPECT_TRUE(must(domain->lookup_keys("d", std::vector<std::string>{"x"})).front().times.empty());
  EXPECT_THAT(must(domain->lookup_keys("d", std::vector<std::string>{"a"})).front().times, ElementsAre(2));
}

TEST_F(PostgresDomainTest, KeysExpireByTheirNewestTime) {
  auto domain = owner();
  ASSERT_TRUE(must(domain->claim_keys("d", std::vector{KeyClaim{"old", {}, {1, 5}}, KeyClaim{"young", {}, {1, 50}}})));
  ASSERT_TRUE(must(domain->claim_keys("e", std::vector{KeyClaim{"old", {}, {5}}})));
  ASSERT_TRUE(domain->expire_keys("d", 10));
  auto found = must(domain->lookup_keys("d", std::vector<std::string>{"old", "young"}));
  EXPECT_TRUE(found[0].times.empty());
  EXPECT_THAT(found[1].times, ElementsAre(1, 50));
  EXPECT_THAT(must(domain->lookup_keys("e", std::vector<std::string>{"old"})).front().times, ElementsAre(5));
}

TEST_F(PostgresDomainTest, AKeyThatSomebodyHoldsExpiresLater) {
  auto domain = owner();
  ASSERT_TRUE(must(domain->claim_keys("d", std::vector{KeyClaim{"held", {}, {5}}, KeyClaim{"old", {}, {5}}})));
  auto other = open();
  ASSERT_TRUE(other->begin());
  ASSERT_TRUE(must(other->claim_keys("d", std::vector{KeyClaim{"held", {5}, {5, 50}}})));
  ASSERT_TRUE(domain->expire_keys("d", 10)) << "it waits for nobody";
  ASSERT_TRUE(other->commit());
  ASSERT_TRUE(domain->expire_keys("d", 10));
  auto found = must(domain->lookup_keys("d", std::vector<std::string>{"held", "old"}));
  EXPECT_THAT(found[0].times, ElementsAre(5, 50));
  EXPECT_TRUE(found[1].times.empty());
}

TEST_F(PostgresDomainTest, TheNewestTimeOfAPartitionNeverGoesBack) {
  auto domain = owner();
  const auto stored = [&] { return must(domain->read_positions(ir::StepMode::Plain)).front().newest_time; };
  EXPECT_EQ(stored(), commit::kNoTime);
  std::int64_t next = 0;
  for (const auto& [time, expected] : {std::pair{-5L, -5L}, {40L, 40L}, {30L, 40L}, {commit::kNoTime, 40L}}) {
    Advance advance{kOrders0, next, next + 1, {.read = 1, .used = 1}, 0};
    advance.newest_time = time;
    ++next;
    ASSERT_TRUE(domain->commit_offsets(std::vector{advance}, ir::StepMode::Sync));
    EXPECT_EQ(stored(), expected);
  }
  EXPECT_EQ(must(domain->claim(std::vector{kOrders0})).front().newest_time, 40);
}

TEST_F(PostgresDomainTest, AKeyTooLongForTheIndexIsARecordsFault) {
  auto domain = owner();
  std::string key;
  std::mt19937 random(1);
  for (int i = 0; i < 20'000; ++i) key += static_cast<char>(random());  // does not compress into an index row
  auto claimed = domain->claim_keys("d", std::vector{KeyClaim{key, {}, {1}}});
  ASSERT_FALSE(claimed);
  EXPECT_EQ(claimed.error().code, ErrorCode::Oversize) << claimed.error().message;
}

// ---- Letters and manifests

Letter letter(std::int64_t offset) {
  Letter result;
  result.unit = "orders.shop";
  result.flow = "paid";
  result.origin = kOrders0;
  result.offset = offset;
  result.next_offset = offset + 1;
  result.timestamp = 77;
  result.value = std::string("\0{broken", 8);
  result.kept = commit::Kept::Original;
  result.headers = {{"type", "x\xff"}, {"empty", ""}, {"none", std::nullopt}, {"type", "again"}};
  result.code = "P1001";
  result.message = "invalid JSON at byte 1";
  result.site = "orders.pipe:3:1";
  result.first_failure = 100;
  result.last_failure = 100;
  return result;
}

TEST_F(PostgresDomainTest, LettersComeBackAsTheyWere) {
  auto domain = owner();
  Letter bare = letter(3);
  bare.headers.clear();
  bare.key = "";
  ASSERT_TRUE(domain->put_letters(std::vector{letter(2), bare, letter(1)}));
  auto stored = must(domain->letters(false));
  ASSERT_EQ(stored.size(), 3u);
  const Letter& first = stored.front();
  EXPECT_EQ(first.offset, 1);
  EXPECT_EQ(first.value, std::string("\0{broken", 8));
  EXPECT_EQ(first.kept, commit::Kept::Original);
  EXPECT_EQ(first.key, std::nullopt);
  EXPECT_EQ(first.headers, letter(1).headers);
  EXPECT_EQ(stored[1].headers, letter(1).headers);
  EXPECT_TRUE(stored[2].headers.empty());
  EXPECT_EQ(stored[2].key, "");
  EXPECT_EQ(first.code, "P1001");
  EXPECT_EQ(first.site, "orders.pipe:3:1");
  EXPECT_TRUE(must(open("other.unit")->letters(false)).empty());
  ASSERT_TRUE(domain->remove_letter(first));
  EXPECT_EQ(must(domain->letters(false)).size(), 2u);
}

TEST_F(PostgresDomainTest, WhatAnEarlierVersionDidNotSayOfALetterIsNotKnown) {
  ASSERT_TRUE(owner()->put_letters(std::vector{letter(1)}));
  database_.exec("ALTER TABLE piperun.dead_letters DROP COLUMN kept");
  auto stored = must(must(PostgresDomain::open_stored(settings_, "p", "orders.shop"))->letters(false));
  ASSERT_EQ(stored.size(), 1u);
  EXPECT_EQ(stored.front().kept, commit::Kept::Unknown);
  EXPECT_EQ(stored.front().value, letter(1).value);
  auto domain = owner();
  Letter hash = letter(2);
  hash.kept = commit::Kept::Hash;
  ASSERT_TRUE(domain->put_letters(std::vector{hash}));
  EXPECT_EQ(must(domain->letters(false)).at(1).kept, commit::Kept::Hash);
}

TEST_F(PostgresDomainTest, ALetterWithAnyBytesInItsMessageCanBeStored) {
  auto domain = owner();
  Letter odd = letter(1);
  odd.message = std::string("no UTF-8: \xff\xc3(, zero: \0.", 23);
  ASSERT_TRUE(domain->put_letters(std::vector{odd}));
  EXPECT_THAT(must(domain->letters(false)).front().message, HasSubstr("no UTF-8: \uFFFD\uFFFD(, zero: \uFFFD"));
}

TEST_F(PostgresDomainTest, AReplayedLetterThatFailsAgainKeepsItsHistory) {
  auto domain = owner();
  ASSERT_TRUE(domain->put_letters(std::vector{letter(1), letter(2)}));
  ASSERT_TRUE(domain->ask_replay(letter(1)));
  ASSERT_TRUE(domain->ask_replay(letter(1)));
  auto asked = must(domain->letters(true));
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked.front().replays, 1);
  Letter again = letter(1);
  again.first_failure = again.last_failure = 500;
  ASSERT_TRUE(domain->put_letters(std::vector{again}));
  EXPECT_TRUE(must(domain->letters(true)).empty());
  const Letter stored = must(domain->letters(false)).front();
  EXPECT_EQ(stored.first_failure, 100);
  EXPECT_EQ(stored.last_failure, 500);
  EXPECT_EQ(stored.replays, 1);
}

TEST_F(PostgresDomainTest, ManifestsOfAllUnitsOfThePipeline) {
  auto domain = owner();
  ASSERT_TRUE(domain->put_manifest({"orders.shop", "{\"v\":1}", false}));
  ASSERT_TRUE(open("other")->put_manifest({"other", "{}", false}));
  ASSERT_TRUE(domain->put_manifest({"orders.shop", "{\"v\":2}", true}));
  auto manifests = must(domain->manifests());
  ASSERT_EQ(manifests.size(), 2u);
  EXPECT_EQ(manifests.front().text, "{\"v\":2}");
  EXPECT_TRUE(manifests.front().moved);
  EXPECT_FALSE(manifests.back().moved);
}

TEST_F(PostgresDomainTest, ReleaseUndoesWhatIsOpen) {
  auto domain = owner();
  ASSERT_TRUE(domain->begin());
  ASSERT_TRUE(domain->add_rows("s", 1));
  domain->release();
  EXPECT_TRUE(must(open()->rows()).empty());
  EXPECT_TRUE(is_lost(domain->commit_offsets(std::vector{advance(0, 1)}, ir::StepMode::Sync))) << "nothing is claimed any more";
}

TEST_F(PostgresDomainTest, PositionsOfAnotherClusterAreRefused) {
  auto first = open("orders.shop", "cluster-a");
  must(first->claim(std::vector{kOrders0}));
  ASSERT_TRUE(first->seed_positions(std::vector{seeded(kOrders0, 5)}));
  auto other = open("orders.shop", "cluster-b");
  auto refused = other->claim(std::vector{kOrders0});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::PositionGone);
  EXPECT_THAT(refused.error().message, HasSubstr("cluster-a"));
  EXPECT_TRUE(first->commit_offsets(std::vector{advance(5, 6)}, ir::StepMode::Sync)) << "who was refused has taken nothing";
  auto by_hand = open();  // offsets reset
  must(by_hand->claim(std::vector{kOrders0}));
  ASSERT_TRUE(by_hand->seed_positions(std::vector{seeded(kOrders0, 0)}));
  EXPECT_TRUE(other->claim(std::vector{kOrders0}));
}

// ---- A unit that moves

TEST_F(PostgresDomainTest, AFrozenUnitCommitsNothingMore) {
  auto old = owner();
  for (int times = 0; times < 2; ++times) ASSERT_TRUE(open()->freeze({"orders.shop", "{}", true}));
  EXPECT_TRUE(is_lost(old->commit_offsets(std::vector{advance(0, 1)}, ir::StepMode::Sync)));
  EXPECT_TRUE(must(open()->manifests()).front().moved);
}

TEST_F(PostgresDomainTest, AProcessAtWorkIsLeftAlone) {
  Turns turns;
  const pid_t child = in_child([&] {
    auto mine = owner();
    turns.parent_may_go();
    turns.wait_for_parent();
    return mine->commit_offsets(std::vector{advance(0, 1)}, ir::StepMode::Sync) ? 0 : 1;
  });
  turns.wait_for_child();
  const auto refused = open()->freeze({"orders.shop", "{}", true});
  turns.child_may_go();
  EXPECT_EQ(exit_status(child), 0);
  ASSERT_TRUE(is_lost(refused));
  EXPECT_THAT(refused.error().message, HasSubstr("piperun " + std::to_string(child)));
  const auto until = Clock::now() + std::chrono::seconds(5);  // the server notices that the process is gone
  while (!open()->freeze({"orders.shop", "{}", true}) && Clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_TRUE(must(open()->manifests()).front().moved);
}

TEST_F(PostgresDomainTest, WhatMovesIsReadAndRemoved) {
  auto domain = owner();
  ASSERT_TRUE(must(domain->claim_keys("a.dedup", std::vector{KeyClaim{"k1", {}, {1}}, KeyClaim{"k2", {}, {2, 3}}})));
  ASSERT_TRUE(domain->add_rows("s", 1));
  ASSERT_TRUE(domain->put_manifest({"orders.shop", "{}", true}));
  const auto first = must(domain->all_keys("a.dedup", "", 1));
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(must(domain->all_keys("a.dedup", first.front().key, 1)).front().times, (std::vector<std::int64_t>{2, 3}));
  EXPECT_TRUE(must(domain->all_keys("a.dedup", "k2", 1)).empty());
  ASSERT_TRUE(must(domain->claim_keys("b.dedup", std::vector{KeyClaim{"x", {}, {1}}})));
  ASSERT_TRUE(must(domain->claim_keys("b.dedup", std::vector{KeyClaim{"x", {1}, {}}})));  // known, and empty
  for (int times = 0; times < 2; ++times) ASSERT_TRUE(domain->rename_stage("a.dedup", "b.dedup"));
  EXPECT_TRUE(must(domain->all_keys("a.dedup", "", 9)).empty());
  EXPECT_EQ(must(domain->all_keys("b.dedup", "", 9)).size(), 2u);
  auto after = open();
  ASSERT_TRUE(after->retire());
  EXPECT_TRUE(must(after->read_positions(ir::StepMode::Plain)).empty());
  EXPECT_TRUE(must(after->all_keys("b.dedup", "", 9)).empty());
  EXPECT_TRUE(must(after->rows()).empty());
  EXPECT_EQ(must(after->manifests()).size(), 1u);
}

// ---- Schema and connection

TEST_F(PostgresDomainTest, NothingIsStoredWhereNothingWas) {
  EXPECT_EQ(must(PostgresDomain::open_stored(settings_, "p", "u")), nullptr);
  EXPECT_EQ(database_.value("SELECT to_regnamespace('piperun')"), "null") << "asking makes nothing";
  open();
  EXPECT_NE(must(PostgresDomain::open_stored(settings_, "p", "u")), nullptr);
}

TEST_F(PostgresDomainTest, ManyProcessesMakeTheSchemaAtOnce) {
  std::vector<pid_t> children;
  const auto start = Clock::now() + std::chrono::milliseconds(300);
  for (int i = 0; i < 6; ++i) {
    children.push_back(in_child([&] {
      auto session = Session::open(settings_);
      std::this_thread::sleep_until(start);
      auto made = session ? make_schema(**session) : std::unexpected(session.error());
      if (!made) std::fputs((made.error().message + "\n").c_str(), stderr);
      return made ? 0 : 1;
    }));
  }
  for (const pid_t child : children) EXPECT_EQ(exit_status(child), 0);
  EXPECT_EQ(database_.value("SELECT count(*), max(version) FROM piperun.format"), "1|2");
}

// As the first format had it: what is there stays, and whoever opens it brings it to this one, be it only to ask.
TEST_F(PostgresDomainTest, WhatAnEarlierVersionStoredIsTakenAsItIs) {
  owner();
  const std::string arguments = "text, text, text[]" + [] {
    std::string numbers;
    for (int i = 0; i < 14; ++i) numbers += ", bigint[]";
    return numbers;
  }();
  for (const bool is_asked : {true, false}) {
    database_.exec("ALTER TABLE piperun.dead_letters DROP COLUMN kept");
    database_.exec("ALTER TABLE piperun.offsets DROP COLUMN newest_time; DROP FUNCTION piperun.advance(" + arguments +
                   "); DELETE FROM piperun.format; INSERT INTO piperun.format VALUES (1)");
    auto domain = is_asked ? must(PostgresDomain::open_stored(settings_, "p", "orders.shop")) : open();
    const auto positions = must(domain->read_positions(ir::StepMode::Plain));
    ASSERT_EQ(positions.size(), 1U);
    EXPECT_EQ(positions.front().newest_time, commit::kNoTime);
    Advance advance{kOrders0, positions.front().next_offset, positions.front().next_offset + 1, {.read = 1, .used = 1}, 0};
    advance.newest_time = 7;
    must(domain->claim(std::vector{kOrders0}));
    ASSERT_TRUE(domain->commit_offsets(std::vector{advance}, ir::StepMode::Sync));
    EXPECT_EQ(must(domain->read_positions(ir::StepMode::Plain)).front().newest_time, 7);
    EXPECT_EQ(database_.value("SELECT max(version) FROM piperun.format"), "2");
  }
}

TEST_F(PostgresDomainTest, AFormatOfALaterVersionIsRefused) {
  open();
  database_.exec("UPDATE piperun.format SET version = 99");
  auto refused = PostgresDomain::open(settings_, "p", "u");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::StoreDamaged);
  EXPECT_THAT(refused.error().message, HasSubstr("format 99"));
}

TEST_F(PostgresDomainTest, AUserWhoMayNotIsToldWhatToGrant) {
  const std::string user = database_.name() + "_user";
  database_.exec("CREATE ROLE " + user + " LOGIN PASSWORD 'secret'; REVOKE CREATE ON DATABASE " + database_.name() +
                 " FROM PUBLIC");
  PostgresSettings settings = settings_;
  settings.url = database_.url(0, user);
  auto refused = PostgresDomain::open(settings, "p", "u");
  database_.exec("CREATE SCHEMA piperun; DROP SCHEMA piperun; DROP ROLE " + user);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::CannotOpen);
  EXPECT_THAT(refused.error().message, HasSubstr("GRANT CREATE ON DATABASE"));
  EXPECT_THAT(refused.error().message, HasSubstr(user));
}

TEST_F(PostgresDomainTest, WrongPasswordsAndDatabasesStopAndAnAbsentServerIsWaitedFor) {
  const auto failure = [](const std::string& url) {
    PostgresSettings settings;
    settings.url = url;
    return Session::open(settings).error();
  };
  const std::string straight = database_.url();
  std::string wrong = straight;
  wrong.replace(wrong.find("password="), wrong.find(' ', wrong.find("password=")) - wrong.find("password="), "password=letmein");
  EXPECT_EQ(failure(wrong).code, ErrorCode::CannotOpen);
  EXPECT_THAT(failure(wrong).message, HasSubstr("password authentication failed"));
  EXPECT_THAT(failure(wrong).message, ::testing::Not(HasSubstr("letmein")));
  EXPECT_EQ(failure(straight + "_not").code, ErrorCode::CannotOpen);
  EXPECT_EQ(failure("host=127.0.0.1 port=1 dbname=x").code, ErrorCode::SystemUnavailable);
  EXPECT_EQ(failure("postgresql://u:letmein@host:port/x").code, ErrorCode::CannotOpen);
  EXPECT_THAT(failure("postgresql://u:letmein@host:port/x").message, ::testing::Not(HasSubstr("letmein")));
}

TEST_F(PostgresDomainTest, ADatabaseThatOnlyReadsIsTransient) {
  auto domain = owner();
  database_.exec("ALTER DATABASE " + database_.name() + " SET default_transaction_read_only = on");
  auto connected = Session::open(settings_);
  ASSERT_FALSE(connected) << "a standby does the same";
  EXPECT_EQ(connected.error().code, ErrorCode::SystemUnavailable) << connected.error().message;
  ASSERT_TRUE(domain->session().execute("SET default_transaction_read_only = on"));
  auto refused = domain->commit_offsets(std::vector{advance(0, 1)}, ir::StepMode::Sync);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().sqlstate, "25006");
  EXPECT_EQ(base::traits(refused.error().code).error_class, ErrorClass::Transient);
}

TEST_F(PostgresDomainTest, AServerThatStopsAnsweringIsLeft) {
  PostgresSettings settings = settings_;
  settings.statement_timeout = 1'000'000;
  auto session = must(Session::open(settings));
  // As a stopped server looks from here: the backend is stopped, its connection stays.
  const pid_t backend = session->backend();
  if (::kill(backend, SIGSTOP) != 0) GTEST_FAIL() << "the server is another machine's or user's";
  const auto began = Clock::now();
  auto asked = session->query("SELECT 1");
  EXPECT_LT(Clock::now() - began, std::chrono::seconds(30));
  ::kill(backend, SIGCONT);
  ASSERT_FALSE(asked);
  EXPECT_EQ(asked.error().code, ErrorCode::SystemUnavailable) << asked.error().message;
  EXPECT_TRUE(session->query("SELECT 1")) << "over a new connection";
}

}  // namespace
}  // namespace piperun::postgres
