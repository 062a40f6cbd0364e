#include "runtime/commit/embedded/embedded_domain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/resource.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <thread>

#include "tests/unit/runtime/commit/embedded/temporary.h"

namespace piperun::embedded {
namespace {

using base::ErrorCode;
using commit::Advance;
using commit::Counts;
using commit::Letter;
using commit::PartitionName;
using commit::Position;
using piperun::testing::exit_status;
using piperun::testing::in_child;
using piperun::testing::Turns;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const PartitionName kOrders0{"orders", 0}, kOrders1{"orders", 1};

Counts used(std::int64_t n) { return {.read = n, .used = n}; }

class EmbeddedDomainTest : public ::testing::Test {
 protected:
  std::unique_ptr<EmbeddedDomain> open(std::int64_t busy_limit = 200'000, const std::string& unit = "orders.shop") {
    auto database = Database::open(path_, Database::Access::Write, Database::Durability::Normal, busy_limit);
    if (!database) {
      ADD_FAILURE() << database.error().message;
      std::abort();
    }
    return std::make_unique<EmbeddedDomain>(std::move(*database), "p", unit);
  }
  static Position seeded(const PartitionName& partition, std::int64_t offset) {
    Position result;
    result.partition = partition;
    result.next_offset = offset;
    return result;
  }
  // Claims partition 0 and seeds it at 0 if it is new.
  std::unique_ptr<EmbeddedDomain> owner() {
    auto domain = open();
    auto positions = domain->claim(std::vector{kOrders0});
    EXPECT_TRUE(positions);
    if (positions->front().next_offset < 0) { EXPECT_TRUE(domain->seed_positions(std::vector{seeded(kOrders0, 0)})); }
    return domain;
  }
  static Position only(EmbeddedDomain& domain, ir::StepMode mode = ir::StepMode::Plain) {
    auto positions = domain.read_positions(mode);
    EXPECT_TRUE(positions);
    EXPECT_EQ(positions->size(), 1u);
    return positions->front();
  }

