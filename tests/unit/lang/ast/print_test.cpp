#include "lang/ast/print.h"

#include <gtest/gtest.h>

#include "lang/ast/match.h"

namespace piperun::ast {
namespace {

TEST(Pool, HandsOutIdsInOrderAndNoneIsFalse) {
  Pool pool;
  const ExprId a = pool.add(IntLiteral{1}, {});
  const ExprId b = pool.add(NameRef{{"x", {}}}, {});
  EXPECT_EQ(a.index, 0u);
  EXPECT_EQ(b.index, 1u);
  EXPECT_EQ(pool.expr_count(), 2u);
  EXPECT_TRUE(a);
  EXPECT_FALSE(ExprId{});
  EXPECT_EQ(std::get<IntLiteral>(pool[a].node).value, 1);
}

TEST(Match, ChoosesTheAlternativeAndGivesItsResult) {
  const std::variant<int, std::string> value = std::string("four");
  EXPECT_EQ(match(value, [](int i) { return i; }, [](const std::string& s) { return static_cast<int>(s.size()); }), 4);
}

TEST(Print, WritesAllBracketsOut) {
  Pool pool;
  const ExprId a = pool.add(NameRef{{"a", {}}}, {});
  const ExprId one = pool.add(IntLiteral{1}, {});
  const ExprId sum = pool.add(Binary{BinaryOp::Add, a, one, {}}, {});
  EXPECT_EQ(print(pool.add(Coalesce{pool.add(Member{a, {"odd name", {}}, true}, {}), sum, {}}, {}), pool),
            "(a?.\"odd name\" ?? (a + 1))");
  EXPECT_EQ(print(pool.add(NullTest{sum, true}, {}), pool), "((a + 1) is not null)");
  EXPECT_EQ(print(pool.add(Call{a, {{one, Fold{{"x", {}}, a, sum}}}}, {}), pool), "a(1 for x in a if (a + 1))");
  EXPECT_EQ(print(pool.add(ErrorExpr{}, {}), pool), "<error>");
}

TEST(Print, DurationsInTheLargestExactUnit) {
  Pool pool;
  EXPECT_EQ(print(pool.add(DurationLiteral{90'000'000}, {}), pool), "90s");
}

TEST(Print, Types) {
  Pool pool;
  const TypeExprId decimal = pool.add(TypeExpr{{{{"decimal", {}}}, {}}, {{"12", {}}, {"2", {}}}, {}, true, {}});
  EXPECT_EQ(print(decimal, pool), "decimal(12, 2)?");
  EXPECT_EQ(print(pool.add(TypeExpr{{{{"list", {}}}, {}}, {}, {decimal}, false, {}}), pool), "list<decimal(12, 2)?>");
}

}  // namespace
}  // namespace piperun::ast
