#include "stdlib/native/table.h"

#include <algorithm>
#include <array>

namespace piperun::native {

std::span<const std::span<const value::Native>> tables() {
  static const std::array kTables = {text_functions(), regex_functions(),  math_functions(),   time_functions(),
                                     zone_functions(), json_functions(),   hash_functions(),   bytes_functions(),
                                     url_functions(),  stable_functions(), convert_functions()};
  return kTables;
}

const value::Native* find(std::string_view name) {
  for (const auto table : tables()) {
    const auto found = std::ranges::find(table, name, &value::Native::name);
    if (found != table.end()) return &*found;
  }
  return nullptr;
}

}  // namespace piperun::native
