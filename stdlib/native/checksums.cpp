#include "stdlib/native/checksums.h"

#include <array>
#include <bit>
#include <cstring>

namespace piperun::native {

namespace {

constexpr std::array<std::uint32_t, 256> kCrcTable = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t rest = i;
    for (int bit = 0; bit < 8; ++bit) rest = (rest >> 1) ^ ((rest & 1) != 0 ? 0xEDB88320u : 0u);
    table[i] = rest;
  }
  return table;
}();

constexpr std::uint64_t kPrime1 = 0x9E3779B185EBCA87u;
constexpr std::uint64_t kPrime2 = 0xC2B2AE3D27D4EB4Fu;
constexpr std::uint64_t kPrime3 = 0x165667B19E3779F9u;
constexpr std::uint64_t kPrime4 = 0x85EBCA77C2B2AE63u;
constexpr std::uint64_t kPrime5 = 0x27D4EB2F165667C5u;

template <typename T>
T read(std::string_view& bytes) {
  static_assert(std::endian::native == std::endian::little);
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  bytes.remove_prefix(sizeof value);
  return value;
}

std::uint64_t mix(std::uint64_t accumulator, std::uint64_t lane) { return std::rotl(accumulator + lane * kPrime2, 31) * kPrime1; }

std::uint64_t merge(std::uint64_t accumulator, std::uint64_t lane) { return (accumulator ^ mix(0, lane)) * kPrime1 + kPrime4; }

std::uint64_t xxh64_stripes(std::string_view& bytes) {
  std::uint64_t lanes[4] = {kPrime1 + kPrime2, kPrime2, 0, std::uint64_t{0} - kPrime1};
  while (bytes.size() >= 32) {
    for (std::uint64_t& lane : lanes) lane = mix(lane, read<std::uint64_t>(bytes));
  }
  std::uint64_t hash = std::rotl(lanes[0], 1) + std::rotl(lanes[1], 7) + std::rotl(lanes[2], 12) + std::rotl(lanes[3], 18);
  for (const std::uint64_t lane : lanes) hash = merge(hash, lane);
  return hash;
}

}  // namespace

std::uint32_t crc32(std::string_view bytes) {
  std::uint32_t rest = ~0u;
  for (const char c : bytes) rest = (rest >> 8) ^ kCrcTable[(rest ^ static_cast<unsigned char>(c)) & 0xFF];
  return ~rest;
}

std::uint64_t xxh64(std::string_view bytes) {
  const std::uint64_t size = bytes.size();
  std::uint64_t hash = (size >= 32 ? xxh64_stripes(bytes) : kPrime5) + size;
  while (bytes.size() >= 8) hash = std::rotl(hash ^ mix(0, read<std::uint64_t>(bytes)), 27) * kPrime1 + kPrime4;
  if (bytes.size() >= 4) hash = std::rotl(hash ^ (read<std::uint32_t>(bytes) * kPrime1), 23) * kPrime2 + kPrime3;
  while (!bytes.empty()) hash = std::rotl(hash ^ (read<unsigned char>(bytes) * kPrime5), 11) * kPrime1;
  hash = (hash ^ (hash >> 33)) * kPrime2;
  hash = (hash ^ (hash >> 29)) * kPrime3;
  return hash ^ (hash >> 32);
}

}  // namespace piperun::native
