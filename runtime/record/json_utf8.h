// Whether bytes are UTF-8: simdjson's door.
#pragma once
#include <string_view>

namespace piperun::record {

bool is_utf8(std::string_view text);

}  // namespace piperun::record
