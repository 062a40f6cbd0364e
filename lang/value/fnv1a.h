// FNV-1a, 64 bits: it tells texts apart, it protects nothing.
#pragma once
#include <cstdint>
#include <string_view>

namespace piperun::value {

constexpr std::uint64_t fnv1a(std::string_view bytes) {
  std::uint64_t hash = 0xCBF29CE484222325u;
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  return hash;
}

}  // namespace piperun::value
