#include <cmath>
#include <limits>
#include <set>

#include "lang/value/decimal.h"
#include "lang/value/time.h"
#include "tests/unit/runtime/expr/expr_test.h"

namespace piperun::expr {
namespace {

using value::Cell;

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();

class RowFunctionTest : public ExprTest {};

TEST_F(RowFunctionTest, Logic) {
  const TypeId t = scalar(Kind::Bool);
  EXPECT_EQ(apply(Op::Not, t, {b(true)}), "false");
  EXPECT_EQ(apply(Op::And, t, {b(true), b(false)}), "false");
  EXPECT_EQ(apply(Op::And, t, {b(true), b(true)}), "true");
  EXPECT_EQ(apply(Op::Or, t, {b(true), b(false)}), "true");
  EXPECT_EQ(apply(Op::Or, t, {b(false), b(false)}), "false");
  EXPECT_EQ(apply(Op::IsNull, t, {none(scalar(Kind::Int))}), "true");
  EXPECT_EQ(apply(Op::IsNull, t, {some(i(0))}), "false");
}

TEST_F(RowFunctionTest, CopyAndNull) {
  const TypeId maybe = optional(scalar(Kind::Int));
  EXPECT_EQ(apply(Op::Copy, scalar(Kind::Int), {i(4)}), "4");
  EXPECT_EQ(apply(Op::Copy, maybe, {some(i(4))}), "4");
  EXPECT_EQ(apply(Op::Copy, maybe, {none(scalar(Kind::Int))}), "null");
  EXPECT_EQ(apply(Op::Copy, maybe, {i(4)}), "4");
  EXPECT_EQ(apply(Op::SetNull, maybe, {}), "null");
}

TEST_F(RowFunctionTest, Integers) {
  const TypeId t = scalar(Kind::Int);
  EXPECT_EQ(apply(Op::AddInt, t, {i(2), i(3)}), "5");
  EXPECT_EQ(apply(Op::AddInt, t, {i(kMax), i(1)}), "!P1101 number out of range");
  EXPECT_EQ(apply(Op::SubInt, t, {i(2), i(3)}), "-1");
  EXPECT_EQ(apply(Op::SubInt, t, {i(kMin), i(1)}), "!P1101 number out of range");
  EXPECT_EQ(apply(Op::MulInt, t, {i(-4), i(3)}), "-12");
  EXPECT_EQ(apply(Op::MulInt, t, {i(kMax), i(2)}), "!P1101 number out of range");
  EXPECT_EQ(apply(Op::DivInt, t, {i(-7), i(2)}), "-3");
  EXPECT_EQ(apply(Op::DivInt, t, {i(1), i(0)}), "!P1102 division by zero");
  EXPECT_EQ(apply(Op::DivInt, t, {i(kMin), i(-1)}), "!P1101 number out of range");
  EXPECT_EQ(apply(Op::RemInt, t, {i(-7), i(2)}), "-1");
  EXPECT_EQ(apply(Op::RemInt, t, {i(1), i(0)}), "!P1102 division by zero");
  EXPECT_EQ(apply(Op::RemInt, t, {i(kMin), i(-1)}), "0");
  EXPECT_EQ(apply(Op::NegInt, t, {i(7)}), "-7");
  EXPECT_EQ(apply(Op::NegInt, t, {i(kMin)}), "!P1101 number out of range");
}

TEST_F(RowFunctionTest, PointsInTime) {
  const auto at = [&](std::int64_t micros) { return Given{scalar(Kind::Timestamp), {Cell::of(micros)}}; };
  const auto for_ = [&](std::int64_t micros) { return Given{scalar(Kind::Duration), {Cell::of(micros)}}; };
  const TypeId t = scalar(Kind::Timestamp);
  const std::string outside = "!P1101 time outside the years 0001 to 9999";
  EXPECT_EQ(apply(Op::AddInt, t, {at(0), for_(90 * value::kSecond)}), "1970-01-01T00:01:30Z");
  EXPECT_EQ(apply(Op::SubInt, t, {at(0), for_(value::kSecond)}), "1969-12-31T23:59:59Z");
  EXPECT_EQ(apply(Op::SubInt, t, {at(0), for_(30'000'000 * value::kDay)}), outside);
  EXPECT_EQ(apply(Op::AddInt, t, {at(value::kMaxTimestamp), for_(1)}), outside);
  EXPECT_EQ(apply(Op::AddInt, t, {for_(1), at(value::kMaxTimestamp)}), outside);
  EXPECT_EQ(apply(Op::SubInt, scalar(Kind::Duration), {at(value::kMinTimestamp), at(value::kMaxTimestamp)}),
            "-3652058d23h59m59s999ms999us");
}

TEST_F(RowFunctionTest, Floats) {
  const TypeId t = scalar(Kind::Float);
  EXPECT_EQ(apply(Op::AddFloat, t, {f(0.5), f(0.25)}), "0.75");
  EXPECT_EQ(apply(Op::SubFloat, t, {f(0.5), f(0.25)}), "0.25");
  EXPECT_EQ(apply(Op::MulFloat, t, {f(0.5), f(0.25)}), "0.125");
  EXPECT_EQ(apply(Op::DivFloat, t, {f(1), f(4)}), "0.25");
  EXPECT_EQ(apply(Op::DivFloat, t, {f(1), f(0)}), "!P1102 division by zero");
  EXPECT_EQ(apply(Op::AddFloat, t, {f(1.7e308), f(1.7e308)}), "!P1101 number out of range");
  EXPECT_EQ(apply(Op::SubFloat, t, {f(-1.7e308), f(1.7e308)}), "!P1101 number out of range");
  EXPECT_EQ(apply(Op::MulFloat, t, {f(1e308), f(10)}), "!P1101 number out of range");
  EXPECT_EQ(apply(Op::DivFloat, t, {f(1e308), f(1e-10)}), "!P1101 number out of range");
  EXPECT_EQ(apply(Op::RemFloat, t, {f(-7.5), f(2)}), "-1.5");
  EXPECT_EQ(apply(Op::RemFloat, t, {f(1), f(0)}), "!P1102 division by zero");
  EXPECT_EQ(apply(Op::NegFloat, t, {f(0)}), "-0.0");
}

TEST_F(RowFunctionTest, Decimals) {
  const TypeId t = program.types.decimal(5, 2);
  EXPECT_EQ(apply(Op::AddDec, t, {d(150, 4, 2), d(-25, 4, 2)}), "1.25");
  EXPECT_EQ(apply(Op::AddDec, t, {d(99'999, 5, 2), d(1, 5, 2)}), "!P1101 number out of range");
  EXPECT_EQ(apply(Op::SubDec, t, {d(150, 4, 2), d(25, 4, 2)}), "1.25");
  EXPECT_EQ(apply(Op::SubDec, t, {d(-99'999, 5, 2), d(1, 5, 2)}), "!P1101 number out of range");
  EXPECT_EQ(apply(Op::MulDec, t, {d(15, 2, 1), d(-25, 2, 1)}), "-3.75");
  EXPECT_EQ(apply(Op::MulDec, t, {d(9'999, 4, 1), d(9'999, 4, 1)}), "!P1101 number out of range");
  EXPECT_EQ(apply(Op::DivDec, t, {d(1, 1, 0), d(3, 1, 0)}), "0.33");
  EXPECT_EQ(apply(Op::DivDec, t, {d(1, 1, 0), d(0, 1, 0)}), "!P1102 division by zero");
  EXPECT_EQ(apply(Op::DivDec, t, {d(99'999, 5, 0), d(1, 2, 1)}), "!P1101 number out of range");
  EXPECT_EQ(apply(Op::RemDec, t, {d(-75, 2, 1), d(2, 1, 0)}), "-1.50");
  EXPECT_EQ(apply(Op::RemDec, t, {d(1, 1, 0), d(0, 1, 0)}), "!P1102 division by zero");
  EXPECT_EQ(apply(Op::NegDec, t, {d(150, 5, 2)}), "-1.50");
  EXPECT_EQ(apply(Op::RescaleDec, t, {d(12345, 5, 4)}), "1.23");
  EXPECT_EQ(apply(Op::RescaleDec, t, {d(12350, 5, 4)}), "1.24");
  EXPECT_EQ(apply(Op::RescaleDec, t, {d(12350, 5, 4)}, static_cast<std::uint32_t>(value::Rounding::Down)), "1.23");
  EXPECT_EQ(apply(Op::RescaleDec, t, {d(1'000, 4, 0)}), "!P1101 number out of range");
}

TEST_F(RowFunctionTest, Conversions) {
  EXPECT_EQ(apply(Op::IntToDec, program.types.decimal(5, 2), {i(-12)}), "-12.00");
  EXPECT_EQ(apply(Op::IntToDec, program.types.decimal(5, 2), {i(1'000)}), "!P1101 number out of range");
  EXPECT_EQ(apply(Op::IntToFloat, scalar(Kind::Float), {i(3)}), "3.0");
  EXPECT_EQ(apply(Op::DecToFloat, scalar(Kind::Float), {d(-125, 3, 2)}), "-1.25");
  EXPECT_EQ(apply(Op::DecToInt, scalar(Kind::Int), {d(-199, 3, 2)}), "-1");
  EXPECT_EQ(apply(Op::DecToInt, scalar(Kind::Int), {d(value::Int128{kMax} * 10, 38, 0)}), "!P1101 number out of range");
}

TEST_F(RowFunctionTest, Comparisons) {
  const TypeId t = scalar(Kind::Bool);
  const double nan = std::nan("");
  for (const int a : {1, 2, 3}) {
    for (const int c : {1, 2, 3}) {
      const std::string eq = a == c ? "true" : "false", lt = a < c ? "true" : "false", le = a <= c ? "true" : "false";
      EXPECT_EQ(apply(Op::EqInt, t, {i(a), i(c)}), eq);
      EXPECT_EQ(apply(Op::LtInt, t, {i(a), i(c)}), lt);
      EXPECT_EQ(apply(Op::LeInt, t, {i(a), i(c)}), le);
      EXPECT_EQ(apply(Op::EqFloat, t, {f(a), f(c)}), eq);
      EXPECT_EQ(apply(Op::LtFloat, t, {f(a), f(c)}), lt);
      EXPECT_EQ(apply(Op::LeFloat, t, {f(a), f(c)}), le);
      EXPECT_EQ(apply(Op::EqDec, t, {d(a * 100, 5, 2), d(c, 1, 0)}), eq);
      EXPECT_EQ(apply(Op::LtDec, t, {d(a * 100, 5, 2), d(c, 1, 0)}), lt);
      EXPECT_EQ(apply(Op::LeDec, t, {d(a, 1, 0), d(c * 1000, 5, 3)}), le);
      const std::string left = std::to_string(a), right = std::to_string(c);
      EXPECT_EQ(apply(Op::EqText, t, {s(left), s(right)}), eq);
      EXPECT_EQ(apply(Op::LtText, t, {s(left), s(right)}), lt);
      EXPECT_EQ(apply(Op::LeText, t, {s(left), s(right)}), le);
      EXPECT_EQ(apply(Op::EqAny, t, {some(i(a)), some(i(c))}), eq);
    }
  }
  EXPECT_EQ(apply(Op::EqFloat, t, {f(nan), f(nan)}), "false");
  EXPECT_EQ(apply(Op::LtFloat, t, {f(nan), f(1)}), "false");
  EXPECT_EQ(apply(Op::LtText, t, {s("a"), s("aa")}), "true");
  EXPECT_EQ(apply(Op::LtText, t, {s("z"), s("\u00e9")}), "true");
  EXPECT_EQ(apply(Op::EqAny, t, {none(scalar(Kind::Int)), none(scalar(Kind::Int))}), "true");
  EXPECT_EQ(apply(Op::EqAny, t, {none(scalar(Kind::Int)), some(i(0))}), "false");
}

TEST_F(RowFunctionTest, Texts) {
  const TypeId t = scalar(Kind::String);
  EXPECT_EQ(apply(Op::Concat, t, {s("a"), s(""), s("bc")}), "abc");
  EXPECT_EQ(apply(Op::Concat, t, {}), "");
  EXPECT_EQ(apply(Op::ToText, t, {d(150, 3, 2)}), "1.50");
  EXPECT_EQ(apply(Op::ToText, t, {none(scalar(Kind::Int))}), "null");
  EXPECT_EQ(apply(Op::ToText, t, {{scalar(Kind::Timestamp), {Cell::of(std::int64_t{0})}}}), "1970-01-01T00:00:00Z");
}

TEST_F(RowFunctionTest, RecordsListsMaps) {
  const TypeId number = scalar(Kind::Int);
  const TypeId record = program.types.record("", {{"a", number}, {"b", optional(number)}, {"c", scalar(Kind::String)}});
  EXPECT_EQ(apply(Op::MakeRecord, record, {i(1), none(number), s("x")}), R"({"a":1,"b":null,"c":"x"})");
  Cell cells[] = {Cell::of(std::int64_t{1}), Cell::of(false), Cell::of(std::int64_t{2}), Cell::of(std::string_view("x"))};
  const Given r{record, {Cell::of(static_cast<const Cell*>(cells))}};
  EXPECT_EQ(apply(Op::GetField, number, {r}, 0), "1");
  EXPECT_EQ(apply(Op::GetField, optional(number), {r}, 1), "2");
  EXPECT_EQ(apply(Op::GetField, scalar(Kind::String), {r}, 3), "x");

  const TypeId ints = program.types.list(number);
  EXPECT_EQ(apply(Op::MakeList, ints, {i(1), i(2)}), "[1,2]");
  EXPECT_EQ(apply(Op::MakeList, ints, {}), "[]");
  const Given three = list(number, {i(7), i(8), i(9)});
  EXPECT_EQ(apply(Op::ListLength, number, {three}), "3");
  EXPECT_EQ(apply(Op::ListIndex, number, {three, i(2)}), "9");
  EXPECT_EQ(apply(Op::ListIndex, number, {three, i(3)}), "!P1104 index outside the list: 3");
  EXPECT_EQ(apply(Op::ListIndex, number, {three, i(-1)}), "!P1104 index outside the list: -1");
  EXPECT_EQ(apply(Op::ListIndex, optional(number), {list(optional(number), {some(i(1)), none(number)}), i(1)}), "null");
  EXPECT_EQ(apply(Op::ListContains, scalar(Kind::Bool), {three, i(8)}), "true");
  EXPECT_EQ(apply(Op::ListContains, scalar(Kind::Bool), {three, i(1)}), "false");

  Cell entries[] = {Cell::of(std::string_view("a")), Cell::of(std::int64_t{1}), Cell::of(std::string_view("b")),
                    Cell::of(std::int64_t{2})};
  const Given map{program.types.map(number), {Cell::of(value::List{entries, 2})}};
  EXPECT_EQ(apply(Op::MapGet, optional(number), {map, s("b")}), "2");
  EXPECT_EQ(apply(Op::MapGet, optional(number), {map, s("c")}), "null");
}

TEST_F(RowFunctionTest, Json) {
  const TypeId t = scalar(Kind::Json);
  EXPECT_EQ(apply(Op::JsonGet, t, {json(R"({"a":[1]})"), s("a")}), "[1]");
  EXPECT_EQ(apply(Op::JsonGet, t, {json(R"({"a":[1]})"), s("b")}), "!P1104 no such key: `b`");
  EXPECT_EQ(apply(Op::JsonGet, t, {json("[1]"), s("b")}), "!P1103 the JSON value has another type");
  EXPECT_EQ(apply(Op::JsonIndex, t, {json("[1,2]"), i(1)}), "2");
  EXPECT_EQ(apply(Op::JsonIndex, t, {json("[1,2]"), i(2)}), "!P1104 index outside the list: 2");
  EXPECT_EQ(apply(Op::JsonTo, scalar(Kind::Int), {json("7")}), "7");
  EXPECT_EQ(apply(Op::JsonTo, optional(scalar(Kind::Int)), {json("null")}), "null");
  EXPECT_EQ(apply(Op::JsonTo, scalar(Kind::Int), {json("\"7\"")}), "!P1103 the JSON value has another type");
}

TEST_F(RowFunctionTest, FailureNamesItsSite) {
  ir::FunctionBuilder builder(program.types, "f");
  const ir::Value x = builder.add_input({"x", scalar(Kind::Int)});
  builder.set_site({2, 40, 9});
  builder.add_output({{"y", scalar(Kind::Int)}});
  builder.emit(0, {builder.add(Op::DivInt, scalar(Kind::Int), {x, x})});
  const ir::Function function = builder.finish();
  EXPECT_EQ(result(function, i(5).cells), "1");
  const Outcome outcome = run(function, i(0).cells);
  EXPECT_EQ(outcome.kind, Outcome::Kind::Failed);
  EXPECT_EQ(outcome.code, base::ErrorCode::DivisionByZero);
  EXPECT_EQ(outcome.site.file, 2u);
  EXPECT_EQ(outcome.site.line, 40u);
  EXPECT_EQ(outcome.site.column, 9u);
}

// (10 / x) catch -1; then filter and route.
TEST_F(RowFunctionTest, CatchBranchFilterPorts) {
  const TypeId number = scalar(Kind::Int);
  ir::FunctionBuilder builder(program.types, "f");
  const ir::Value x = builder.add_input({"x", number});
  builder.add_output({{"y", number}});
  builder.add_output({{"text", scalar(Kind::String)}, {"y", number}});
  const ir::Value ten = builder.constant({.type = number, .cells = {Cell::of(std::int64_t{10}), {}}, .secret = {}});
  const ir::Value minus = builder.constant({.type = number, .cells = {Cell::of(std::int64_t{-1}), {}}, .secret = {}});
  const ir::Value y = builder.fresh(number);
  const ir::BlockId caught = builder.new_block(), joined = builder.new_block();
  builder.set_on_fail(caught);
  builder.copy(builder.add(Op::DivInt, number, {ten, x}), y);
  builder.set_on_fail(ir::kDie);
  builder.jump(joined);
  builder.go_to(caught);
  builder.copy(minus, y);
  builder.jump(joined);
  builder.go_to(joined);
  const ir::BlockId small = builder.new_block(), other = builder.new_block(), dropped = builder.new_block(),
                    first = builder.new_block();
  builder.branch(builder.add(Op::LtInt, scalar(Kind::Bool), {y, minus}), dropped, other);
  builder.go_to(other);
  builder.branch(builder.add(Op::EqInt, scalar(Kind::Bool), {y, minus}), first, small);
  builder.go_to(first);
  builder.emit(0, {y});
  builder.go_to(small);
  builder.emit(1, {builder.add(Op::ToText, scalar(Kind::String), {y}), y});
  builder.go_to(dropped);
  builder.filtered();
  const ir::Function function = builder.finish();
  EXPECT_EQ(result(function, i(0).cells), "-1");
  EXPECT_EQ(run(function, i(0).cells).port, 0u);
  EXPECT_EQ(result(function, i(5).cells), "2");
  EXPECT_EQ(run(function, i(5).cells).port, 1u);
  EXPECT_EQ(output[1].i, 2);
  EXPECT_EQ(result(function, i(-2).cells), "filtered");
}

TEST_F(RowFunctionTest, FailHasTheProgramsWords) {
  ir::FunctionBuilder builder(program.types, "f");
  const ir::Value words = builder.add_input({"words", scalar(Kind::String)});
  builder.set_site({0, 3, 4});
  builder.add_output({});
  builder.fail(words);
  const ir::Function function = builder.finish();
  EXPECT_EQ(result(function, s("no customer 7").cells), "!P1105 no customer 7");
  EXPECT_EQ(run(function, s("").cells).site.line, 3u);
}

TEST_F(RowFunctionTest, OutputMayBeTheInput) {
  const TypeId number = scalar(Kind::Int);
  ir::FunctionBuilder builder(program.types, "swap");
  const ir::Value x = builder.add_input({"x", number}), y = builder.add_input({"y", number});
  builder.add_output({{"y", number}, {"x", number}});
  builder.emit(0, {y, x});
  program.functions.push_back(builder.finish());
  RowFunction compiled = RowFunction::compile(program, 0, natives);
  Cell row[] = {Cell::of(std::int64_t{1}), Cell::of(std::int64_t{2})};
  compiled.run(row, {arena, 0, {}}, row);
  EXPECT_EQ(row[0].i, 2);
  EXPECT_EQ(row[1].i, 1);
}

bool half(value::NativeCall& call) {
  if (call.args[0].i % 2 != 0) {
    call.fault = value::Fault::BadArgument;
    call.detail = "odd";
    return false;
  }
  EXPECT_EQ(call.now, 1'000'000);
  call.result[0] = Cell::of(call.args[1].b);  // its second argument is a `T?`
  call.result[1] = Cell::of(call.args[0].i / 2);
  return true;
}
bool chance(value::NativeCall& call) {
  *call.result = value::Cell::of(static_cast<std::int64_t>(call.seed[0] >> 1));
  return true;
}

TEST_F(RowFunctionTest, Natives) {
  const TypeId number = scalar(Kind::Int), maybe = optional(number);
  program.natives = {"half"};
  program.native_arguments = {{number, maybe, maybe}};
  natives = {half};
  EXPECT_EQ(apply(Op::Call, maybe, {i(8), some(i(0))}), "4");
  EXPECT_EQ(apply(Op::Call, maybe, {i(8), none(number)}), "null");
  EXPECT_EQ(apply(Op::Call, maybe, {i(7), none(number)}), "!P1106 argument out of range: odd");
}

TEST_F(RowFunctionTest, ChanceIsStableAndDiffersPerCallRecordAndElement) {
  const TypeId number = scalar(Kind::Int);
  program.natives = {"random"};
  program.native_arguments = {{number}};
  natives = {chance};
  ir::FunctionBuilder element(program.types, "element");
  element.add_input({"n", number});
  element.add_output({{"v", number}});
  element.emit(0, {element.add(Op::Call, number, {})});
  program.functions.push_back(element.finish());
  program.folds.push_back({ir::FoldKind::List, 0, number, program.types.list(number)});

  ir::FunctionBuilder builder(program.types, "f");
  const ir::Value numbers = builder.add_input({"l", program.types.list(number)});
  builder.add_output({{"a", number}, {"b", number}, {"l", program.types.list(number)}});
  const ir::Value a = builder.add(Op::Call, number, {}),
                  b2 = builder.add(Op::Call, number, {});  // one site: a function used twice
  builder.emit(0, {a, b2, builder.add(Op::Fold, program.types.list(number), {numbers})});
  const ir::Function function = builder.finish();
  const std::vector<Cell> input = list(number, {i(1), i(1)}).cells;
  std::set<std::int64_t> seen;
  for (int again = 0; again < 2; ++again) {
    for (seed = 1; seed <= 3; ++seed) {
      run(function, input);
      for (const Cell& cell : {output[0], output[1], output[2].l.items[0], output[2].l.items[1]}) seen.insert(cell.i);
    }
    EXPECT_EQ(seen.size(), 12u);
  }
}

TEST_F(RowFunctionTest, SecretsAreReadOnce) {
  ir::FunctionBuilder builder(program.types, "f");
  builder.add_output({{"s", scalar(Kind::String)}});
  builder.emit(0, {builder.constant({.type = scalar(Kind::String), .cells = {}, .secret = "TOKEN"})});
  program.functions.push_back(builder.finish());
  EXPECT_EQ(secrets_of(program), std::vector<std::string>{"TOKEN"});
  secrets = {{"TOKEN", "t0p"}};
  EXPECT_EQ(result(program.functions[0], {}), "t0p");
}

// ---- Folds

class FoldTest : public ExprTest {
 protected:
  // fold(10 / e + c for e in list if e != 7), with c captured.
  std::string fold(ir::FoldKind kind, const Given& items, TypeId type, std::int64_t captured = 0,
                   const char* separator = nullptr) {
    const TypeId element = program.types[items.type].element;
    ir::FunctionBuilder inner(program.types, "element");
    const ir::Value e = inner.add_input({"e", element});
    const ir::Value c = inner.add_input({"c", scalar(Kind::Int)});
    ir::Value emitted = e;
    inner.set_site({0, 9, 9});
    if (program.types[element].kind == Kind::Int && !program.types[element].nullable) {
      const ir::Value seven = inner.constant({.type = element, .cells = {Cell::of(std::int64_t{7}), {}}, .secret = {}});
      const ir::Value ten = inner.constant({.type = element, .cells = {Cell::of(std::int64_t{10}), {}}, .secret = {}});
      const ir::BlockId skip = inner.new_block(), take = inner.new_block();
      inner.branch(inner.add(Op::EqInt, scalar(Kind::Bool), {e, seven}), skip, take);
      inner.go_to(skip);
      inner.filtered();
      inner.go_to(take);
      emitted = inner.add(Op::AddInt, element, {inner.add(Op::DivInt, element, {ten, e}), c});
    }
    inner.add_output({{"v", element}});
    inner.emit(0, {emitted});
    const auto function = static_cast<ir::FunctionId>(program.functions.size());
    program.functions.push_back(inner.finish());
    program.folds.push_back({kind, function, element, type});
    std::vector<Given> operands{items};
    if (separator != nullptr) operands.push_back(s(separator));
    operands.push_back(i(captured));
    return apply(Op::Fold, type, operands, static_cast<std::uint32_t>(program.folds.size() - 1));
  }
};

TEST_F(FoldTest, Integers) {
  const TypeId number = scalar(Kind::Int), maybe = optional(number);
  const Given some_numbers = list(number, {i(2), i(7), i(1), i(5)});  // 5, filtered, 10, 2
  const Given nothing = list(number, {});
  const Given all_filtered = list(number, {i(7)});
  EXPECT_EQ(fold(ir::FoldKind::Count, some_numbers, number), "3");
  EXPECT_EQ(fold(ir::FoldKind::Count, nothing, number), "0");
  EXPECT_EQ(fold(ir::FoldKind::Sum, some_numbers, number), "17");
  EXPECT_EQ(fold(ir::FoldKind::Sum, some_numbers, number, 100), "317");
  EXPECT_EQ(fold(ir::FoldKind::Sum, nothing, number), "0");
  EXPECT_EQ(fold(ir::FoldKind::Sum, some_numbers, number, kMax / 2), "!P1101 number out of range");
  EXPECT_EQ(fold(ir::FoldKind::Min, some_numbers, maybe), "2");
  EXPECT_EQ(fold(ir::FoldKind::Max, some_numbers, maybe), "10");
  EXPECT_EQ(fold(ir::FoldKind::Min, all_filtered, maybe), "null");
  EXPECT_EQ(fold(ir::FoldKind::First, some_numbers, maybe), "5");
  EXPECT_EQ(fold(ir::FoldKind::Last, some_numbers, maybe), "2");
  EXPECT_EQ(fold(ir::FoldKind::Last, nothing, maybe), "null");
  EXPECT_EQ(fold(ir::FoldKind::List, some_numbers, program.types.list(number)), "[5,10,2]");
  EXPECT_EQ(fold(ir::FoldKind::Avg, list(number, {i(5), i(10)}), optional(scalar(Kind::Float))), "1.5");
  EXPECT_EQ(fold(ir::FoldKind::Avg, list(number, {i(5), i(10)}), optional(scalar(Kind::Float)), kMax - 2),
            "9223372036854775808.0");
  EXPECT_EQ(fold(ir::FoldKind::Avg, nothing, optional(scalar(Kind::Float))), "null");
  EXPECT_EQ(fold(ir::FoldKind::Sum, list(number, {i(0)}), number), "!P1102 division by zero");
}

TEST_F(FoldTest, OtherTypes) {
  const TypeId money = program.types.decimal(4, 2), maybe_text = optional(scalar(Kind::String)), text_type = scalar(Kind::String);
  const Given prices = list(money, {d(150, 4, 2), d(-25, 4, 2), d(9'999, 4, 2)});
  EXPECT_EQ(fold(ir::FoldKind::Sum, prices, program.types.decimal(38, 2)), "101.24");
  EXPECT_EQ(fold(ir::FoldKind::Avg, prices, optional(program.types.decimal(38, 8))), "33.74666667");
  EXPECT_EQ(fold(ir::FoldKind::Min, prices, optional(money)), "-0.25");
  const Given floats = list(scalar(Kind::Float), {f(0.5), f(1.5)});
  EXPECT_EQ(fold(ir::FoldKind::Sum, floats, scalar(Kind::Float)), "2.0");
  EXPECT_EQ(fold(ir::FoldKind::Avg, floats, optional(scalar(Kind::Float))), "1.0");
  const Given texts = list(text_type, {s("b"), s("a"), s("c")});
  EXPECT_EQ(fold(ir::FoldKind::Join, texts, text_type, 0, ", "), "b, a, c");
  EXPECT_EQ(fold(ir::FoldKind::Join, list(text_type, {}), text_type, 0, ", "), "");
  EXPECT_EQ(fold(ir::FoldKind::Max, texts, maybe_text), "c");
  const TypeId flag = scalar(Kind::Bool);
  EXPECT_EQ(fold(ir::FoldKind::Any, list(flag, {b(false), b(true)}), flag), "true");
  EXPECT_EQ(fold(ir::FoldKind::Any, list(flag, {}), flag), "false");
  EXPECT_EQ(fold(ir::FoldKind::All, list(flag, {b(true), b(false)}), flag), "false");
  EXPECT_EQ(fold(ir::FoldKind::All, list(flag, {}), flag), "true");
  const TypeId maybe = optional(scalar(Kind::Int));
  EXPECT_EQ(fold(ir::FoldKind::First, list(maybe, {none(scalar(Kind::Int)), some(i(1))}), maybe), "null");
  EXPECT_EQ(fold(ir::FoldKind::List, list(maybe, {none(scalar(Kind::Int)), some(i(1))}), program.types.list(maybe)), "[null,1]");
}

}  // namespace
}  // namespace piperun::expr
