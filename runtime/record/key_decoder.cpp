#include "runtime/record/key_decoder.h"

#include <fmt/format.h>

#include "runtime/record/json_utf8.h"
#include "runtime/record/scalar_text.h"
#include "runtime/record/utf8_fault.h"

namespace piperun::record {

KeyDecoder::KeyDecoder(const ir::Program& program, const ir::Source& source, const ir::Schema& row)
    : field_(std::move(plan_row(program, source.type, row).fields[static_cast<std::size_t>(source.key[0])])) {}

std::optional<DecodeFault> KeyDecoder::decode(std::optional<std::string_view> key, value::Arena& arena, value::Cell* out) const {
  std::optional<DecodeFault> fault;
  value::Cell unread[2];
  if (!key)
    fault =
        field_fault(field_, base::ErrorCode::MissingField, "a record without a value has nothing but its key, and this has none");
  else if (!is_utf8(*key)) fault = utf8_fault(*key);
  else fault = scalar_from_text(field_, *key, arena, field_.cell != kUnread ? out + field_.cell : unread);
  if (fault) fault->detail = fmt::format("message key: {}", fault->detail);
  return fault;
}

}  // namespace piperun::record
