// What the compiler asks about regular expressions before the first record.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace piperun::native {

// Which argument of this native is a pattern, counted from 0; nullopt: none.
std::optional<std::size_t> pattern_argument(std::string_view native);

// Why this is no regular expression, in RE2's words; nullopt: it is one.
std::optional<std::string> pattern_fault(std::string_view pattern);

}  // namespace piperun::native
