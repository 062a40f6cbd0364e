// `--where EXPR`: a condition in the language itself, over the fields of a dead letter.
#pragma once
#include <memory>
#include <string>

#include "runtime/commit/domain.h"
#include "runtime/expr/row_function.h"
#include "runtime/piperun/compile.h"
#include "runtime/record/decoder.h"

namespace piperun::cli {

// Every letter passes if the expression is "". What is wrong with it is printed.
class LetterFilter {
 public:
  static std::expected<LetterFilter, Exit> make(const std::string& expression, World& world);

  // False too for a letter for which the expression fails.
  bool accepts(const commit::Letter& letter);

 private:
  LetterFilter(std::unique_ptr<Compiled> compiled, std::int64_t now);

  std::unique_ptr<Compiled> compiled_;  // null: everything passes
  std::int64_t now_;                    // what `now()` means in the expression
  std::unique_ptr<record::Decoder> decoder_;
  std::map<ir::NodeId, expr::RowFunction> functions_;
};

}  // namespace piperun::cli
