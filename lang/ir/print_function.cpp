#include <fmt/format.h>

#include <iterator>

#include "lang/ir/print.h"
#include "lang/value/compare.h"
#include "lang/value/decimal.h"

namespace piperun::ir {
namespace {

using value::TypeKind;

const char* name(value::Rounding rounding) {
  switch (rounding) {
    case value::Rounding::HalfEven: return "half_even";
    case value::Rounding::HalfUp: return "half_up";
    case value::Rounding::HalfDown: return "half_down";
    case value::Rounding::Up: return "up";
    case value::Rounding::Down: return "down";
    case value::Rounding::Floor: return "floor";
    case value::Rounding::Ceiling: return "ceiling";
  }
  return "";
}

class FunctionPrinter {
 public:
  FunctionPrinter(const Program& program, const Function& function, std::string& out)
      : program_(program), f_(function), out_(out) {}

  void run() {
    line("function {} {}", f_.name, print(program_.types, f_.input));
    for (std::size_t port = 0; port < f_.outputs.size(); ++port)
      line("  port {} {}", port, print(program_.types, f_.outputs[port]));
    for (std::size_t id = 0; id < f_.blocks.size(); ++id) {
      line("  block {}:", id);
      for (const Instruction& instruction : f_.blocks[id].code) print_instruction(instruction);
      print_end(f_.blocks[id].end);
    }
  }

 private:
  template <typename... Args>
  void line(fmt::format_string<Args...> words, Args&&... args) {
    fmt::format_to(std::back_inserter(out_), words, std::forward<Args>(args)...);
    out_ += '\n';
  }

  std::string type(Register r) const { return program_.types.name(f_.registers[r]); }

  static std::string registers(const std::vector<Register>& list) {
    std::string text;
    for (Register r : list) text += fmt::format("{}%{}", text.empty() ? "" : ", ", r);
    return text;
  }

  std::string constant(const Constant& constant) const {
    if (!constant.secret.empty()) return "secret:" + constant.secret;
    const value::Type& of = program_.types[constant.type];
    if (of.nullable && constant.cells[0].b) return "null";
    const value::TypeId payload = constant.type;
    std::string text;
    if (of.kind == TypeKind::String && !of.nullable) value::append_json(text, program_.types, payload, constant.cells);
    else value::append_text(text, program_.types, payload, constant.cells);
    return text;
  }

  // What `index` stands for, as one more operand.
  std::string index(const Instruction& instruction) const {
    if (instruction.op == Op::Const) return constant(f_.constants[instruction.index]);
    if (instruction.op == Op::RescaleDec) return name(static_cast<value::Rounding>(instruction.index));
    if (instruction.op == Op::GetField) return field(instruction);
    if (instruction.op == Op::Call) return program_.natives[instruction.index];
    if (instruction.op != Op::Fold) return "";
    const FoldSpec& fold = program_.folds[instruction.index];
    return fmt::format("{} of {}", ir::name(fold.kind), program_.functions[fold.element].name);
  }

  std::string field(const Instruction& instruction) const {
    std::uint32_t cell = 0;
    for (const value::Field& f : program_.types[f_.registers[instruction.operands[0]]].fields) {
      if (cell == instruction.index) return f.name;
      cell += static_cast<std::uint32_t>(value::cells(program_.types[f.type]));
    }
    return fmt::format("#{}", instruction.index);
  }

  void print_instruction(const Instruction& instruction) {
    std::string operands = registers(instruction.operands);
    if (const std::string more = index(instruction); !more.empty()) operands += (operands.empty() ? "" : ", ") + more;
    std::string tail;
    if (can_fail(instruction.op))
      tail = instruction.on_fail == kDie ? " else die" : fmt::format(" else block {}", instruction.on_fail);
    line("    %{} = {}{}{} : {}{}", instruction.result, ir::name(instruction.op), operands.empty() ? "" : " ", operands,
         type(instruction.result), tail + place(can_fail(instruction.op) ? instruction.site : Site{}));
  }

  std::string place(const Site& site) const {
    if (site.line == 0) return "";
    return fmt::format("  ; {}:{}:{}", site.file < program_.files.size() ? program_.files[site.file] : "?", site.line,
                       site.column);
  }

  void print_end(const Terminator& end) {
    switch (end.kind) {
      case Terminator::Kind::Jump: return line("    jump block {}", end.jump.to);
      case Terminator::Kind::Branch:
        return line("    branch %{} block {} else block {}", end.branch.condition, end.branch.then_to, end.branch.else_to);
      case Terminator::Kind::Emit:
        return line("    emit {}{}{}", end.emit.port, end.emit.values.empty() ? "" : ": ", registers(end.emit.values));
      case Terminator::Kind::Filtered: return line("    filtered");
      case Terminator::Kind::Fail:
        return line("    fail{}{}", end.fail.message == kNone ? "" : fmt::format(" %{}", end.fail.message), place(end.fail.site));
    }
  }

  const Program& program_;
  const Function& f_;
  std::string& out_;
};

}  // namespace

std::string print(const value::TypeTable& types, const Schema& schema) {
  std::string text = "(";
  for (const Column& column : schema) {
    text += fmt::format("{}{}: {}{}", text.size() == 1 ? "" : ", ", column.name, types.name(column.type),
                        column.is_volatile ? " volatile" : "");
  }
  return text + ")";
}

std::string print(const Program& program, const Function& function) {
  std::string out;
  FunctionPrinter(program, function, out).run();
  return out;
}

const char* name(FoldKind kind) { return word_of(kind).data(); }

}  // namespace piperun::ir
