#include "runtime/commit/kafka/letter_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace piperun::kafka {
namespace {

using commit::Letter;

Letter sample() {
  Letter letter;
  letter.unit = "orders.shop";
  letter.flow = "lines";
  letter.origin = {"orders", 3};
  letter.offset = 17;
  letter.next_offset = 18;
  letter.element = 2;
  letter.timestamp = 1'700'000'000'000'000;
  letter.key = std::string("k\0y", 3);
  letter.value = std::string("\xff\0{", 3);
  letter.headers = {{"trace", "abc"}, {"empty", std::nullopt}, {"trace", "def"}, {"piperun.code", "theirs"}};
  letter.code = "P1001";
  letter.message = "not JSON";
  letter.site = "orders.pipe:12:3";
  letter.attempts = 4;
  letter.first_failure = 5;
  letter.last_failure = 6;
  letter.replays = 2;
  letter.kept = commit::Kept::Hash;
  return letter;
}

std::optional<Letter> back(const Letter& letter) {
  const LetterRecord record = letter_record(letter);
  return letter_of(record.key, record.value, record.headers);
}

void expect_same(const Letter& a, const Letter& b) {
  EXPECT_EQ(a.unit, b.unit);
  EXPECT_EQ(a.flow, b.flow);
  EXPECT_EQ(a.origin, b.origin);
  EXPECT_EQ(a.offset, b.offset);
  EXPECT_EQ(a.next_offset, b.next_offset);
  EXPECT_EQ(a.element, b.element);
  EXPECT_EQ(a.timestamp, b.timestamp);
  EXPECT_EQ(a.key, b.key);
  EXPECT_EQ(a.value, b.value);
  EXPECT_EQ(a.kept, b.kept);
  EXPECT_EQ(a.headers, b.headers);
  EXPECT_EQ(a.code, b.code);
  EXPECT_EQ(a.message, b.message);
  EXPECT_EQ(a.sqlstate, b.sqlstate);
  EXPECT_EQ(a.site, b.site);
  EXPECT_EQ(a.attempts, b.attempts);
  EXPECT_EQ(a.first_failure, b.first_failure);
  EXPECT_EQ(a.last_failure, b.last_failure);
  EXPECT_EQ(a.replays, b.replays);
}

TEST(LetterRecord, IsReadBackAsItWasWritten) {
  const auto read = back(sample());
  ASSERT_TRUE(read);
  expect_same(*read, sample());
}

TEST(LetterRecord, TellsNoValueFromAnEmptyOne) {
  Letter letter = sample();
  letter.value.reset();
  letter.key.reset();
  ASSERT_TRUE(back(letter));
  expect_same(*back(letter), letter);
  letter.value = "";
  letter.key = "";
  expect_same(*back(letter), letter);
}

TEST(LetterRecord, KeyNamesTheRecordAndTheValueIsTheOriginal) {
  const LetterRecord record = letter_record(sample());
  EXPECT_EQ(record.key, "orders.shop/orders/3/17/2");
  EXPECT_EQ(record.value, *sample().value);
}

TEST(LetterRecord, WhatItsValueIsDoesNotHangOnItsWords) {
  Letter letter = without_value(sample(), "p.dead-letters");
  letter.message = "other words";
  ASSERT_TRUE(back(letter));
  EXPECT_EQ(back(letter)->kept, commit::Kept::TooLarge);
  EXPECT_FALSE(back(letter)->value);
  for (const auto kept : {commit::Kept::Original, commit::Kept::Hash, commit::Kept::Omitted}) {
    letter.kept = kept;
    EXPECT_EQ(back(letter)->kept, kept);
  }
}

TEST(LetterRecord, OneOfAnEarlierVersionIsReadAsItIs) {
  Letter letter = without_value(sample(), "p.dead-letters");
  LetterRecord record = letter_record(letter);
  std::erase_if(record.headers, [](const auto& header) { return header.first == "piperun.kept"; });
  const auto read = letter_of(record.key, record.value, record.headers);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->kept, commit::Kept::Unknown);
  EXPECT_FALSE(read->value);
  EXPECT_TRUE(reads_too_large(*read));
}

TEST(LetterRecord, AnOriginMayBeAPath) {
  Letter letter = sample();
  letter.origin.topic = "data/in/orders.ndjson";
  expect_same(*back(letter), letter);
}

TEST(LetterRecord, ForeignKeysAreNone) {
  for (const char* key : {"", "a", "a/b/c", "1/2/3", "u/t/x/1/2"}) EXPECT_FALSE(letter_of(key, "", {})) << key;
}

}  // namespace
}  // namespace piperun::kafka
