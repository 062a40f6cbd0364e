// UTF-8 as Unicode 15, table 3-7, has it.
#pragma once
#include <cstddef>
#include <string_view>

namespace piperun::source {

// Bytes of the well-formed sequence that `text` (not empty) starts with; 0 if there is none.
std::size_t utf8_sequence(std::string_view text);

}  // namespace piperun::source
