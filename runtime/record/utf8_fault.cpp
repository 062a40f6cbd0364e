#include "runtime/record/utf8_fault.h"

#include <fmt/format.h>

#include "lang/value/text.h"

namespace piperun::record {

DecodeFault utf8_fault(std::string_view text) {
  return {base::ErrorCode::InvalidUtf8, fmt::format("invalid UTF-8 at byte {}", value::first_invalid_utf8(text) + 1)};
}

}  // namespace piperun::record
