#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "lang/ir/control.h"
#include "lang/ir/verify.h"

namespace piperun::ir {
namespace {

using value::Type;
using value::TypeId;
using value::TypeKind;

bool fits_letter(char letter, const Type& type) {
  if (letter == 'v' || letter == '*') return true;
  if (type.nullable) return false;
  switch (type.kind) {
    case TypeKind::Bool: return letter == 'b';
    case TypeKind::Int:
    case TypeKind::Timestamp:
    case TypeKind::Duration:
    case TypeKind::Enum: return letter == 'i';
    case TypeKind::Float: return letter == 'f';
    case TypeKind::Decimal: return letter == 'd';
    case TypeKind::String:
    case TypeKind::Bytes: return letter == 's';
    case TypeKind::List: return letter == 'l';
    case TypeKind::Map: return letter == 'm' || letter == 'l';
    case TypeKind::Record: return letter == 'r';
    case TypeKind::Json: return letter == 'j';
    case TypeKind::Error:
    case TypeKind::Never:
    case TypeKind::Null: return false;
  }
  return false;
}

class FunctionVerifier {
 public:
  FunctionVerifier(const Program& program, const Function& function) : program_(program), types_(program.types), f_(function) {}

  std::vector<std::string> run() {
    check_registers();
    if (f_.blocks.empty()) fault("has no block");
    if (!faults_.empty()) return std::move(faults_);
    assigned_.assign(f_.blocks.size(), {});
    std::vector<bool> entry(f_.registers.size());
    for (int i = 0; i < cell_count(types_, f_.input); ++i) entry[static_cast<std::size_t>(i)] = true;
    assigned_[0] = entry;
    for (BlockId id = 0; id < f_.blocks.size(); ++id) check_block(id);
    return std::move(faults_);
  }

 private:
  template <typename... Args>
  void fault(fmt::format_string<Args...> words, Args&&... args) {
    faults_.push_back(fmt::format("function {}: {}", f_.name, fmt::format(words, std::forward<Args>(args)...)));
  }

  void check_registers() {
    for (const Column& column : f_.input) {
      if (column.type.index >= types_.size()) return fault("column `{}` has no type", column.name);
    }
    const int inputs = cell_count(types_, f_.input);
    if (static_cast<std::size_t>(inputs) > f_.registers.size()) return fault("has fewer registers than input cells");
    std::size_t r = 0;
    for (const Column& column : f_.input) {
      if (f_.registers[r] != column.type) fault("%{} is not of the type of input `{}`", r, column.name);
      r += static_cast<std::size_t>(value::cells(types_[column.type]));
    }
    for (std::size_t i = 0; i < f_.registers.size(); ++i) {
      if (f_.registers[i].index >= types_.size()) return fault("%{} has no type", i);
      if (!types_[f_.registers[i]].nullable) continue;
      if (i + 1 >= f_.registers.size() || types_[f_.registers[i + 1]].nullable) fault("%{} is a null bit without a payload", i);
    }
  }

  const Type& type(Register r) const { return types_[f_.registers[r]]; }
  bool exists(Register r) const { return r < f_.registers.size(); }

  bool check_read(BlockId id, Register r, const std::vector<bool>& assigned, std::string_view by) {
    if (!exists(r)) return fault("block {}: {} reads %{}, which is not there", id, by, r), false;
    for (int i = 0; i < value::cells(type(r)); ++i) {
      if (!assigned[r + static_cast<Register>(i)]) return fault("block {}: {} reads %{} before it is set", id, by, r), false;
    }
    return true;
  }

  void reach(BlockId from, BlockId to, const std::vector<bool>& assigned) {
    if (to >= f_.blocks.size()) return fault("block {} goes to block {}, which is not there", from, to);
    if (to <= from) return fault("block {} goes back to block {}", from, to);
    std::vector<bool>& at = assigned_[to];
    if (at.empty()) {
      at = assigned;
      return;
    }
    for (std::size_t i = 0; i < at.size(); ++i) at[i] = at[i] && assigned[i];
  }

  void check_block(BlockId id) {
    if (assigned_[id].empty() && !f_.registers.empty() && id != 0) return fault("block {} is never reached", id);
    std::vector<bool> assigned = assigned_[id];
    for (const Instruction& instruction : f_.blocks[id].code) check_instruction(id, instruction, assigned);
    check_end(id, f_.blocks[id].end, assigned);
  }

