// Numbers as people write them.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace piperun::cli {

std::string with_commas(std::int64_t number);  // 12,345

// `1 row`, `2,000 rows`. `noun`: in the singular; its plural has an s.
std::string counted(std::int64_t number, std::string_view noun);

}  // namespace piperun::cli
