// The key of a tombstone, the only thing that such a record has: a message key as text, which is how topic sinks write it.
#pragma once
#include <optional>
#include <string_view>

#include "runtime/record/decoder.h"
#include "runtime/record/record_plan.h"

namespace piperun::record {

class KeyDecoder {
 public:
  // `source` has one field as its key. `row`: as for make_decoder.
  KeyDecoder(const ir::Program& program, const ir::Source& source, const ir::Schema& row);

  // Writes the field's cell into `out`, and nothing where the row lacks it; the key is checked all the same. Strings are views into `key`
  // or into `arena`.
  std::optional<DecodeFault> decode(std::optional<std::string_view> key, value::Arena& arena, value::Cell* out) const;

 private:
  FieldPlan field_;
};

}  // namespace piperun::record