  void check_instruction(BlockId id, const Instruction& instruction, std::vector<bool>& assigned) {
    bool readable = true;
    for (Register operand : instruction.operands) readable = check_read(id, operand, assigned, name(instruction.op)) && readable;
    if (!exists(instruction.result))
      return fault("block {}: {} writes %{}, which is not there", id, name(instruction.op), instruction.result);
    if (instruction.result < static_cast<Register>(cell_count(types_, f_.input))) {
      fault("block {}: {} writes the input %{}", id, name(instruction.op), instruction.result);
    }
    if (readable) {
      check_operands(id, instruction);
      if (const std::string_view words = check_meaning(instruction); !words.empty())
        fault("block {}: {}: {}", id, name(instruction.op), words);
    }
    if (can_fail(instruction.op) && instruction.on_fail != kDie) reach(id, instruction.on_fail, assigned);
    for (int i = 0; i < value::cells(type(instruction.result)); ++i)
      assigned[instruction.result + static_cast<Register>(i)] = true;
  }

  void check_operands(BlockId id, const Instruction& instruction) {
    const OpTraits& op = traits(instruction.op);
    const std::string_view letters = op.operands;
    if (letters != "*" && letters.size() != instruction.operands.size()) {
      return fault("block {}: {} has {} operands", id, op.text, instruction.operands.size());
    }
    for (std::size_t i = 0; letters != "*" && i < letters.size(); ++i) {
      if (!fits_letter(letters[i], type(instruction.operands[i]))) {
        fault("block {}: operand {} of {} is a {}", id, i, op.text, types_.name(f_.registers[instruction.operands[i]]));
      }
    }
    const std::string_view result = op.result;
    const Type& written = type(instruction.result);
    const bool fits = result[0] == 'n' ? written.nullable : fits_letter(result[0], written);
    if (!fits) fault("block {}: the result of {} is a {}", id, op.text, types_.name(f_.registers[instruction.result]));
  }

  static std::string_view unless(bool holds, std::string_view words) { return holds ? "" : words; }

  // What a row of ops.def says in words; "" if it holds.
  std::string_view check_meaning(const Instruction& instruction) const {
    const TypeId result = f_.registers[instruction.result];
    const auto operand = [&](std::size_t i) { return f_.registers[instruction.operands[i]]; };
    const std::size_t count = instruction.operands.size();
    switch (instruction.op) {
      case Op::Const:
        if (instruction.index >= f_.constants.size()) return "no such constant";
        return unless(f_.constants[instruction.index].type == result, "the constant has another type");
      case Op::Copy:
        if (count != 1 || operand(0) == result) return "";
        return unless(types_[result].nullable && result_payload(result) == type(instruction.operands[0]),
                      "between different types");
      case Op::IsNull: return unless(types_[operand(0)].nullable, "of what is never null");
      case Op::AddDec:
      case Op::SubDec:
        if (types_[operand(0)].scale != types_[result].scale) return "an operand has another scale";
        [[fallthrough]];
      case Op::NegDec: return unless(types_[operand(count - 1)].scale == types_[result].scale, "an operand has another scale");
      case Op::MulDec:
        return unless(types_[operand(0)].scale + types_[operand(1)].scale == types_[result].scale,
                      "the scale is not the sum of the scales");
      case Op::EqAny: return unless(operand(0) == operand(1), "of different types");
      case Op::Concat:
        return unless(all_operands(instruction, [&](TypeId each) { return fits_letter('s', types_[each]); }),
                      "of what is no text");
      case Op::MakeRecord: return check_record(instruction);
      case Op::GetField: return check_field(instruction);
      case Op::MakeList:
        return unless(all_operands(instruction, [&](TypeId each) { return each == types_[result].element; }),
                      "an element of another type");
      case Op::ListIndex: return unless(types_[operand(0)].element == result, "the element has another type");
      case Op::ListContains: return unless(types_[operand(0)].element == operand(1), "the element has another type");
      case Op::Call: return check_call(instruction);
      case Op::Fold: return check_fold(instruction);
      case Op::SetNull:
      case Op::Not:
      case Op::And:
      case Op::Or:
      case Op::AddInt:
      case Op::SubInt:
      case Op::MulInt:
      case Op::DivInt:
      case Op::RemInt:
      case Op::NegInt:
      case Op::AddFloat:
      case Op::SubFloat:
      case Op::MulFloat:
      case Op::DivFloat:
      case Op::RemFloat:
      case Op::NegFloat:
      case Op::DivDec:
      case Op::RemDec:
      case Op::RescaleDec:
      case Op::IntToDec:
      case Op::IntToFloat:
      case Op::DecToFloat:
      case Op::DecToInt:
      case Op::EqInt:
      case Op::LtInt:
      case Op::LeInt:
      case Op::EqFloat:
      case Op::LtFloat:
      case Op::LeFloat:
      case Op::EqDec:
      case Op::LtDec:
      case Op::LeDec:
      case Op::EqText:
      case Op::LtText:
      case Op::LeText:
      case Op::ToText:
      case Op::ListLength:
      case Op::MapGet:
      case Op::JsonGet:
      case Op::JsonIndex:
      case Op::JsonTo: return "";
    }
    return "";
  }

