#include <algorithm>
#include <optional>
#include <vector>

#include "lang/ir/control.h"
#include "lang/ir/evaluate.h"
#include "lang/ir/passes.h"

namespace piperun::ir {
namespace {

class Folding {
 public:
  Folding(Program& program, Function& function)
      : program_(program), f_(function), known_(f_.registers.size()), writes_(f_.registers.size()) {}

  void run() {
    for (const Block& block : f_.blocks) {
      for (const Instruction& instruction : block.code) {
        for (int i = 0; i < width(instruction.result); ++i) ++writes_[instruction.result + static_cast<Register>(i)];
      }
    }
    for (Block& block : f_.blocks) {
      for (Instruction& instruction : block.code) fold(instruction);
      fold_branch(block.end);
    }
    straighten(f_);
  }

 private:
  int width(Register r) const { return value::cells(program_.types[f_.registers[r]]); }

  void fold(Instruction& instruction) {
    if (instruction.op == Op::Const) {
      const Constant& constant = f_.constants[instruction.index];
      if (constant.secret.empty()) know(instruction.result, constant.cells);
      return;
    }
    if (!is_evaluable(instruction.op) || instruction.op == Op::SetNull) {
      const value::Cell null[2]{value::Cell::of(true), value::Cell{}};
      if (instruction.op == Op::SetNull) know(instruction.result, null);
      return;
    }
    std::vector<value::Cell> cells;
    if (!gather(instruction, cells)) return;
    std::vector<Operand> operands;
    const value::Cell* next = cells.data();
    for (Register r : instruction.operands) {
      operands.push_back({f_.registers[r], next});
      next += width(r);
    }
    Constant result{.type = f_.registers[instruction.result], .secret = {}};
    if (evaluate(instruction.op, instruction.index, program_.types, operands, result.type, *program_.memory, result.cells))
      return;
    know(instruction.result, result.cells);
    f_.constants.push_back(std::move(result));
    instruction = {.op = Op::Const,
                   .result = instruction.result,
                   .operands = {},
                   .index = static_cast<std::uint32_t>(f_.constants.size() - 1),
                   .on_fail = kDie,
                   .site = instruction.site};
  }

  bool gather(const Instruction& instruction, std::vector<value::Cell>& cells) const {
    for (Register r : instruction.operands) {
      for (int i = 0; i < width(r); ++i) {
        const auto& cell = known_[r + static_cast<Register>(i)];
        if (!cell) return false;
        cells.push_back(*cell);
      }
    }
    return true;
  }

  // A register that several branches write is known in none.
  void know(Register first, const value::Cell* cells) {
    for (int i = 0; i < width(first); ++i) {
      const Register r = first + static_cast<Register>(i);
      if (writes_[r] == 1) known_[r] = cells[i];
    }
  }

  void fold_branch(Terminator& end) const {
    if (end.kind != Terminator::Kind::Branch || !known_[end.branch.condition]) return;
    end.jump.to = known_[end.branch.condition]->b ? end.branch.then_to : end.branch.else_to;
    end.kind = Terminator::Kind::Jump;
  }

  Program& program_;
  Function& f_;
  std::vector<std::optional<value::Cell>> known_;
  std::vector<int> writes_;
};

}  // namespace

void fold_constants(Program& program, Function& function) { Folding(program, function).run(); }

}  // namespace piperun::ir
