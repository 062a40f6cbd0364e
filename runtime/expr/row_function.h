// Runs row functions: the interpreter, whose results are the meaning of the language. Each op calls the function of lang/value.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lang/ir/program.h"
#include "lang/value/native.h"
#include "runtime/base/result.h"

namespace piperun::expr {

// What a run may use besides its row.
struct Context {
  value::Arena& arena;         // results live here, until the batch's commit is known
  std::int64_t now = 0;        // the batch's time: microseconds since 1970-01-01T00:00:00Z
  std::uint64_t seed[2] = {};  // of uuid() and random(): a hash of pipeline, position and element of the origin record
};

struct Outcome {
  enum class Kind : std::uint8_t { Emit, Filtered, Failed } kind = Kind::Filtered;
  std::uint32_t port = 0;                                   // Emit
  base::ErrorCode code = base::ErrorCode::FunctionFailed;   // Failed: a Data error
  ir::Site site{};                                          // Failed: where in the program text
  std::string_view detail{};                                // Failed: words for a person; lives in the arena or for ever
};

struct Code;

// Values of the variables that secret constants name, by name.
using Secrets = std::map<std::string, std::string>;

// The variables that constants of the program name; each is read before compiling (SecretMissing if it is not set).
std::vector<std::string> secrets_of(const ir::Program& program);

// The code of a data error for a failed operation.
base::ErrorCode error_code(value::Fault fault);

// Owns its registers: one per thread. `program` outlives it.
class RowFunction {
 public:
  // `natives`: parallel to program.natives; all that are called are there. `secrets`: all that the constants name.
  static RowFunction compile(const ir::Program& program, ir::FunctionId function, std::span<const value::NativeFn> natives,
                             const Secrets& secrets = {});
  static RowFunction compile(const ir::Program& program, const ir::Function& function, std::span<const value::NativeFn> natives,
                             const Secrets& secrets = {});

  RowFunction(RowFunction&&) noexcept;
  RowFunction& operator=(RowFunction&&) noexcept;
  ~RowFunction();

  // `input`: the cells of the function's input schema. `output`: room for the widest port's cells; written only on Emit, may be `input`.
  Outcome run(const value::Cell* input, const Context& context, value::Cell* output);

  // Cells of the widest output port.
  int output_cells() const;

 private:
  explicit RowFunction(std::unique_ptr<Code> code);
  std::unique_ptr<Code> code_;
};

}  // namespace piperun::expr
