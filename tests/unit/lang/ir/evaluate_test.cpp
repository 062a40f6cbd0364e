#include "lang/ir/evaluate.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/lang/ir/hand_built.h"

namespace piperun::ir {
namespace {

using value::Cell;
using value::Fault;

struct Evaluate : testing::Test, HandBuilt {
  value::Arena arena;
  Cell result[2]{};

  std::optional<Fault> run(Op op, value::TypeId type, const std::vector<Operand>& operands, std::uint32_t index = 0) {
    return evaluate(op, index, program.types, operands, type, arena, result);
  }
};

TEST_F(Evaluate, IntegersNeverWrap) {
  const Cell big = Cell::of(INT64_MAX), one = Cell::of(std::int64_t{1});
  EXPECT_EQ(run(Op::AddInt, integer, {{integer, &big}, {integer, &one}}), Fault::Overflow);
  ASSERT_EQ(run(Op::SubInt, integer, {{integer, &big}, {integer, &one}}), std::nullopt);
  EXPECT_EQ(result[0].i, INT64_MAX - 1);
}

TEST_F(Evaluate, DecimalsOfTwoScalesCompareByValue) {
  const value::TypeId two = program.types.decimal(5, 2), three = program.types.decimal(5, 3);
  const Cell a = Cell::of(value::Int128{150}), b = Cell::of(value::Int128{1500});
  ASSERT_EQ(run(Op::EqDec, boolean, {{two, &a}, {three, &b}}), std::nullopt);
  EXPECT_TRUE(result[0].b);
}

TEST_F(Evaluate, CopyIntoANullableClearsTheBit) {
  const Cell text = Cell::of(std::string_view("a"));
  result[0] = Cell::of(true);
  ASSERT_EQ(run(Op::Copy, nullable_string, {{string, &text}}), std::nullopt);
  EXPECT_FALSE(result[0].b);
  EXPECT_EQ(std::string_view(result[1].s), "a");
}

TEST_F(Evaluate, RecordsHoldNullableFieldsInTwoCells) {
  const value::TypeId record = program.types.record("", {{"note", nullable_string}, {"n", integer}});
  const Cell note[2]{Cell::of(true), Cell{}};
  const Cell n = Cell::of(std::int64_t{7});
  ASSERT_EQ(run(Op::MakeRecord, record, {{nullable_string, note}, {integer, &n}}), std::nullopt);
  const Cell made = result[0];
  ASSERT_EQ(run(Op::GetField, integer, {{record, &made}}, 2), std::nullopt);
  EXPECT_EQ(result[0].i, 7);
  ASSERT_EQ(run(Op::GetField, nullable_string, {{record, &made}}, 0), std::nullopt);
  EXPECT_TRUE(result[0].b);
}

TEST_F(Evaluate, ListsAreIndexedFromZeroAndWithinTheirEnds) {
  const value::TypeId list = program.types.list(integer);
  const Cell one = Cell::of(std::int64_t{1}), two = Cell::of(std::int64_t{2}), minus = Cell::of(std::int64_t{-1});
  ASSERT_EQ(run(Op::MakeList, list, {{integer, &one}, {integer, &two}}), std::nullopt);
  const Cell made = result[0];
  ASSERT_EQ(run(Op::ListIndex, integer, {{list, &made}, {integer, &one}}), std::nullopt);
  EXPECT_EQ(result[0].i, 2);
  EXPECT_EQ(run(Op::ListIndex, integer, {{list, &made}, {integer, &two}}), Fault::IndexOutOfRange);
  EXPECT_EQ(run(Op::ListIndex, integer, {{list, &made}, {integer, &minus}}), Fault::IndexOutOfRange);
  ASSERT_EQ(run(Op::ListContains, boolean, {{list, &made}, {integer, &two}}), std::nullopt);
  EXPECT_TRUE(result[0].b);
}

TEST_F(Evaluate, AMissingKeyOfAMapIsNull) {
  const value::TypeId map = program.types.map(integer);
  const Cell entries[2]{Cell::of(std::string_view("a")), Cell::of(std::int64_t{5})};
  const Cell made = Cell::of(value::List{entries, 1});
  const Cell there = Cell::of(std::string_view("a")), missing = Cell::of(std::string_view("b"));
  const value::TypeId nullable = program.types.with_null(integer);
  ASSERT_EQ(run(Op::MapGet, nullable, {{map, &made}, {string, &there}}), std::nullopt);
  EXPECT_FALSE(result[0].b);
  EXPECT_EQ(result[1].i, 5);
  ASSERT_EQ(run(Op::MapGet, nullable, {{map, &made}, {string, &missing}}), std::nullopt);
  EXPECT_TRUE(result[0].b);
}

TEST_F(Evaluate, TextIsPutTogether) {
  const Cell a = Cell::of(std::string_view("n = ")), n = Cell::of(std::int64_t{12});
  ASSERT_EQ(run(Op::ToText, string, {{integer, &n}}), std::nullopt);
  const Cell text = result[0];
  ASSERT_EQ(run(Op::Concat, string, {{string, &a}, {string, &text}}), std::nullopt);
  EXPECT_EQ(std::string_view(result[0].s), "n = 12");
}

TEST(Ops, EveryRowSaysWhatItTakes) {
  EXPECT_STREQ(name(Op::AddDec), "add.dec");
  EXPECT_TRUE(can_fail(Op::AddInt));
  EXPECT_FALSE(can_fail(Op::EqAny));
  EXPECT_FALSE(is_evaluable(Op::Call));
}

}  // namespace
}  // namespace piperun::ir
