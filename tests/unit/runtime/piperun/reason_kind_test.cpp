#include "runtime/piperun/reason_kind.h"

#include <gtest/gtest.h>

namespace piperun::cli {
namespace {

std::string words_of(const std::vector<std::string>& reasons) {
  ReasonKind kind;
  for (const std::string& reason : reasons) kind.add(reason);
  return kind.words();
}

TEST(ReasonKind, IsTheSameForTextsThatDifferInValues) {
  EXPECT_EQ(kind_of("P1004", "`total`: not a number, at byte 26"), kind_of("P1004", "`total`: not a number, at byte 7"));
  EXPECT_EQ(kind_of("P1103", "not an integer: \"a b\""), kind_of("P1103", "not an integer: \"c\""));
  EXPECT_EQ(kind_of("P1201", "Key (id)=(a-17) exists"), kind_of("P1201", "Key (id)=(b-9) exists"));
}

TEST(ReasonKind, IsAnotherForAnotherFieldOrFault) {
  EXPECT_NE(kind_of("P1004", "`total`: not a number, at byte 26"), kind_of("P1004", "`id`: not a number, at byte 26"));
  EXPECT_NE(kind_of("P1004", "`line1`: not a number"), kind_of("P1004", "`line2`: not a number"));
  EXPECT_NE(kind_of("P1004", "`id`: not a number"), kind_of("P1004", "`id`: not a string"));
}

TEST(ReasonKind, OfWhatAProgramSaysItselfIsOne) {
  EXPECT_EQ(kind_of("P1105", "no customer ann"), kind_of("P1105", "no customer bob"));
}

TEST(ReasonKind, NamesWhatAllHaveInCommon) {
  EXPECT_EQ(words_of({"no customer 17"}), "no customer 17");
  EXPECT_EQ(words_of({"no customer 17", "no customer 17"}), "no customer 17");
  EXPECT_EQ(words_of({"no customer 17", "no customer 18", "no customer Ann Bee"}), "no customer …");
  EXPECT_EQ(words_of({"order 17 is too old", "order 18 is too old"}), "order … is too old");
  EXPECT_EQ(words_of({"a b", "a b b"}), "a b …");
  EXPECT_EQ(words_of({"17", "18"}), "such as: 17");
}

TEST(ReasonKind, CountsAndKeepsTheFirst) {
  ReasonKind kind;
  kind.add("a 1");
  kind.add("a 2");
  EXPECT_EQ(kind.letters(), 2);
  EXPECT_EQ(kind.example(), "a 1");
}

}  // namespace
}  // namespace piperun::cli
