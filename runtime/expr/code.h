// A row function made ready to run: instructions of one size in one array, registers resolved to cells.
#pragma once
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "lang/ir/evaluate.h"
#include "runtime/expr/row_function.h"

namespace piperun::expr {

// What the interpreter dispatches on: the ops that have a short form of their own; all others are Evaluate.
enum class Do : std::uint8_t {
  CopyOne,
  CopyTwo,
  Wrap,  // Wrap: a T into a `T?`
  SetNull,
  Not,
  And,
  Or,
  AddInt,
  SubInt,
  MulInt,
  DivInt,
  RemInt,
  AddTime,  // a timestamp and a duration, in any order
  SubTime,
  AddFloat,
  SubFloat,
  MulFloat,
  DivFloat,
  AddDec,
  SubDec,
  MulDec,
  RescaleDec,
  EqInt,
  LtInt,
  LeInt,
  EqFloat,
  LtFloat,
  LeFloat,
  EqDec,
  LtDec,
  LeDec,
  EqText,
  LtText,
  LeText,
  FieldOne,
  FieldTwo,
  Evaluate,
  Call,
  Fold,
  Jump,
  Branch,
  Emit,
  Filtered,
  Fail,
};

inline constexpr std::uint32_t kDies = ~std::uint32_t{0};

struct Step {
  Do what;
  std::uint8_t precision = 0, scale = 0;      // of a decimal result
  std::uint8_t scale_a = 0, scale_b = 0;      // of decimal operands
  std::uint8_t index = 0;                     // Rounding
  std::uint32_t result = 0;                   // Branch: step if false; Jump: the step
  std::uint32_t a = 0;
  std::uint32_t b = 0;                        // Branch: step if true; FieldOne, FieldTwo: cell
  std::uint32_t at = 0;                       // in evaluations, calls, folds or emits
  std::uint32_t on_fail = kDies;              // step
  ir::Site site;
};

struct Code {
  struct Evaluation {
    ir::Op op;
    std::uint32_t index;
    std::vector<ir::Operand> operands;        // point into `cells`
    value::TypeId result_type;
  };
  struct Call {
    value::NativeFn body;
    std::vector<std::uint32_t> sources;       // cell per argument cell
    std::vector<value::Cell> arguments;
    const std::vector<value::TypeId>* signature;
    std::uint64_t site_hash;
  };
  struct Fold {
    const ir::FoldSpec* spec;
    std::unique_ptr<Code> element;
    std::uint32_t element_cells;
    std::uint32_t separator;                  // Join: its cell
    std::vector<std::uint32_t> captures;      // cell per captured cell
    std::vector<value::Cell> input;           // of the element function
  };
  struct Emit {
    std::uint32_t port;
    std::vector<std::uint32_t> sources;       // cell per output cell
  };

  const ir::Program* program = nullptr;
  std::uint32_t input_cells = 0;
  int output_cells = 0;
  std::vector<value::Cell> cells;             // the registers; constants stand in theirs already
  std::vector<Step> steps;
  std::vector<Evaluation> evaluations;
  std::vector<Call> calls;
  std::vector<Fold> folds;
  std::vector<Emit> emits;
  std::deque<std::string> secrets;            // that constants show

  Outcome run(const value::Cell* input, const Context& context, value::Cell* output);

 private:
  Outcome failed(const Step& step, value::Fault fault) const;
  bool call(const Step& step, const Context& context, Outcome& outcome);
  bool fold(const Step& step, const Context& context, Outcome& outcome);
};

// Compiles one function, and the element functions of its folds.
std::unique_ptr<Code> compile_code(const ir::Program& program, const ir::Function& function,
                                   std::span<const value::NativeFn> natives, const Secrets& secrets);

}  // namespace piperun::expr
