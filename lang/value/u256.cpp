#include "lang/value/u256.h"

#include <bit>

namespace piperun::value {

namespace {

using U64 = std::uint64_t;

constexpr U64 low64(UInt128 v) { return static_cast<U64>(v); }
constexpr U64 high64(UInt128 v) { return static_cast<U64>(v >> 64); }
constexpr UInt128 join64(U64 high, U64 low) { return (static_cast<UInt128>(high) << 64) | low; }

QuotientRemainder divide_by_one_digit(U256 dividend, U64 divisor) {
  const U64 digits[4] = {high64(dividend.high), low64(dividend.high), high64(dividend.low), low64(dividend.low)};
  U64 quotient[4];
  U64 rest = 0;
  for (int i = 0; i < 4; ++i) {
    const UInt128 part = join64(rest, digits[i]);
    quotient[i] = low64(part / divisor);
    rest = low64(part % divisor);
  }
  return {{join64(quotient[0], quotient[1]), join64(quotient[2], quotient[3])}, rest};
}

// One step of algorithm D: three digits (top:next) / divisor, where top < divisor and the divisor's highest bit is set.
// Leaves the remainder in `top` and returns the digit of the quotient.
U64 divide_step(UInt128& top, U64 next, UInt128 divisor) {
  const U64 d1 = high64(divisor), d0 = low64(divisor);
  UInt128 estimate = high64(top) >= d1 ? ~U64{0} : top / d1;
  UInt128 rest = top - estimate * d1;
  while (high64(rest) == 0 && estimate * d0 > join64(low64(rest), next)) {
    --estimate;
    rest += d1;
  }
  top = join64(low64(top), next) - estimate * divisor;  // exact modulo 2^128: the remainder is below the divisor
  return low64(estimate);
}

}  // namespace

U256 multiply_full(UInt128 a, UInt128 b) {
  const U64 a1 = high64(a), a0 = low64(a), b1 = high64(b), b0 = low64(b);
  const UInt128 low = static_cast<UInt128>(a0) * b0;
  const UInt128 cross = static_cast<UInt128>(a1) * b0 + high64(low);
  const UInt128 middle = static_cast<UInt128>(a0) * b1 + low64(cross);
  const UInt128 high = static_cast<UInt128>(a1) * b1 + high64(cross) + high64(middle);
  return {high, join64(low64(middle), low64(low))};
}

QuotientRemainder divide_full(U256 dividend, UInt128 divisor) {
  if (dividend.high == 0) return {{0, dividend.low / divisor}, dividend.low % divisor};
  if (high64(divisor) == 0) return divide_by_one_digit(dividend, low64(divisor));

  const int shift = std::countl_zero(high64(divisor));
  const UInt128 d = divisor << shift;
  const UInt128 spill = shift == 0 ? 0 : dividend.high >> (128 - shift);
  const UInt128 high = shift == 0 ? dividend.high : (dividend.high << shift) | (dividend.low >> (128 - shift));
  const UInt128 low = dividend.low << shift;
  const U64 digits[4] = {high64(high), low64(high), high64(low), low64(low)};

  UInt128 top = spill;
  U64 quotient[4];
  for (int i = 0; i < 4; ++i) quotient[i] = divide_step(top, digits[i], d);
  return {{join64(quotient[0], quotient[1]), join64(quotient[2], quotient[3])}, top >> shift};
}

}  // namespace piperun::value
