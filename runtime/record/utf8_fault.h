// The fault of bytes that are not UTF-8.
#pragma once
#include <string_view>

#include "runtime/record/decoder.h"

namespace piperun::record {

// `text` is not UTF-8: names its first wrong byte.
DecodeFault utf8_fault(std::string_view text);

}  // namespace piperun::record
