// One value from several branches: each leaves its own in the same registers, and they go on together.
#pragma once
#include "lang/ir/builder.h"

namespace piperun::plan {

class Merge {
 public:
  Merge(ir::FunctionBuilder& builder, value::TypeId type)
      : builder_(builder), result_(builder.fresh(type)), behind_(builder.new_block()) {}

  value::TypeId type() const { return result_.type; }

  // Ends the current branch with a value of the type.
  void take(ir::Value value) {
    builder_.copy(value, result_);
    builder_.jump(behind_);
  }
  void take_null() {
    builder_.set_null(result_);
    builder_.jump(behind_);
  }

  // Goes on behind all branches.
  ir::Value value() {
    builder_.go_to(behind_);
    return result_;
  }

 private:
  ir::FunctionBuilder& builder_;
  ir::Value result_;
  ir::BlockId behind_;
};

}  // namespace piperun::plan
