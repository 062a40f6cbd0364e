// Writes one row function, block by block, in any order; `finish` puts the blocks in forward order and drops what is never reached.
#pragma once
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "lang/ir/function.h"

namespace piperun::ir {

// A typed value in the register file.
struct Value {
  Register reg = kNone;
  value::TypeId type;
};

// Refers to `types`; one use. After a terminator the current block is a new one that nothing reaches.
class FunctionBuilder {
 public:
  FunctionBuilder(value::TypeTable& types, std::string name);

  // Columns of the input row; also after instructions were added (captures of a fold).
  Value add_input(const Column& column);

  Value fresh(value::TypeId type);  // registers without a value yet
  Value payload(Value nullable) const;
  Value constant(const Constant& constant);

  // Appends `op`; it fails to `on_fail()`.
  Value add(Op op, value::TypeId type, std::vector<Value> operands, std::uint32_t index = 0);
  void copy(Value from, Value to);
  void set_null(Value to);

  BlockId new_block();
  BlockId current() const { return current_; }
  void go_to(BlockId block) { current_ = block; }
  Block& block(BlockId id) { return function_.blocks[id]; }
  void jump(BlockId to);
  void branch(Value condition, BlockId then_to, BlockId else_to);
  void emit(std::uint32_t port, const std::vector<Value>& values);
  void filtered();
  void fail(Value message);

  BlockId on_fail() const { return on_fail_; }
  void set_on_fail(BlockId block) { on_fail_ = block; }
  Site site() const { return site_; }
  void set_site(Site site) { site_ = site; }

  void add_output(Schema schema) { function_.outputs.push_back(std::move(schema)); }
  value::TypeTable& types() { return types_; }

  // Registers are renumbered: the input comes first.
  Function finish();

 private:
  void end(Terminator end);

  value::TypeTable& types_;
  Function function_;
  std::vector<Register> inputs_;  // first register of each input column
  BlockId current_ = 0;
  BlockId on_fail_ = kDie;
  Site site_;
};

}  // namespace piperun::ir
