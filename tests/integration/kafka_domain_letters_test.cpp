// Dead letters of the Kafka domain and their replay, on a real broker.
#include <gmock/gmock.h>

#include "tests/integration/kafka_domain_member.h"

namespace piperun::integration {
namespace {

using commit::Letter;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class KafkaLettersTest : public KafkaDomainTest {
 protected:
  Letter letter(std::int64_t offset, int partition = 0) const {
    Letter result;
    result.unit = kUnit;
    result.origin = {source_, partition};
    result.offset = offset;
    result.next_offset = offset + 1;
    result.key = "k";
    result.value = "v" + std::to_string(offset);
    result.code = "P1001";
    result.message = "not JSON";
    result.headers = {{"trace", "abc"}};
    return result;
  }
  static std::vector<std::int64_t> offsets(const std::vector<Letter>& letters) {
    std::vector<std::int64_t> result;
    for (const Letter& letter : letters) result.push_back(letter.offset);
    return result;
  }
  // What the engine does with letters that were asked for: each is used, gone, and counted.
  base::Result<void> replay(kafka::KafkaDomain& domain, std::int64_t from, const std::vector<Letter>& letters,
                            bool finish = true) {
    const auto count = static_cast<std::int64_t>(letters.size());
    done(domain.begin());
    for (const Letter& each : letters) {
      write(domain, "replayed " + std::to_string(each.offset));
      done(domain.remove_letter(each));
    }
    done(domain.check_membership());
    const commit::Advance advance{{kafka::Ledger::kReplay, 0}, from, from + count, {.read = count, .used = count}, 0};
    done(domain.store_offsets(std::vector{advance}));
    if (!finish) {
      domain.abort();
      return {};
    }
    return domain.commit();
  }
  commit::Position replayed(kafka::KafkaDomain& domain) {
    return at(value_of(domain.read_positions(ir::StepMode::Locking)), {kafka::Ledger::kReplay, 0});
  }
};

TEST_F(KafkaLettersTest, ALetterCommitsWithItsBatchOrNotAtAll) {
  Member member(group(), source_);
  ASSERT_TRUE(member.joins(2));
  auto domain = this->domain(&member);
  assign(*domain);
  done(domain->begin());
  done(domain->put_letters(std::vector{letter(1)}));
  done(domain->store_offsets(std::vector{advance(0, 2)}));
  domain->abort();
  EXPECT_THAT(value_of(domain->letters(false)), IsEmpty());
  done(domain->begin());
  done(domain->put_letters(std::vector{letter(1), letter(0, 1), letter(0)}));
  done(domain->store_offsets(std::vector{advance(0, 2)}));
  done(domain->commit());
  const auto letters = value_of(domain->letters(false));
  EXPECT_THAT(offsets(letters), ElementsAre(0, 1, 0));
  EXPECT_EQ(letters[2].origin.number, 1);
  EXPECT_EQ(letters[1].value, "v1");
  EXPECT_EQ(letters[1].headers, letter(1).headers);
  EXPECT_FALSE(letters[1].replay_asked);
}

TEST_F(KafkaLettersTest, UnitsDoNotSeeEachOthersLetters) {
  Member member(group(), source_);
  ASSERT_TRUE(member.joins(2));
  auto domain = this->domain(&member);
  assign(*domain);
  done(domain->put_letters(std::vector{letter(1)}));
  kafka::DomainSettings other = settings(true, "");
  other.unit = "in.elsewhere";
  EXPECT_THAT(value_of(kafka::KafkaDomain(other, nullptr, clock_).letters(false)), IsEmpty());
}

TEST_F(KafkaLettersTest, AReplayIsAskedOnceConsumedOnceAndCounted) {
  Member member(group(), source_);
  ASSERT_TRUE(member.joins(2));
  auto domain = this->domain(&member);
  assign(*domain);
  done(domain->put_letters(std::vector{letter(1), letter(2), letter(3), letter(4)}));
  EXPECT_THAT(value_of(domain->letters(true)), IsEmpty());

  auto person = this->domain(nullptr, true, "");  // `piperun dlq replay`
  for (const std::int64_t offset : {3, 1, 3, 2, 1}) done(person->ask_replay(letter(offset)));
  EXPECT_THAT(offsets(value_of(person->letters(true))), ElementsAre(3, 1, 2));

  std::vector<Letter> asked;  // a worker looks now and then
  ASSERT_TRUE(eventually([&] { return !(asked = value_of(domain->letters(true))).empty(); }));
  ASSERT_THAT(offsets(asked), ElementsAre(3, 1, 2));
  EXPECT_TRUE(asked[0].replay_asked);
  EXPECT_EQ(asked[0].replays, 1);
  done(replay(*domain, 0, {asked[0], asked[1]}, false));  // aborted: nothing of it happened
  EXPECT_THAT(offsets(value_of(domain->letters(true))), ElementsAre(3, 1, 2));
  EXPECT_EQ(replayed(*domain).next_offset, 0);

  done(replay(*domain, 0, {asked[0], asked[1]}));
  EXPECT_THAT(offsets(value_of(domain->letters(true))), ElementsAre(2));
  EXPECT_EQ(replayed(*domain).next_offset, 2);
  EXPECT_EQ(replayed(*domain).counts.used, 2);
  EXPECT_THAT(offsets(value_of(domain->letters(false))), ElementsAre(2, 4));
  EXPECT_THAT(output(), ElementsAre("replayed 3", "replayed 1"));

  auto next = this->domain(&member);  // another worker goes on behind the consumed marks
  const auto positions = assign(*next);
  EXPECT_EQ(at(positions, {kafka::Ledger::kReplay, 0}).next_offset, 2);
  asked = value_of(next->letters(true));
  ASSERT_THAT(offsets(asked), ElementsAre(2));
  done(replay(*next, 2, asked));
  EXPECT_THAT(value_of(next->letters(true)), IsEmpty());
  EXPECT_EQ(replayed(*next).counts.read, 3);
}

TEST_F(KafkaLettersTest, AMarkWhoseLetterIsGoneHasNoEffect) {
  Member member(group(), source_);
  ASSERT_TRUE(member.joins(2));
  auto domain = this->domain(&member);
  assign(*domain);
  done(domain->put_letters(std::vector{letter(1), letter(2)}));
  done(domain->ask_replay(letter(1)));
  done(domain->ask_replay(letter(2)));
  done(domain->remove_letter(letter(1)));  // `dlq drop`
  const auto asked = value_of(domain->letters(true));
  ASSERT_THAT(offsets(asked), ElementsAre(2));
  done(replay(*domain, 0, asked));
  EXPECT_THAT(value_of(domain->letters(true)), IsEmpty());
  EXPECT_EQ(replayed(*domain).next_offset, 1);
}

TEST_F(KafkaLettersTest, ARecordThatDiesAgainKeepsItsLetterAndLosesItsMark) {
  Member member(group(), source_);
  ASSERT_TRUE(member.joins(2));
  auto domain = this->domain(&member);
  assign(*domain);
  done(domain->put_letters(std::vector{letter(1)}));
  done(domain->ask_replay(letter(1)));
  Letter again = value_of(domain->letters(true)).at(0);
  again.attempts = 2;
  again.replay_asked = false;
  done(domain->begin());
  done(domain->put_letters(std::vector{again}));
  const commit::Advance advance{{kafka::Ledger::kReplay, 0}, 0, 1, {.read = 1, .dead = 1}, 0};
  done(domain->store_offsets(std::vector{advance}));
  done(domain->commit());
  EXPECT_THAT(value_of(domain->letters(true)), IsEmpty());
  const Letter kept = value_of(domain->letters(false)).at(0);
  EXPECT_EQ(kept.attempts, 2);
  EXPECT_EQ(kept.replays, 1);
  EXPECT_FALSE(kept.replay_asked);
  done(domain->ask_replay(kept));
  std::vector<Letter> asked;
  ASSERT_TRUE(eventually([&] { return !(asked = value_of(domain->letters(true))).empty(); }));
  EXPECT_EQ(asked[0].replays, 2);
}

TEST_F(KafkaLettersTest, ALetterThatIsTooLargeIsKeptWithoutItsValue) {
  Member member(group(), source_);
  ASSERT_TRUE(member.joins(2));
  auto domain = this->domain(&member);
  assign(*domain);
  Letter large = letter(1);
  large.value = std::string(1'000'000, 'x');
  done(domain->begin());
  done(domain->put_letters(std::vector{letter(0), large}));
  done(domain->store_offsets(std::vector{advance(0, 2)}));
  done(domain->commit());
  const auto letters = value_of(domain->letters(false));
  ASSERT_THAT(offsets(letters), ElementsAre(0, 1));
  EXPECT_EQ(letters[0].value, "v0");
  EXPECT_FALSE(letters[1].value);
  EXPECT_THAT(letters[1].message, ::testing::HasSubstr("1000000 bytes"));
}

TEST_F(KafkaLettersTest, OnlyTheLetterThatIsTooLargeLosesItsValue) {
  for (const bool is_transactional : {true, false}) {
    Member member(group(), source_);
    ASSERT_TRUE(member.joins(2));
    auto domain = this->domain(&member, is_transactional);
    assign(*domain);
    std::vector<Letter> letters;
    for (const std::size_t size : {200'000, 1'000'000, 300'000, 999'900, 10}) {
      letters.push_back(letter(std::ssize(letters)));
      letters.back().value = std::string(size, 'x');
      letters.back().kept = commit::Kept::Original;
    }
    done(domain->put_letters(letters));
    const auto stored = value_of(domain->letters(false));
    ASSERT_EQ(stored.size(), letters.size());
    for (const std::size_t i : {0, 2, 4}) {
      EXPECT_EQ(stored[i].value, letters[i].value) << i;
      EXPECT_EQ(stored[i].kept, commit::Kept::Original) << i;
    }
    for (const std::size_t i : {1, 3}) {
      EXPECT_FALSE(stored[i].value) << i;
      EXPECT_EQ(stored[i].kept, commit::Kept::TooLarge) << i;
    }
    member.leave();
  }
}

// Where the topic takes less than the client would send, the broker would refuse the whole transaction.
TEST_F(KafkaLettersTest, WhatTheTopicOfLettersTakesCounts) {
  source_ = new_name("narrow");
  create_topic(source_, 2, {{"max.message.bytes", "20000"}});
  Member member(group(), source_);
  ASSERT_TRUE(member.joins(2));
  auto domain = this->domain(&member);
  assign(*domain);
  Letter fits = letter(1), large = letter(2);
  fits.value = std::string(15'000, 'x');
  large.value = std::string(19'900, 'x');
  done(domain->begin());
  done(domain->put_letters(std::vector{fits, large}));
  done(domain->store_offsets(std::vector{advance(0, 3)}));
  done(domain->commit());
  const auto stored = value_of(domain->letters(false));
  ASSERT_THAT(offsets(stored), ElementsAre(1, 2));
  EXPECT_EQ(stored[0].value, fits.value);
  EXPECT_FALSE(stored[1].value);
}

TEST_F(KafkaLettersTest, AKeyAndHeadersThatAreTooLargeAreNotKeptEither) {
  Member member(group(), source_);
  ASSERT_TRUE(member.joins(2));
  auto domain = this->domain(&member);
  assign(*domain);
  const std::string large(1'100'000, 'k');
  Letter keyed = letter(1), headed = letter(2), hashed = letter(3), omitted = letter(4);
  keyed.key = hashed.key = omitted.key = large;
  headed.headers = {{"h", large}};
  headed.value.reset();
  omitted.value.reset();
  keyed.kept = headed.kept = commit::Kept::Original;
  hashed.kept = commit::Kept::Hash;
  omitted.kept = commit::Kept::Omitted;
  done(domain->begin());
  done(domain->put_letters(std::vector{letter(0), keyed, headed, hashed, omitted}));
  done(domain->store_offsets(std::vector{advance(0, 5)}));
  done(domain->commit());
  const auto stored = value_of(domain->letters(false));
  ASSERT_THAT(offsets(stored), ElementsAre(0, 1, 2, 3, 4));
  for (const std::size_t i : {1, 2, 3, 4}) {
    EXPECT_FALSE(stored[i].key) << i;
    EXPECT_TRUE(stored[i].headers.empty()) << i;
    EXPECT_THAT(stored[i].message, ::testing::HasSubstr("key and headers of 11000")) << i;
  }
  EXPECT_EQ(stored[1].kept, commit::Kept::TooLarge);
  EXPECT_EQ(stored[2].kept, commit::Kept::TooLarge);
  EXPECT_EQ(stored[3].kept, commit::Kept::Hash);
  EXPECT_EQ(stored[3].value, hashed.value);
  EXPECT_EQ(stored[4].kept, commit::Kept::Omitted);
}

TEST_F(KafkaLettersTest, WithoutTransactionsALetterIsAcknowledgedBeforeThePosition) {
  Member member(group(), source_);
  ASSERT_TRUE(member.joins(2));
  auto domain = this->domain(&member, false);
  assign(*domain);
  done(domain->put_letters(std::vector{letter(1)}));
  EXPECT_EQ(value_of(this->domain(nullptr, false, "")->letters(false)).size(), 1u);
  done(domain->commit_offsets(std::vector{advance(0, 2)}, ir::StepMode::Sync));
  done(domain->ask_replay(letter(1)));
  const auto asked = value_of(domain->letters(true));
  ASSERT_EQ(asked.size(), 1u);
  done(domain->remove_letter(asked[0]));
  const commit::Advance advance{{kafka::Ledger::kReplay, 0}, 0, 1, {.read = 1, .used = 1}, 0};
  done(domain->commit_offsets(std::vector{advance}, ir::StepMode::Sync));
  EXPECT_THAT(value_of(domain->letters(true)), IsEmpty());
  EXPECT_EQ(replayed(*domain).next_offset, 1);
}

}  // namespace
}  // namespace piperun::integration
