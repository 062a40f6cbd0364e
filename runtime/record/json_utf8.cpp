#include "runtime/record/json_utf8.h"

#include <simdjson.h>

namespace piperun::record {

bool is_utf8(std::string_view text) { return simdjson::validate_utf8(text.data(), text.size()); }

}  // namespace piperun::record
