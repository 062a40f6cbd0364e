// Row functions: what happens to one record between two stateful operators, as typed instructions in blocks.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "lang/ir/choices.h"
#include "lang/value/cell.h"
#include "lang/value/type.h"

namespace piperun::ir {

enum class Op : std::uint8_t {
#define OP(name, text, operands, result, fails) name,
#include "lang/ir/ops.def"
#undef OP
};

// One cell of the register file. A `T?` takes two that follow each other: null bit, payload; it is named by the first.
using Register = std::uint32_t;
using BlockId = std::uint32_t;
using FunctionId = std::uint32_t;

inline constexpr BlockId kDie = ~BlockId{0};  // an `on_fail` that ends the function: the record failed
inline constexpr std::uint32_t kNone = ~std::uint32_t{0};

// Where in the program text something comes from; dead letters name it. line 0: nowhere.
struct Site {
  std::uint32_t file = 0;  // index into Program::files
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};

struct Instruction {
  Op op;
  Register result = kNone;          // first register of the result
  std::vector<Register> operands;   // first register of each
  std::uint32_t index = 0;          // see ops.def: constant, field cell, native, fold, rounding
  BlockId on_fail = kDie;           // where `catch` goes on, for an op that fails
  Site site;
};

struct Jump {
  BlockId to;
};
struct Branch {
  Register condition;
  BlockId then_to, else_to;
};
// one register per output column (its first)
struct Emit {
  std::uint32_t port = 0;
  std::vector<Register> values;
};
struct Filtered {};  // this row ends here, by `filter`
// `fail("…")`: a data failure with these words
struct Fail {
  Register message = kNone;
  Site site;
};

struct Terminator {
  enum class Kind : std::uint8_t { Jump, Branch, Emit, Filtered, Fail } kind = Kind::Filtered;
  Jump jump{};
  Branch branch{};
  Emit emit;
  Fail fail{};
};

// Branches go forward only: the target's id is greater than the block's own.
struct Block {
  std::vector<Instruction> code;
  Terminator end;
};

// A constant's cells; what they point at lives in Program::memory.
struct Constant {
  value::TypeId type;
  value::Cell cells[2]{};  // as many as the type has
  std::string secret;  // not "": a String that is read from this variable (or the file NAME_FILE names) at start; never printed
};

struct Column {
  std::string name;  // as users write it; hidden columns begin with `#`: #key, #delete, #time, #extra, #meta.offset, #header.type
  value::TypeId type;
  bool is_volatile = false;
};
using Schema = std::vector<Column>;
int cell_count(const value::TypeTable& types, const Schema& schema);
int cell_offset(const value::TypeTable& types, const Schema& schema, int column);

// The registers begin with the cells of the input row, in order. Pure: it reads no clock but the batch's and keeps nothing.
struct Function {
  std::string name;  // flow and stage, for `--emit=ir` and profiles
  Schema input;
  std::vector<Schema> outputs;  // one per port
  // Type per register. The first register of a `T?` has the type `T?` (its cell is the null bit, `b`), the one behind it T: so the
  // type of an operand is that of its first register, and code that knows a value to be there names the payload alone.
  std::vector<value::TypeId> registers;
  std::vector<Constant> constants;
  std::vector<Block> blocks;  // [0] is the entry
};

// `sum(l.qty * l.price for l in lines if l.qty > 0)`. `element` is a function whose input is (element, captures…): port 0 emits the
// value to fold, Filtered drops the element. Its failure is the fold's failure. Join: operand 1 of the instruction is the separator (a
// string), the captures come behind it.
struct FoldSpec {
  FoldKind kind;
  FunctionId element;
  value::TypeId value_type;  // what `element` emits
  value::TypeId result_type;  // Min, Max, First, Last, Avg of an empty list: null
};

// A row of ops.def.
struct OpTraits {
  const char* text;
  const char* operands;
  const char* result;
  bool fails;
};
const OpTraits& traits(Op op);
const char* name(Op op);  // `add.dec`
bool can_fail(Op op);

}  // namespace piperun::ir
