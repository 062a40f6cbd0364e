#include "runtime/record/json_decoder.h"

#include "runtime/record/json_utf8.h"
#include "runtime/record/utf8_fault.h"

namespace piperun::record {

std::optional<DecodeFault> JsonDecoder::decode(std::string_view value, value::Arena& arena, value::Cell* out) {
  if (!is_utf8(value)) [[unlikely]]
    return utf8_fault(value);
  return reader_.read_object(value, plan_, arena, out);
}

}  // namespace piperun::record
