#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <set>

#include "runtime/expr/code.h"

namespace piperun::expr {
namespace {

using ir::Instruction;
using ir::Op;
using ir::Register;
using ir::Terminator;

std::uint64_t hash_site(const ir::Site& site, std::uint64_t ordinal) {
  std::uint64_t h = 0x9e3779b97f4a7c15;
  for (const std::uint64_t part : {std::uint64_t{site.file}, std::uint64_t{site.line}, std::uint64_t{site.column}, ordinal}) {
    h = (h ^ part) * 0xff51afd7ed558ccd;
    h ^= h >> 32;
  }
  return h;
}

// The op's short form, if it has one.
Do short_form(Op op) {
  switch (op) {
    case Op::SetNull: return Do::SetNull;
    case Op::Not: return Do::Not;
    case Op::And: return Do::And;
    case Op::Or: return Do::Or;
    case Op::AddInt: return Do::AddInt;
    case Op::SubInt: return Do::SubInt;
    case Op::MulInt: return Do::MulInt;
    case Op::DivInt: return Do::DivInt;
    case Op::RemInt: return Do::RemInt;
    case Op::AddFloat: return Do::AddFloat;
    case Op::SubFloat: return Do::SubFloat;
    case Op::MulFloat: return Do::MulFloat;
    case Op::DivFloat: return Do::DivFloat;
    case Op::AddDec: return Do::AddDec;
    case Op::SubDec: return Do::SubDec;
    case Op::MulDec: return Do::MulDec;
    case Op::RescaleDec: return Do::RescaleDec;
    case Op::EqInt: return Do::EqInt;
    case Op::LtInt: return Do::LtInt;
    case Op::LeInt: return Do::LeInt;
    case Op::EqFloat: return Do::EqFloat;
    case Op::LtFloat: return Do::LtFloat;
    case Op::LeFloat: return Do::LeFloat;
    case Op::EqDec: return Do::EqDec;
    case Op::LtDec: return Do::LtDec;
    case Op::LeDec: return Do::LeDec;
    case Op::EqText: return Do::EqText;
    case Op::LtText: return Do::LtText;
    case Op::LeText: return Do::LeText;
    case Op::IsNull: return Do::CopyOne;  // of the null bit
    case Op::Call: return Do::Call;
    case Op::Fold: return Do::Fold;
    case Op::Const:
    case Op::Copy:
    case Op::GetField:  // depend on the width
    case Op::NegInt:
    case Op::RemFloat:
    case Op::NegFloat:
    case Op::DivDec:
    case Op::RemDec:
    case Op::NegDec:
    case Op::IntToDec:
    case Op::IntToFloat:
    case Op::DecToFloat:
    case Op::DecToInt:
    case Op::EqAny:
    case Op::Concat:
    case Op::ToText:
    case Op::MakeRecord:
    case Op::MakeList:
    case Op::ListLength:
    case Op::ListIndex:
    case Op::ListContains:
    case Op::MapGet:
    case Op::JsonGet:
    case Op::JsonIndex:
    case Op::JsonTo: return Do::Evaluate;
  }
  return Do::Evaluate;
}

class Compiler {
 public:
  Compiler(const ir::Program& program, const ir::Function& function, std::span<const value::NativeFn> natives,
           const Secrets& secrets)
      : program_(program),
        types_(program.types),
        f_(function),
        natives_(natives),
        secrets_(secrets),
        code_(std::make_unique<Code>()) {}

  std::unique_ptr<Code> run() {
    code_->program = &program_;
    code_->input_cells = static_cast<std::uint32_t>(ir::cell_count(types_, f_.input));
    for (const ir::Schema& schema : f_.outputs)
      code_->output_cells = std::max(code_->output_cells, ir::cell_count(types_, schema));
    code_->cells.assign(f_.registers.size() + 1, value::Cell{});
    count_writes();
    for (const ir::Block& block : f_.blocks) {
      starts_.push_back(static_cast<std::uint32_t>(code_->steps.size()));
      for (const Instruction& instruction : block.code) add(instruction);
      end(block.end);
    }
    link();
    return std::move(code_);
  }

