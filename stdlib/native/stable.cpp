// The built-in functions that read the call's surroundings: the batch's time, and the seed that is the same on a replay.
#include <cstring>

#include "stdlib/native/give.h"
#include "stdlib/native/table.h"
#include "stdlib/native/uuid.h"

namespace piperun::native {

namespace {

// A bijection that spreads every bit over all others (the finisher of SplitMix64).
std::uint64_t spread(std::uint64_t v) {
  v = (v ^ (v >> 30)) * 0xBF58476D1CE4E5B9u;
  v = (v ^ (v >> 27)) * 0x94D049BB133111EBu;
  return v ^ (v >> 31);
}

bool uuid(NativeCall& call) {
  // Bijections of the seed, so that different seeds give different bytes before the six fixed bits.
  const std::uint64_t halves[2] = {spread(call.seed[0]), spread(call.seed[1] ^ call.seed[0])};
  std::string bytes(16, '\0');
  std::memcpy(bytes.data(), halves, 16);
  set_uuid_version(bytes, 4);
  return give_copy(call, uuid_text(bytes));
}

// 53 bits: every multiple of 2^-53 from 0 to below 1 is as likely.
bool fraction(NativeCall& call) {
  const std::uint64_t bits = spread(spread(call.seed[0]) ^ call.seed[1]) >> 11;
  return give(call, static_cast<double>(bits) * 0x1p-53);
}

constexpr Native kFunctions[] = {
    {"time.now", [](NativeCall& c) { return give(c, c.now); }},
    {"random.uuid", uuid},
    {"random.float", fraction},
};

}  // namespace

std::span<const Native> stable_functions() { return kFunctions; }

}  // namespace piperun::native
