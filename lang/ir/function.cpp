#include "lang/ir/function.h"

#include <array>

namespace piperun::ir {
namespace {

constexpr std::array kTraits{
#define OP(name, text, operands, result, fails) OpTraits{text, operands, result, (fails) != 0},
#include "lang/ir/ops.def"
#undef OP
};

}  // namespace

const OpTraits& traits(Op op) { return kTraits[static_cast<std::size_t>(op)]; }
const char* name(Op op) { return traits(op).text; }
bool can_fail(Op op) { return traits(op).fails; }

int cell_offset(const value::TypeTable& types, const Schema& schema, int column) {
  int offset = 0;
  for (int i = 0; i < column; ++i) offset += value::cells(types[schema[static_cast<std::size_t>(i)].type]);
  return offset;
}

int cell_count(const value::TypeTable& types, const Schema& schema) {
  return cell_offset(types, schema, static_cast<int>(schema.size()));
}

}  // namespace piperun::ir