 private:
  const value::Type& type(Register r) const { return types_[f_.registers[r]]; }
  std::uint32_t width(Register r) const { return static_cast<std::uint32_t>(value::cells(type(r))); }

  void count_writes() {
    writes_.assign(f_.registers.size(), 0);
    for (const ir::Block& block : f_.blocks) {
      for (const Instruction& instruction : block.code) {
        for (std::uint32_t i = 0; i < width(instruction.result); ++i) ++writes_[instruction.result + i];
      }
    }
  }

  void add(const Instruction& instruction) {
    Step step{.what = short_form(instruction.op), .result = instruction.result, .site = instruction.site};
    if (!instruction.operands.empty()) step.a = instruction.operands[0];
    if (instruction.operands.size() > 1) step.b = instruction.operands[1];
    step.on_fail = instruction.on_fail == ir::kDie ? kDies : instruction.on_fail;
    step.index = static_cast<std::uint8_t>(instruction.index);
    set_scales(instruction, step);
    if (instruction.op == Op::Const) return add_constant(instruction, step);
    if (type(step.result).kind == value::TypeKind::Timestamp) {
      if (step.what == Do::AddInt) step.what = Do::AddTime;
      if (step.what == Do::SubInt) step.what = Do::SubTime;
    }
    if (instruction.op == Op::Copy) {
      step.what = width(step.result) == 1 ? Do::CopyOne : width(step.a) == 2 ? Do::CopyTwo : Do::Wrap;
    } else if (instruction.op == Op::GetField) {
      step.what = width(step.result) == 1 ? Do::FieldOne : Do::FieldTwo;
      step.b = instruction.index;
    } else if (step.what == Do::Evaluate) {
      add_evaluation(instruction, step);
    } else if (step.what == Do::Call) {
      add_call(instruction, step);
    } else if (step.what == Do::Fold) {
      add_fold(instruction, step);
    }
    code_->steps.push_back(step);
  }

  void set_scales(const Instruction& instruction, Step& step) {
    step.precision = type(instruction.result).precision;
    step.scale = type(instruction.result).scale;
    if (!instruction.operands.empty()) step.scale_a = type(step.a).scale;
    if (instruction.operands.size() > 1) step.scale_b = type(step.b).scale;
  }

  // A register that nothing else writes holds its constant from the beginning.
  void add_constant(const Instruction& instruction, Step step) {
    const ir::Constant& constant = f_.constants[instruction.index];
    value::Cell cells[2] = {constant.cells[0], constant.cells[1]};
    if (!constant.secret.empty()) {
      const auto found = secrets_.find(constant.secret);
      if (found == secrets_.end()) {  // our own bug: the caller reads all of `secrets_of` first
        std::fprintf(stderr, "compile: the secret %s was not read\n", constant.secret.c_str());
        std::abort();
      }
      cells[0] = value::Cell::of(std::string_view(code_->secrets.emplace_back(found->second)));
    }
    bool alone = true;
    for (std::uint32_t i = 0; i < width(step.result); ++i) alone = alone && writes_[step.result + i] == 1;
    Register home = step.result;
    if (!alone) {
      home = static_cast<Register>(code_->cells.size());
      code_->cells.resize(code_->cells.size() + 2);
      step.a = home;
      step.what = width(step.result) == 1 ? Do::CopyOne : Do::CopyTwo;
      code_->steps.push_back(step);
    }
    std::copy_n(cells, width(step.result), code_->cells.begin() + home);
  }

  void add_evaluation(const Instruction& instruction, Step& step) {
    step.at = static_cast<std::uint32_t>(code_->evaluations.size());
    Code::Evaluation evaluation{instruction.op, instruction.index, {}, f_.registers[instruction.result]};
    for (const Register r : instruction.operands) {
      evaluation.operands.push_back({f_.registers[r], nullptr});
      operand_registers_.push_back(r);
    }
    code_->evaluations.push_back(std::move(evaluation));
  }

