// `map.convert` has no declaration, so that it is called here as lowering calls it.
#include <gtest/gtest.h>

#include "lang/value/compare.h"
#include "lang/value/decimal.h"
#include "stdlib/native/table.h"

namespace piperun::native {
namespace {

using value::Cell;
using value::TypeId;
using value::TypeKind;

class MapConvertTest : public testing::Test {
 protected:
  TypeId scalar(TypeKind kind) { return types.scalar(kind); }
  TypeId maybe(TypeId type) { return types.with_null(type); }

  // A map of one entry `k` with these cells, as a map with other elements; or the name of the fault.
  std::string converted(TypeId from, std::vector<Cell> element, TypeId to) {
    element.insert(element.begin(), Cell::of(std::string_view("k")));
    const Cell map = Cell::of(value::List{element.data(), 1});
    const TypeId given = types.map(from);
    const TypeId wanted = types.map(to);
    Cell result{};
    value::NativeCall call{
        .args = &map, .result = &result, .arena = arena, .types = types, .arg_types = &given, .result_type = wanted};
    if (!find("map.convert")->body(call)) return std::string(value::name(call.fault));
    std::string text;
    value::append_text(text, types, wanted, &result);
    return text;
  }

  value::TypeTable types;
  value::Arena arena;
};

TEST_F(MapConvertTest, NumbersAndNulls) {
  const TypeId integer = scalar(TypeKind::Int);
  const TypeId money = types.decimal(21, 2);
  const Cell seven = Cell::of(std::int64_t{7});
  EXPECT_EQ(converted(integer, {seven}, integer), R"({"k":7})");
  EXPECT_EQ(converted(integer, {seven}, maybe(integer)), R"({"k":7})");
  EXPECT_EQ(converted(integer, {seven}, money), R"({"k":7.00})");
  EXPECT_EQ(converted(maybe(integer), {Cell::of(true), Cell{}}, maybe(money)), R"({"k":null})");
  EXPECT_EQ(converted(maybe(integer), {Cell::of(false), seven}, maybe(money)), R"({"k":7.00})");
  EXPECT_EQ(converted(types.decimal(3, 1), {Cell::of(value::Int128{-125})}, money), R"({"k":-12.50})");
  EXPECT_EQ(converted(types.decimal(38, 0), {Cell::of(value::power_of_ten(37))}, types.decimal(38, 4)), "Overflow");
}

TEST_F(MapConvertTest, RecordsListsAndMapsInside) {
  const TypeId integer = scalar(TypeKind::Int);
  const TypeId text = scalar(TypeKind::String);
  const TypeId narrow = types.record("", {{"note", maybe(text)}, {"n", integer}});
  const TypeId wide = types.record("", {{"n", types.decimal(19, 0)}, {"note", maybe(text)}});
  const Cell fields[] = {Cell::of(false), Cell::of(std::string_view("a")), Cell::of(std::int64_t{5})};
  EXPECT_EQ(converted(narrow, {Cell::of(std::data(fields))}, wide), R"({"k":{"n":5,"note":"a"}})");
  const Cell numbers[] = {Cell::of(std::int64_t{1}), Cell::of(std::int64_t{2})};
  EXPECT_EQ(converted(types.list(integer), {Cell::of(value::List{numbers, 2})}, types.list(types.decimal(20, 1))),
            R"({"k":[1.0,2.0]})");
  const Cell entry[] = {Cell::of(std::string_view("x")), Cell::of(std::int64_t{3})};
  EXPECT_EQ(converted(types.map(integer), {Cell::of(value::List{entry, 1})}, types.map(maybe(integer))), R"({"k":{"x":3}})");
  EXPECT_EQ(converted(types.list(integer), {Cell::of(value::List{nullptr, 0})}, types.list(maybe(integer))), R"({"k":[]})");
}

}  // namespace
}  // namespace piperun::native
