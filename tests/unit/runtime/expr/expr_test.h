// Small row functions, built by hand and run.
#pragma once
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "lang/ir/builder.h"
#include "lang/ir/verify.h"
#include "lang/value/compare.h"
#include "lang/value/json_node.h"
#include "runtime/expr/row_function.h"

namespace piperun::expr {

class ExprTest : public ::testing::Test {
 protected:
  using Kind = value::TypeKind;
  using Op = ir::Op;
  using TypeId = value::TypeId;
  using Cell = value::Cell;

  struct Given {
    TypeId type;
    std::vector<Cell> cells;
  };

  ExprTest() { program.memory = std::make_unique<value::Arena>(); }

  TypeId scalar(Kind kind) { return program.types.scalar(kind); }
  TypeId optional(TypeId type) { return program.types.with_null(type); }
  Given b(bool v) { return {scalar(Kind::Bool), {Cell::of(v)}}; }
  Given i(std::int64_t v) { return {scalar(Kind::Int), {Cell::of(v)}}; }
  Given f(double v) { return {scalar(Kind::Float), {Cell::of(v)}}; }
  Given d(value::Int128 v, int precision, int scale) { return {program.types.decimal(precision, scale), {Cell::of(v)}}; }
  Given s(std::string_view v) { return {scalar(Kind::String), {Cell::of(v)}}; }
  Given some(const Given& g) { return {optional(g.type), {Cell::of(false), g.cells[0]}}; }
  Given none(TypeId type) { return {optional(type), {Cell::of(true), Cell{}}}; }
  Given list(TypeId element, const std::vector<Given>& items) {
    const auto width = static_cast<std::size_t>(value::cells(program.types[element]));
    Cell* cells = arena.cells(items.size() * width);
    for (std::size_t n = 0; n < items.size(); ++n) std::copy_n(items[n].cells.begin(), width, cells + n * width);
    return {program.types.list(element), {Cell::of(value::List{cells, items.size()})}};
  }
  Given json(std::string_view text) { return {scalar(Kind::Json), {Cell::of(*value::parse_json(text, arena))}}; }

  std::string text(TypeId type, const Cell* cells) {
    std::string out;
    value::append_text(out, program.types, type, cells);
    return out;
  }

  Outcome run(const ir::Function& function, const std::vector<Cell>& input) {
    const auto faults = ir::verify(program, function);
    EXPECT_TRUE(faults.empty()) << faults.front();
    last_compiled.emplace(RowFunction::compile(program, function, natives, secrets));  // owns what secrets the output views
    output.assign(static_cast<std::size_t>(last_compiled->output_cells()), Cell{});
    return last_compiled->run(input.data(), {arena, 1'000'000, {seed, 2}}, output.data());
  }

  // What the only column becomes as text; `!P1102 words` if it failed.
  std::string result(const ir::Function& function, const std::vector<Cell>& input) {
    const Outcome outcome = run(function, input);
    if (outcome.kind == Outcome::Kind::Failed)
      return "!" + std::string(base::traits(outcome.code).code) + " " + std::string(outcome.detail);
    if (outcome.kind == Outcome::Kind::Filtered) return "filtered";
    return text(function.outputs[outcome.port][0].type, output.data());
  }

  // One op on values that come as columns.
  std::string apply(Op op, TypeId type, const std::vector<Given>& operands, std::uint32_t index = 0) {
    ir::FunctionBuilder builder(program.types, "one op");
    std::vector<ir::Value> values;
    std::vector<Cell> input;
    for (const Given& operand : operands) {
      values.push_back(builder.add_input({"x" + std::to_string(values.size()), operand.type}));
      input.insert(input.end(), operand.cells.begin(), operand.cells.end());
    }
    builder.set_site({0, 7, 3});
    builder.add_output({{"y", type}});
    builder.emit(0, {builder.add(op, type, values, index)});
    return result(builder.finish(), input);
  }

  ir::Program program;
  value::Arena arena;
  std::vector<value::NativeFn> natives;
  Secrets secrets;
  std::vector<Cell> output;
  std::optional<RowFunction> last_compiled;  // of the last run
  std::uint64_t seed = 1;
};

}  // namespace piperun::expr