  piperun::testing::TemporaryFolder folder_;
  std::string path_ = folder_ / "shop.db";
};

TEST_F(EmbeddedDomainTest, ClaimRaisesEpochAndMarksNewPartitions) {
  auto domain = open();
  auto first = domain->claim(std::vector{kOrders0, kOrders1});
  ASSERT_TRUE(first);
  EXPECT_EQ((*first)[0].epoch, 1);
  EXPECT_EQ((*first)[1].next_offset, -1);
  ASSERT_TRUE(domain->seed_positions(std::vector{seeded(kOrders0, 5), seeded(kOrders1, 0)}));
  auto second = domain->claim(std::vector{kOrders0});
  ASSERT_TRUE(second);
  EXPECT_EQ(second->front().epoch, 2);
  EXPECT_EQ(second->front().next_offset, 5);
}

// When there is no space the batch is not stored, all before it is, and it is stored when there is space again, by the same connection.
class NoSpaceTest : public EmbeddedDomainTest {
 protected:
  base::Result<void> store(EmbeddedDomain& domain) {
    Letter letter;
    letter.unit = "orders.shop";
    letter.origin = kOrders0;
    letter.offset = position_;
    letter.value = std::string(10'000, 'x');
    const auto done = [&]() -> base::Result<void> {
      if (auto begun = domain.begin(); !begun) return begun;
      const std::vector advance{Advance{kOrders0, position_, position_ + 1, used(1), 0}};
      if (auto fenced = domain.fence(advance); !fenced) return fenced;
      if (auto put = domain.put_letters(std::vector{letter}); !put) return put;
      return domain.commit();
    }();
    if (done) ++position_;
    else domain.abort();
    return done;
  }
  bool is_stored(EmbeddedDomain& domain) {
    const auto letters = domain.letters(false);
    return only(domain).next_offset == position_ && only(domain).counts.read == position_ && letters &&
           std::ssize(*letters) == position_;
  }
  // 0, or which of these failed.
  int fill_and_go_on(EmbeddedDomain& domain, ErrorCode code, const std::string& words, const std::function<void()>& make_space) {
    base::Result<void> stored;
    while (stored && position_ < 1'000) stored = store(domain);
    if (stored || position_ < 5) return 1;
    if (stored.error().code != code || !stored.error().message.contains(words)) return 2;
    for (int again = 0; again < 3; ++again) {
      if (store(domain)) return 3;
    }
    if (!is_stored(domain)) return 4;
    make_space();
    for (int more = 0; more < 50; ++more) {
      if (!store(domain)) return 5;
    }
    return is_stored(domain) ? 0 : 6;
  }
  void check_file() {
    auto database = Database::open(path_, Database::Access::Read);
    ASSERT_TRUE(database);
    Query check = (*database)->query("PRAGMA integrity_check");
    ASSERT_TRUE(check.step());
    EXPECT_EQ(check.text(0), "ok");
  }

  std::int64_t position_ = 0;
};

TEST_F(NoSpaceTest, TheDatabaseIsFull) {
  auto domain = owner();
  ASSERT_TRUE(domain->database().execute("PRAGMA max_page_count = 100"));
  const auto make_space = [&] { EXPECT_TRUE(domain->database().execute("PRAGMA max_page_count = 100000")); };
  EXPECT_EQ(fill_and_go_on(*domain, ErrorCode::DiskFull, "no space is left for", make_space), 0);
  check_file();
}

// What a disk does that fails halfway, without an administrator's help.
TEST_F(NoSpaceTest, TheSystemRefusesToWrite) {
  const auto child = in_child([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    auto domain = owner();
    const auto limit_files = [](std::uint64_t bytes) {
      rlimit limit{};
      ::getrlimit(RLIMIT_FSIZE, &limit);
      limit.rlim_cur = bytes;
      ::setrlimit(RLIMIT_FSIZE, &limit);
    };
    limit_files(400'000);
    return fill_and_go_on(*domain, ErrorCode::SystemUnavailable, "cannot be written", [&] { limit_files(RLIM_INFINITY); });
  });
  EXPECT_EQ(exit_status(child), 0);
  check_file();
}

TEST_F(EmbeddedDomainTest, AMarkIsStoredWithItsPosition) {
  auto domain = owner();
  ASSERT_TRUE(domain->begin());
  ASSERT_TRUE(domain->fence(std::vector{Advance{kOrders0, 0, 8, used(2), 0, "8:abc"}}));
  ASSERT_TRUE(domain->commit());
  EXPECT_EQ(only(*domain).mark, "8:abc");
  EXPECT_EQ(domain->claim(std::vector{kOrders0})->front().mark, "8:abc");
  ASSERT_TRUE(domain->commit_offsets(std::vector{Advance{kOrders0, 8, 4, {}, 0}}, ir::StepMode::Sync));
  EXPECT_EQ(only(*domain).mark, "") << "moved by hand";
  Position moved = seeded(kOrders0, 9);
  moved.mark = "9:def";
  ASSERT_TRUE(domain->seed_positions(std::vector{moved}));
  EXPECT_EQ(only(*domain).mark, "9:def");
}

TEST_F(EmbeddedDomainTest, TheNewestTimeOfAPartitionNeverGoesBack) {
  auto domain = owner();
  EXPECT_EQ(only(*domain).newest_time, commit::kNoTime);
  std::int64_t next = 0;
  for (const auto& [time, stored] : {std::pair{-5L, -5L}, {40L, 40L}, {30L, 40L}, {commit::kNoTime, 40L}}) {
    Advance advance{kOrders0, next, next + 1, used(1), 0};
    advance.newest_time = time;
    ++next;
    ASSERT_TRUE(domain->commit_offsets(std::vector{advance}, ir::StepMode::Sync));
    EXPECT_EQ(only(*domain).newest_time, stored);
  }
  EXPECT_EQ(domain->claim(std::vector{kOrders0})->front().newest_time, 40);
  ASSERT_TRUE(domain->seed_positions(std::vector{seeded(kOrders0, 0)}));
  EXPECT_EQ(only(*domain).newest_time, commit::kNoTime) << "records are read again from the beginning";
}

// As the first format had it: what is there stays, and whoever opens it brings it to this one, be it only to read.
TEST_F(EmbeddedDomainTest, AFileOfAnEarlierFormatIsTakenAsItIs) {
  owner();
  for (const auto access : {Database::Access::Read, Database::Access::Write}) {
    sqlite3* file = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &file), SQLITE_OK);
    ASSERT_EQ(
        sqlite3_exec(file,
                     "ALTER TABLE piperun_positions DROP COLUMN mark; ALTER TABLE piperun_positions DROP COLUMN newest_time; "
                     "ALTER TABLE piperun_dead_letters DROP COLUMN kept; "
                     "PRAGMA user_version = 1",
                     nullptr, nullptr, nullptr),
        SQLITE_OK);
    sqlite3_close(file);
    auto database = Database::open(path_, access);
    ASSERT_TRUE(database) << database.error().message;
    EmbeddedDomain domain(std::move(*database), "p", "orders.shop");
    EXPECT_EQ(only(domain).next_offset, 0);
    EXPECT_EQ(only(domain).mark, "");
    EXPECT_EQ(only(domain).newest_time, commit::kNoTime);
  }
}

TEST_F(EmbeddedDomainTest, FenceMovesPositionAndAddsCountsAtCommit) {
  auto domain = owner();
  auto reader = open();
  ASSERT_TRUE(domain->begin());
  ASSERT_TRUE(domain->fence(std::vector{Advance{kOrders0, 0, 3, {.read = 3, .used = 1, .duplicates = 1, .dead = 1}, 0}}));
  EXPECT_EQ(only(*reader).next_offset, 0);
  ASSERT_TRUE(domain->commit());
  ASSERT_TRUE(domain->begin());
  ASSERT_TRUE(domain->fence(std::vector{Advance{kOrders0, 3, 4, used(1), 0}}));
  ASSERT_TRUE(domain->commit());
  const Position stored = only(*reader);
  EXPECT_EQ(stored.next_offset, 4);
  EXPECT_EQ(stored.counts.read, 4);
  EXPECT_EQ(stored.counts.used, 2);
  EXPECT_EQ(stored.counts.dead, 1);
  EXPECT_TRUE(stored.counts.balances());
}

TEST_F(EmbeddedDomainTest, FenceRefusesAnotherPositionThanTheStoredOne) {
  auto domain = owner();
  ASSERT_TRUE(domain->begin());
  auto fenced = domain->fence(std::vector{Advance{kOrders0, 1, 2, used(1), 0}});
  ASSERT_FALSE(fenced);
  EXPECT_EQ(fenced.error().code, ErrorCode::LostOwnership);
}

TEST_F(EmbeddedDomainTest, FenceFailsForAllIfOnePartitionDoesNotMatch) {
  auto domain = open();
  ASSERT_TRUE(domain->claim(std::vector{kOrders0, kOrders1}));
  ASSERT_TRUE(domain->seed_positions(std::vector{seeded(kOrders0, 0), seeded(kOrders1, 0)}));
  ASSERT_TRUE(open()->claim(std::vector{kOrders1}));  // another worker takes one of them
  ASSERT_TRUE(domain->begin());
  ASSERT_FALSE(domain->fence(std::vector{Advance{kOrders0, 0, 1, used(1), 0}, Advance{kOrders1, 0, 1, used(1), 0}}));
  domain->abort();
  const auto stored = open()->read_positions(ir::StepMode::Plain);
  ASSERT_TRUE(stored);
  for (const Position& position : *stored) EXPECT_EQ(position.next_offset, 0);
}

TEST_F(EmbeddedDomainTest, EveryFencedWriteFailsAfterATakeover) {
  auto old = owner();
  auto taker = owner();
  const auto is_lost = [](const auto& result) { return !result && result.error().code == ErrorCode::LostOwnership; };
  ASSERT_TRUE(old->begin());
  EXPECT_TRUE(is_lost(old->fence({}))) << "an empty fence still compares epochs";
  old->abort();
  EXPECT_TRUE(is_lost(old->commit_offsets(std::vector{Advance{kOrders0, 0, 1, used(1), 0}}, ir::StepMode::Sync)));
  EXPECT_TRUE(is_lost(old->seed_positions(std::vector{seeded(kOrders0, 9)})));
  EXPECT_TRUE(is_lost(old->put_letters(std::vector{Letter{}})));
  EXPECT_TRUE(is_lost(old->claim_keys("d", std::vector{commit::KeyClaim{"k", {}, {1}}})));
  EXPECT_TRUE(is_lost(old->expire_keys("d", 0)));
  EXPECT_TRUE(is_lost(old->add_rows("s", 1)));
  EXPECT_TRUE(is_lost(old->put_manifest({"orders.shop", "{}", false})));
  EXPECT_TRUE(is_lost(old->read_positions(ir::StepMode::Locking)));
  EXPECT_TRUE(taker->commit_offsets(std::vector{Advance{kOrders0, 0, 1, used(1), 0}}, ir::StepMode::Sync));
  EXPECT_EQ(only(*taker).next_offset, 1);
}

TEST_F(EmbeddedDomainTest, TwoProcessesFenceEachOther) {
  { auto made = owner(); }
  Turns turns;
  const pid_t child = in_child([&] {
    auto mine = owner();
    if (!mine->commit_offsets(std::vector{Advance{kOrders0, 0, 10, used(10), 0}}, ir::StepMode::Sync)) return 1;
    turns.parent_may_go();
    turns.wait_for_parent();  // a pause in which the other takes over
    if (!mine->begin()) return 2;
    auto fenced = mine->fence(std::vector{Advance{kOrders0, 10, 20, used(10), 0}});
    return !fenced && fenced.error().code == ErrorCode::LostOwnership &&
                   fenced.error().message.find("process " + std::to_string(::getppid())) != std::string::npos
               ? 75
               : 3;
  });
  turns.wait_for_child();
  auto ours = owner();
  EXPECT_TRUE(ours->commit_offsets(std::vector{Advance{kOrders0, 10, 15, used(5), 0}}, ir::StepMode::Sync));
  turns.child_may_go();
  EXPECT_EQ(exit_status(child), 75);
  EXPECT_EQ(only(*ours).next_offset, 15);
  EXPECT_EQ(only(*ours).counts.read, 15);
}

TEST_F(EmbeddedDomainTest, KillBetweenBeginAndCommitLeavesNothing) {
  { auto made = owner(); }
  Turns turns;
  const pid_t child = in_child([&] {
    auto mine = owner();
    const std::vector<Letter> letters(1);
    const bool done = mine->begin() && mine->fence(std::vector{Advance{kOrders0, 0, 5, used(5), 0}}) &&
                      mine->claim_keys("d", std::vector{commit::KeyClaim{"k", {}, {1}}}) && mine->put_letters(letters) &&
                      mine->add_rows("s", 5) && mine->database().execute("CREATE TABLE t (a); INSERT INTO t VALUES (1)");
    turns.parent_may_go();
    if (!done) return 1;
    for (;;) ::pause();
  });
  turns.wait_for_child();
  ::kill(child, SIGKILL);
  EXPECT_EQ(exit_status(child), -SIGKILL);
  auto ours = owner();
  const Position stored = only(*ours);
  EXPECT_EQ(stored.next_offset, 0);
  EXPECT_EQ(stored.counts.read, 0);
  EXPECT_TRUE(ours->lookup_keys("d", std::vector<std::string>{"k"})->front().times.empty());
  EXPECT_TRUE(ours->letters(false)->empty());
  EXPECT_TRUE(ours->rows()->empty());
  EXPECT_FALSE(ours->database().execute("SELECT * FROM t"));
}

TEST_F(EmbeddedDomainTest, KillAfterCommitKeepsAll) {
  Turns turns;
  const pid_t child = in_child([&] {
    auto mine = owner();
    const bool done = mine->begin() && mine->fence(std::vector{Advance{kOrders0, 0, 5, used(5), 0}}) && mine->add_rows("s", 5) &&
                      mine->commit();
    turns.parent_may_go();
    if (!done) return 1;
    for (;;) ::pause();
  });
  turns.wait_for_child();
  ::kill(child, SIGKILL);
  exit_status(child);
  auto ours = owner();
  EXPECT_EQ(only(*ours).next_offset, 5);
  EXPECT_EQ(only(*ours).epoch, 2);
  EXPECT_THAT(*ours->rows(), ElementsAre(std::pair<std::string, std::int64_t>("s", 5)));
}

TEST_F(EmbeddedDomainTest, LockingReadWaitsForTheWriterPlainReadDoesNot) {
  { auto made = owner(); }
  Turns turns;
  const pid_t child = in_child([&] {
    auto mine = owner();
    if (!mine->begin() || !mine->fence(std::vector{Advance{kOrders0, 0, 5, used(5), 0}})) return 1;
    turns.parent_may_go();
    turns.wait_for_parent();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // so that the reader is waiting for the lock
    return mine->commit() ? 0 : 2;
  });
  turns.wait_for_child();
  auto reader = open(5'000'000);
  EXPECT_EQ(only(*reader, ir::StepMode::Plain).next_offset, 0) << "the old value is all that a plain read can see";
  turns.child_may_go();
  EXPECT_EQ(only(*reader, ir::StepMode::Locking).next_offset, 5);
  EXPECT_EQ(exit_status(child), 0);
}

TEST_F(EmbeddedDomainTest, AWaiterGivesUpInTimeAndNamesTheHolder) {
  { auto made = owner(); }
  Turns turns;
  const pid_t child = in_child([&] {
    auto mine = open();
    if (!mine->begin()) return 1;
    turns.parent_may_go();
    turns.wait_for_parent();
    return 0;
  });
  turns.wait_for_child();
  auto waiter = open(2'000'000);  // by itself 1 s
  const auto began = std::chrono::steady_clock::now();
  auto begun = waiter->begin();
  const auto waited = std::chrono::steady_clock::now() - began;
  turns.child_may_go();
  exit_status(child);
  ASSERT_FALSE(begun);
  EXPECT_EQ(begun.error().code, ErrorCode::DatabaseLocked);
  EXPECT_THAT(begun.error().message, HasSubstr("process " + std::to_string(child)));
  EXPECT_GE(waited, std::chrono::milliseconds(1'900));
  EXPECT_LT(waited, std::chrono::seconds(20));
  EXPECT_TRUE(waiter->begin()) << "free again";
}

TEST_F(EmbeddedDomainTest, AtMostOnceUnstoredFatesBecomeUnknown) {
  auto domain = owner();
  ASSERT_TRUE(domain->commit_offsets(std::vector{Advance{kOrders0, 0, 100, {}, 4}}, ir::StepMode::Sync));  // 4 records in flight
  ASSERT_TRUE(domain->commit_offsets(std::vector{Advance{kOrders0, 100, 250, used(4), 3}},
                                     ir::StepMode::Sync));  // fates of the 4, 3 more
  EXPECT_EQ(only(*domain).in_flight, 3);
  auto after_crash = open();
  auto claimed = after_crash->claim(std::vector{kOrders0});
  ASSERT_TRUE(claimed);
  const Position& stored = claimed->front();
  EXPECT_EQ(stored.next_offset, 250);
  EXPECT_EQ(stored.counts.read, 7);
  EXPECT_EQ(stored.counts.used, 4);
  EXPECT_EQ(stored.counts.unknown, 3);
  EXPECT_EQ(stored.in_flight, 0);
  EXPECT_TRUE(stored.counts.balances());
}

TEST_F(EmbeddedDomainTest, AtMostOnceAGracefulStopLeavesNothingUnknown) {
  auto domain = owner();
  ASSERT_TRUE(domain->commit_offsets(std::vector{Advance{kOrders0, 0, 4, {}, 4}}, ir::StepMode::Sync));
  ASSERT_TRUE(domain->commit_offsets(std::vector{Advance{kOrders0, 4, 4, used(4), 0}}, ir::StepMode::Sync));
  auto claimed = open()->claim(std::vector{kOrders0});
  EXPECT_EQ(claimed->front().counts.unknown, 0);
  EXPECT_EQ(claimed->front().counts.used, 4);
}

TEST_F(EmbeddedDomainTest, KeysAreComparedBeforeTheyAreSet) {
  auto domain = owner();
  using Claim = commit::KeyClaim;
  const auto claim = [&](std::vector<Claim> claims) {
    EXPECT_TRUE(domain->begin());
    auto result = domain->claim_keys("paid.dedup", claims);
    EXPECT_TRUE(result);
    if (*result) EXPECT_TRUE(domain->commit());
    else domain->abort();
    return *result;
  };
  EXPECT_TRUE(claim({Claim{"a", {}, {10}}, Claim{std::string("b\0c", 3), {}, {11}}}));
  EXPECT_FALSE(claim({Claim{"new", {}, {1}}, Claim{"a", {}, {12}}})) << "it is there";
  EXPECT_FALSE(claim({Claim{"a", {9}, {12}}})) << "it is not what was read";
  EXPECT_TRUE(claim({Claim{"a", {10}, {10, 20}}}));
  auto found = domain->lookup_keys("paid.dedup", std::vector<std::string>{"a", "absent", std::string("b\0c", 3), "new"});
  ASSERT_TRUE(found);
  EXPECT_THAT((*found)[0].times, ElementsAre(10, 20));
  EXPECT_TRUE((*found)[1].times.empty());
  EXPECT_THAT((*found)[2].times, ElementsAre(11));
  EXPECT_TRUE((*found)[3].times.empty()) << "aborted with the miss";
  EXPECT_TRUE(domain->lookup_keys("other.dedup", std::vector<std::string>{"a"})->front().times.empty());
  EXPECT_TRUE(claim({Claim{"a", {10, 20}, {}}}));
  EXPECT_TRUE(domain->lookup_keys("paid.dedup", std::vector<std::string>{"a"})->front().times.empty());
}

TEST_F(EmbeddedDomainTest, KeysOfAnAbortedFirstTransactionDoNotLinger) {
  auto domain = owner();
  ASSERT_TRUE(domain->begin());
  ASSERT_TRUE(*domain->claim_keys("d", std::vector{commit::KeyClaim{"a", {}, {1}}}));
  domain->abort();
  ASSERT_TRUE(*domain->claim_keys("e", std::vector{commit::KeyClaim{"x", {}, {1}}}));
  ASSERT_TRUE(*domain->claim_keys("d", std::vector{commit::KeyClaim{"a", {}, {2}}}));
  EXPECT_TRUE(domain->lookup_keys("d", std::vector<std::string>{"x"})->front().times.empty())
      << "two operators never share a number";
  EXPECT_THAT(domain->lookup_keys("d", std::vector<std::string>{"a"})->front().times, ElementsAre(2));
}

TEST_F(EmbeddedDomainTest, KeysExpireByTheirNewestTime) {
  auto domain = owner();
  using Claim = commit::KeyClaim;
  ASSERT_TRUE(*domain->claim_keys("d", std::vector{Claim{"old", {}, {1, 5}}, Claim{"young", {}, {1, 50}}}));
  ASSERT_TRUE(*domain->claim_keys("e", std::vector{Claim{"old", {}, {5}}}));
  ASSERT_TRUE(domain->expire_keys("d", 10));
  EXPECT_TRUE(domain->lookup_keys("d", std::vector<std::string>{"old"})->front().times.empty());
  EXPECT_THAT(domain->lookup_keys("d", std::vector<std::string>{"young"})->front().times, ElementsAre(1, 50));
  EXPECT_THAT(domain->lookup_keys("e", std::vector<std::string>{"old"})->front().times, ElementsAre(5));
}

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
  result.headers = {{"type", "x"}, {"empty", ""}, {"none", std::nullopt}};
  result.code = "P1001";
  result.message = "invalid JSON at byte 1";
  result.site = "orders.pipe:3:1";
  result.first_failure = 100;
  result.last_failure = 100;
  return result;
}

TEST_F(EmbeddedDomainTest, LettersComeBackAsTheyWere) {
  auto domain = owner();
  ASSERT_TRUE(domain->put_letters(std::vector{letter(2), letter(1)}));
  auto stored = domain->letters(false);
  ASSERT_TRUE(stored);
  ASSERT_EQ(stored->size(), 2u);
  const Letter& first = stored->front();
  EXPECT_EQ(first.offset, 1);
  EXPECT_EQ(first.value, std::string("\0{broken", 8));
  EXPECT_EQ(first.kept, commit::Kept::Original);
  EXPECT_EQ(first.key, std::nullopt);
  EXPECT_EQ(first.headers, letter(1).headers);
  EXPECT_EQ(first.code, "P1001");
  EXPECT_EQ(first.site, "orders.pipe:3:1");
  EXPECT_TRUE(open(200'000, "other.unit")->letters(false)->empty());
  ASSERT_TRUE(domain->remove_letter(first));
  EXPECT_EQ(domain->letters(false)->size(), 1u);
}

TEST_F(EmbeddedDomainTest, WhatAnEarlierFormatDidNotSayOfALetterIsNotKnown) {
  ASSERT_TRUE(owner()->put_letters(std::vector{letter(1)}));
  sqlite3* file = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &file), SQLITE_OK);
  EXPECT_EQ(
      sqlite3_exec(file, "ALTER TABLE piperun_dead_letters DROP COLUMN kept; PRAGMA user_version = 3", nullptr, nullptr, nullptr),
      SQLITE_OK);
  sqlite3_close(file);
  const auto stored = open()->letters(false);
  ASSERT_TRUE(stored) << stored.error().message;
  ASSERT_EQ(stored->size(), 1u);
  EXPECT_EQ(stored->front().kept, commit::Kept::Unknown);
  EXPECT_EQ(stored->front().value, letter(1).value);
}

TEST_F(EmbeddedDomainTest, AReplayedLetterThatFailsAgainKeepsItsHistory) {
  auto domain = owner();
  ASSERT_TRUE(domain->put_letters(std::vector{letter(1), letter(2)}));
  ASSERT_TRUE(domain->ask_replay(letter(1)));
  ASSERT_TRUE(domain->ask_replay(letter(1)));
  auto asked = domain->letters(true);
  ASSERT_EQ(asked->size(), 1u);
  EXPECT_EQ(asked->front().replays, 1);
  Letter again = letter(1);
  again.first_failure = again.last_failure = 500;
  ASSERT_TRUE(domain->put_letters(std::vector{again}));
  EXPECT_TRUE(domain->letters(true)->empty());
  const Letter stored = domain->letters(false)->front();
  EXPECT_EQ(stored.first_failure, 100);
  EXPECT_EQ(stored.last_failure, 500);
  EXPECT_EQ(stored.replays, 1);
}

TEST_F(EmbeddedDomainTest, ManifestsOfAllUnitsOfThePipeline) {
  auto domain = owner();
  ASSERT_TRUE(domain->put_manifest({"orders.shop", "{\"v\":1}", false}));
  ASSERT_TRUE(open(200'000, "other")->put_manifest({"other", "{}", false}));
  ASSERT_TRUE(domain->put_manifest({"orders.shop", "{\"v\":2}", true}));
  auto manifests = domain->manifests();
  ASSERT_EQ(manifests->size(), 2u);
  EXPECT_EQ(manifests->front().text, "{\"v\":2}");
  EXPECT_TRUE(manifests->front().moved);
  EXPECT_FALSE(manifests->back().moved);
}

TEST_F(EmbeddedDomainTest, ReleaseUndoesWhatIsOpen) {
  auto domain = owner();
  ASSERT_TRUE(domain->begin());
  ASSERT_TRUE(domain->add_rows("s", 1));
  domain->release();
  EXPECT_TRUE(open()->rows()->empty());
  EXPECT_FALSE(domain->commit_offsets(std::vector{Advance{kOrders0, 0, 1, used(1), 0}}, ir::StepMode::Sync))
      << "nothing is claimed any more";
}

TEST_F(EmbeddedDomainTest, RefusesFilesOfAnotherKindOrALaterVersion) {
  { auto made = owner(); }
  sqlite3* raw = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &raw), SQLITE_OK);
  sqlite3_exec(raw, "PRAGMA user_version = 99", nullptr, nullptr, nullptr);
  sqlite3_close(raw);
  auto later = Database::open(path_, Database::Access::Write);
  ASSERT_FALSE(later);
  EXPECT_EQ(later.error().code, ErrorCode::StoreDamaged);
  EXPECT_THAT(later.error().message, HasSubstr("format 99"));
  auto missing = Database::open(folder_ / "none.db", Database::Access::Read);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::CannotOpen);
}

TEST_F(EmbeddedDomainTest, ManyProcessesMayMakeTheFileAtOnce) {
  std::vector<pid_t> children;
  for (int i = 0; i < 8; ++i) {
    children.push_back(in_child([&] {
      auto database = Database::open(path_, Database::Access::Write, Database::Durability::Normal, 5'000'000);
      if (!database) return 1;
      EmbeddedDomain domain(std::move(*database), "p", "u");
      for (int n = 0; n < 20; ++n) {
        if (!domain.add_rows("s", 1)) return 2;
      }
      return 0;
    }));
  }
  for (const pid_t child : children) EXPECT_EQ(exit_status(child), 0);
  EXPECT_THAT(*open(200'000, "u")->rows(), ElementsAre(std::pair<std::string, std::int64_t>("s", 160)));
}

}  // namespace
}  // namespace piperun::embedded
