// `from a, b as T`: one record from several inputs, checked field by field.
#pragma once
#include <optional>
#include <vector>

#include "lang/sema/flowing.h"

namespace piperun::sema {

struct Input {  // what one name of a `from` stands for
  Stream stream;
  RowSchema row;
  bool is_known = false;
};

class Unions {
 public:
  Unions(Context& context, TypeReader& types) : context_(context), types_(types) {}

  // `inputs`: one per name, all known. What they have in common flows on; if they do not fit, it is reported and nothing is known.
  StageDetail unite(const ast::FromStage& from, const std::vector<Input>& inputs, Flowing& flowing);

 private:
  std::optional<std::vector<int>> fit(const ast::FromStage& from, const ast::Name& name, const Input& input, RowSchema& row);
  bool has_surplus(const ast::FromStage& from, const ast::Name& name, const Input& input, const RowSchema& row);

  Context& context_;
  TypeReader& types_;
};

}  // namespace piperun::sema
