// The times of a dedup key as every domain stores them: 64 bits each, the lowest byte first.
#pragma once
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace piperun::commit {

static_assert(std::endian::native == std::endian::little);

// A view into `times`.
inline std::string_view bytes_of(const std::vector<std::int64_t>& times) {
  return {reinterpret_cast<const char*>(times.data()), times.size() * sizeof(std::int64_t)};
}

inline std::vector<std::int64_t> times_of(std::string_view bytes) {
  std::vector<std::int64_t> result(bytes.size() / sizeof(std::int64_t));
  if (!result.empty()) std::memcpy(result.data(), bytes.data(), result.size() * sizeof(std::int64_t));
  return result;
}

}  // namespace piperun::commit