  void add_call(const Instruction& instruction, Step& step) {
    step.at = static_cast<std::uint32_t>(code_->calls.size());
    std::uint64_t ordinal = 0;  // calls of one site: those of a function used twice
    for (const Code::Call& other : code_->calls) ordinal += other.site_hash == hash_site(instruction.site, ordinal);
    Code::Call call{
        natives_[instruction.index], {}, {}, &program_.native_arguments[instruction.index], hash_site(instruction.site, ordinal)};
    for (const Register r : instruction.operands) add_cells(r, call.sources);
    call.arguments.resize(call.sources.size());
    code_->calls.push_back(std::move(call));
  }

  void add_fold(const Instruction& instruction, Step& step) {
    step.at = static_cast<std::uint32_t>(code_->folds.size());
    const ir::FoldSpec& spec = program_.folds[instruction.index];
    const ir::Function& element = program_.functions[spec.element];
    Code::Fold fold{.spec = &spec,
                    .element = compile_code(program_, element, natives_, secrets_),
                    .element_cells = static_cast<std::uint32_t>(value::cells(types_[element.input[0].type])),
                    .separator = 0,
                    .captures = {},
                    .input = {}};
    const std::size_t own = spec.kind == ir::FoldKind::Join ? 2 : 1;
    if (own == 2) fold.separator = instruction.operands[1];
    for (std::size_t i = own; i < instruction.operands.size(); ++i) add_cells(instruction.operands[i], fold.captures);
    fold.input.resize(fold.element_cells + fold.captures.size());
    code_->folds.push_back(std::move(fold));
  }

  void add_cells(Register r, std::vector<std::uint32_t>& cells) const {
    for (std::uint32_t i = 0; i < width(r); ++i) cells.push_back(r + i);
  }

  void end(const Terminator& end) {
    Step step{.what = Do::Filtered, .site = end.fail.site};
    switch (end.kind) {
      case Terminator::Kind::Jump:
        step.what = Do::Jump;
        step.result = end.jump.to;
        break;
      case Terminator::Kind::Branch:
        step.what = Do::Branch;
        step.a = end.branch.condition;
        step.b = end.branch.then_to;
        step.result = end.branch.else_to;
        break;
      case Terminator::Kind::Emit: {
        step.what = Do::Emit;
        step.at = static_cast<std::uint32_t>(code_->emits.size());
        Code::Emit emit{end.emit.port, {}};
        for (const Register r : end.emit.values) add_cells(r, emit.sources);
        code_->emits.push_back(std::move(emit));
        break;
      }
      case Terminator::Kind::Filtered: break;
      case Terminator::Kind::Fail:
        step.what = Do::Fail;
        step.a = end.fail.message;
        break;
    }
    code_->steps.push_back(step);
  }

  // Blocks become steps; operands become addresses, now that no cell moves any more.
  void link() {
    for (Step& step : code_->steps) {
      if (step.on_fail != kDies) step.on_fail = starts_[step.on_fail];
      if (step.what == Do::Jump || step.what == Do::Branch) step.result = starts_[step.result];
      if (step.what == Do::Branch) step.b = starts_[step.b];
    }
    std::size_t next = 0;
    for (Code::Evaluation& evaluation : code_->evaluations) {
      for (ir::Operand& operand : evaluation.operands) operand.cells = code_->cells.data() + operand_registers_[next++];
    }
  }

  const ir::Program& program_;
  const value::TypeTable& types_;
  const ir::Function& f_;
  std::span<const value::NativeFn> natives_;
  const Secrets& secrets_;
  std::unique_ptr<Code> code_;
  std::vector<std::uint32_t> starts_;            // first step of each block
  std::vector<std::uint32_t> writes_;            // instructions that write a register
  std::vector<Register> operand_registers_;      // of all evaluations, in order
};

}  // namespace

std::unique_ptr<Code> compile_code(const ir::Program& program, const ir::Function& function,
                                   std::span<const value::NativeFn> natives, const Secrets& secrets) {
  return Compiler(program, function, natives, secrets).run();
}

std::vector<std::string> secrets_of(const ir::Program& program) {
  std::set<std::string> names;
  for (const ir::Function& function : program.functions) {
    for (const ir::Constant& constant : function.constants) {
      if (!constant.secret.empty()) names.insert(constant.secret);
    }
  }
  return {names.begin(), names.end()};
}

}  // namespace piperun::expr
