#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "lang/ir/control.h"
#include "lang/ir/passes.h"

namespace piperun::ir {
namespace {

class DeadCode {
 public:
  DeadCode(const value::TypeTable& types, Function& function) : types_(types), f_(function) {}

  void run() {
    look_through_copies();
    while (sweep()) {}
    compact();
    straighten(f_);
  }

 private:
  int width(Register r) const { return value::cells(types_[f_.registers[r]]); }

  std::vector<int> count_writes() const {
    std::vector<int> writes(f_.registers.size());
    for (const Block& block : f_.blocks) {
      for (const Instruction& instruction : block.code) {
        for (int i = 0; i < width(instruction.result); ++i) ++writes[instruction.result + static_cast<Register>(i)];
      }
    }
    return writes;
  }

  // A register written once, by a copy of one that is written at most once, is another name of it.
  void look_through_copies() {
    const std::vector<int> writes = count_writes();
    std::vector<Register> same(f_.registers.size());
    std::iota(same.begin(), same.end(), Register{0});
    for (Block& block : f_.blocks) {
      for (Instruction& instruction : block.code) {
        for (Register& operand : instruction.operands) operand = same[operand];
        if (instruction.op != Op::Copy) continue;
        const Register from = instruction.operands[0];
        const bool once = writes[instruction.result] == 1 && writes[from] <= 1;
        if (!once || f_.registers[from] != f_.registers[instruction.result]) continue;
        for (int i = 0; i < width(from); ++i)
          same[instruction.result + static_cast<Register>(i)] = from + static_cast<Register>(i);
      }
    }
    for (Block& block : f_.blocks) map_operands(block, [&](Register r) { return same[r]; });
  }

  bool sweep() {
    std::vector<bool> read(f_.registers.size());
    for (Block& block : f_.blocks) {
      map_operands(block, [&](Register r) {
        for (int i = 0; i < width(r); ++i) read[r + static_cast<Register>(i)] = true;
        return r;
      });
    }
    std::size_t dropped = 0;
    for (Block& block : f_.blocks) {
      dropped += std::erase_if(block.code, [&](const Instruction& instruction) {
        if (can_fail(instruction.op)) return false;
        for (int i = 0; i < width(instruction.result); ++i) {
          if (read[instruction.result + static_cast<Register>(i)]) return false;
        }
        return true;
      });
    }
    return dropped > 0;
  }

  // Registers and constants that are left, without gaps. Those of the input stay.
  void compact() {
    std::vector<bool> used(f_.registers.size());
    const auto use = [&](Register r) {
      // A payload named alone keeps its null bit: the two belong together.
      if (r > 0 && types_[f_.registers[r - 1]].nullable) used[r - 1] = true;
      for (int i = 0; i < width(r); ++i) used[r + static_cast<Register>(i)] = true;
      return r;
    };
    std::fill_n(used.begin(), cell_count(types_, f_.input), true);
    for (Block& block : f_.blocks) map_registers(block, use);
    std::vector<Register> place(f_.registers.size());
    std::vector<value::TypeId> registers;
    for (Register r = 0; r < used.size(); ++r) {
      place[r] = static_cast<Register>(registers.size());
      if (used[r]) registers.push_back(f_.registers[r]);
    }
    f_.registers = std::move(registers);
    std::vector<Constant> constants;
    for (Block& block : f_.blocks) {
      map_registers(block, [&](Register r) { return place[r]; });
      for (Instruction& instruction : block.code) {
        if (instruction.op != Op::Const) continue;
        constants.push_back(f_.constants[instruction.index]);
        instruction.index = static_cast<std::uint32_t>(constants.size() - 1);
      }
    }
    f_.constants = std::move(constants);
  }

  const value::TypeTable& types_;
  Function& f_;
};

}  // namespace

void drop_dead_code(const value::TypeTable& types, Function& function) { DeadCode(types, function).run(); }

}  // namespace piperun::ir
