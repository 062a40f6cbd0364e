// Numbers that look random and are the same for the same seed: jitter of waits, made-up records.
#pragma once
#include <cstdint>
#include <string_view>

namespace piperun::base {

// FNV-1a, 64 bits (Fowler, Noll, Vo). Durable: dead letters and ids of records contain it.
constexpr std::uint64_t fnv1a(std::string_view bytes, std::uint64_t hash = 0xcbf29ce484222325u) {
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash;
}

// One well-mixed number for another (SplitMix64, Steele et al. 2014): a stateless source, also good for combining seeds.
constexpr std::uint64_t mix(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

// Not for secrets. One thread.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    const std::uint64_t result = mix(state_);
    state_ += 0x9e3779b97f4a7c15;
    return result;
  }
  // 0 … bound - 1; 0 for a bound of 0 or less.
  std::int64_t below(std::int64_t bound) {
    return bound <= 0 ? 0 : static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(bound));
  }

 private:
  std::uint64_t state_;
};

}  // namespace piperun::base
