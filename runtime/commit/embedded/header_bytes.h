// Message headers as one column: per header the name's length, the value's length or -1 for none (4 bytes each, little-endian),
// then both texts. In order, repeated names kept.
#pragma once
#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace piperun::embedded {

static_assert(std::endian::native == std::endian::little);

inline void append_header(std::string& out, std::string_view name, const std::optional<std::string_view>& value) {
  const std::int32_t sizes[2] = {static_cast<std::int32_t>(name.size()), value ? static_cast<std::int32_t>(value->size()) : -1};
  out.append(reinterpret_cast<const char*>(sizes), sizeof sizes);
  out.append(name);
  if (value) out.append(*value);
}

// Calls `visit(name, value)` for each, with views into `bytes`. A cut text ends the list.
template <typename Visit>
void each_header(std::string_view bytes, Visit visit) {
  std::int32_t sizes[2];
  while (bytes.size() >= sizeof sizes) {
    std::memcpy(sizes, bytes.data(), sizeof sizes);
    bytes.remove_prefix(sizeof sizes);
    const auto name_size = static_cast<std::size_t>(sizes[0]);
    const std::size_t value_size = sizes[1] < 0 ? 0 : static_cast<std::size_t>(sizes[1]);
    if (sizes[0] < 0 || bytes.size() < name_size + value_size) return;
    visit(bytes.substr(0, name_size), sizes[1] < 0 ? std::nullopt : std::optional(bytes.substr(name_size, value_size)));
    bytes.remove_prefix(name_size + value_size);
  }
}

}  // namespace piperun::embedded
