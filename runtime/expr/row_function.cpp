#include "runtime/expr/row_function.h"

#include "runtime/expr/code.h"

namespace piperun::expr {

RowFunction::RowFunction(std::unique_ptr<Code> code) : code_(std::move(code)) {}
RowFunction::RowFunction(RowFunction&&) noexcept = default;
RowFunction& RowFunction::operator=(RowFunction&&) noexcept = default;
RowFunction::~RowFunction() = default;

RowFunction RowFunction::compile(const ir::Program& program, const ir::Function& function,
                                 std::span<const value::NativeFn> natives, const Secrets& secrets) {
  return RowFunction(compile_code(program, function, natives, secrets));
}

RowFunction RowFunction::compile(const ir::Program& program, ir::FunctionId function, std::span<const value::NativeFn> natives,
                                 const Secrets& secrets) {
  return compile(program, program.functions[function], natives, secrets);
}

Outcome RowFunction::run(const value::Cell* input, const Context& context, value::Cell* output) {
  return code_->run(input, context, output);
}

int RowFunction::output_cells() const { return code_->output_cells; }

}  // namespace piperun::expr
