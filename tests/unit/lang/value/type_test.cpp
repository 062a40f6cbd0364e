#include "lang/value/type.h"

#include <gtest/gtest.h>

namespace piperun::value {
namespace {

TEST(Type, EqualTypesHaveEqualIds) {
  TypeTable types;
  EXPECT_EQ(types.scalar(TypeKind::Error).index, 0u);
  EXPECT_EQ(types.decimal(12, 2), types.decimal(12, 2));
  EXPECT_NE(types.decimal(12, 2), types.decimal(12, 3));
  EXPECT_EQ(types.with_null(types.with_null(types.decimal(12, 2)), false), types.decimal(12, 2));
  EXPECT_EQ(types.with_null(types.scalar(TypeKind::Error)), types.scalar(TypeKind::Error));
}

TEST(Type, NamesAsUsersWriteThem) {
  TypeTable types;
  const TypeId text = types.scalar(TypeKind::String), number = types.scalar(TypeKind::Int);
  EXPECT_EQ(types.name(types.with_null(types.decimal(12, 2))), "decimal(12, 2)?");
  EXPECT_EQ(types.name(types.list(types.record("Line", {{"a", text}}))), "list<Line>");
  EXPECT_EQ(types.name(types.record("", {{"a", number}, {"b", types.with_null(text)}})), "{ a: int64, b: string? }");
  EXPECT_EQ(types.name(types.map(number)), "map<string, int64>");
}

TEST(Type, FindsFields) {
  TypeTable types;
  const TypeId line = types.record("", {{"a", types.scalar(TypeKind::Int)}, {"b", types.scalar(TypeKind::Int)}});
  EXPECT_EQ(field_index(types[line], "b"), 1);
  EXPECT_EQ(field_index(types[line], "c"), -1);
}

}  // namespace
}  // namespace piperun::value