  template <typename Holds>
  bool all_operands(const Instruction& instruction, Holds holds) const {
    return std::ranges::all_of(instruction.operands, [&](Register r) { return holds(f_.registers[r]); });
  }

  std::string_view check_record(const Instruction& instruction) const {
    const std::vector<value::Field>& fields = types_[f_.registers[instruction.result]].fields;
    if (fields.size() != instruction.operands.size()) return "number of fields";
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (fields[i].type != f_.registers[instruction.operands[i]]) return "a field of another type";
    }
    return "";
  }

  std::string_view check_field(const Instruction& instruction) const {
    std::uint32_t cell = 0;
    for (const value::Field& field : type(instruction.operands[0]).fields) {
      if (cell == instruction.index) return field.type == f_.registers[instruction.result] ? "" : "the field has another type";
      cell += static_cast<std::uint32_t>(value::cells(types_[field.type]));
    }
    return "no such field";
  }

  Type result_payload(TypeId nullable) const {
    Type payload = types_[nullable];
    payload.nullable = false;
    return payload;
  }

  std::string_view check_call(const Instruction& call) const {
    if (call.index >= program_.natives.size() || call.index >= program_.native_arguments.size()) return "no such native";
    const std::vector<TypeId>& signature = program_.native_arguments[call.index];
    if (signature.size() != call.operands.size() + 1) return "number of arguments";
    for (std::size_t i = 0; i < call.operands.size(); ++i) {
      if (signature[i] != f_.registers[call.operands[i]]) return "an argument of another type";
    }
    return signature.back() == f_.registers[call.result] ? "" : "the result has another type";
  }

  std::string_view check_fold(const Instruction& fold) const {
    if (fold.index >= program_.folds.size()) return "no such fold";
    const FoldSpec& spec = program_.folds[fold.index];
    if (spec.element >= program_.functions.size()) return "no such element function";
    const Schema& input = program_.functions[spec.element].input;
    if (fold.operands.empty() || type(fold.operands[0]).kind != TypeKind::List || type(fold.operands[0]).nullable)
      return "of what is no list";
    const std::size_t own = spec.kind == FoldKind::Join ? 2 : 1;  // the list; Join: and the separator
    if (fold.operands.size() < own || input.size() + own != fold.operands.size() + 1) return "number of captures";
    if (input[0].type != type(fold.operands[0]).element) return "the element has another type";
    for (std::size_t i = own; i < fold.operands.size(); ++i) {
      if (input[i - own + 1].type != f_.registers[fold.operands[i]]) return "a capture of another type";
    }
    return spec.result_type == f_.registers[fold.result] ? "" : "the result has another type";
  }

  void check_end(BlockId id, const Terminator& end, const std::vector<bool>& assigned) {
    switch (end.kind) {
      case Terminator::Kind::Jump: return reach(id, end.jump.to, assigned);
      case Terminator::Kind::Branch:
        if (check_read(id, end.branch.condition, assigned, "branch") && !fits_letter('b', type(end.branch.condition))) {
          fault("block {}: the condition is a {}", id, types_.name(f_.registers[end.branch.condition]));
        }
        reach(id, end.branch.then_to, assigned);
        return reach(id, end.branch.else_to, assigned);
      case Terminator::Kind::Emit: return check_emit(id, end.emit, assigned);
      case Terminator::Kind::Filtered: return;
      case Terminator::Kind::Fail:
        if (end.fail.message != kNone && check_read(id, end.fail.message, assigned, "fail") &&
            !fits_letter('s', type(end.fail.message))) {
          fault("block {}: the message is a {}", id, types_.name(f_.registers[end.fail.message]));
        }
    }
  }

  void check_emit(BlockId id, const Emit& emit, const std::vector<bool>& assigned) {
    if (emit.port >= f_.outputs.size()) return fault("block {} emits to port {}, which is not there", id, emit.port);
    const Schema& schema = f_.outputs[emit.port];
    if (emit.values.size() != schema.size()) {
      return fault("block {} emits {} values to port {} of {} columns", id, emit.values.size(), emit.port, schema.size());
    }
    for (std::size_t i = 0; i < schema.size(); ++i) {
      if (!check_read(id, emit.values[i], assigned, "emit") || f_.registers[emit.values[i]] == schema[i].type) continue;
      fault("block {} emits a {} as `{}`, a {}", id, types_.name(f_.registers[emit.values[i]]), schema[i].name,
            types_.name(schema[i].type));
    }
  }

  const Program& program_;
  const value::TypeTable& types_;
  const Function& f_;
  std::vector<std::vector<bool>> assigned_;  // per block: registers set whatever way led there; empty: not reached yet
  std::vector<std::string> faults_;
};

}  // namespace

std::vector<std::string> verify(const Program& program, const Function& function) {
  return FunctionVerifier(program, function).run();
}

}  // namespace piperun::ir
