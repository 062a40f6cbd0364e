#include "lang/value/decimal.h"

#include <algorithm>
#include <array>

#include "lang/value/u256.h"

namespace piperun::value {

namespace {

constexpr std::array<Int128, kMaxPrecision + 1> kPowers = [] {
  std::array<Int128, kMaxPrecision + 1> powers{};
  Int128 power = 1;
  for (int i = 0; i <= kMaxPrecision; ++i) {
    powers[static_cast<std::size_t>(i)] = power;
    if (i < kMaxPrecision) power *= 10;
  }
  return powers;
}();

constexpr UInt128 magnitude(Int128 v) { return v < 0 ? UInt128{0} - static_cast<UInt128>(v) : static_cast<UInt128>(v); }

UInt128 unsigned_power(int exponent) { return static_cast<UInt128>(kPowers[static_cast<std::size_t>(exponent)]); }

Fallible<Int128> checked(U256 absolute, bool negative, int precision) {
  if (absolute.high != 0 || absolute.low >= unsigned_power(precision)) return std::unexpected(Fault::Overflow);
  const Int128 value = static_cast<Int128>(absolute.low);
  return negative ? -value : value;
}

// Whether a quotient cut towards zero must become one larger, away from zero. `half` compares what was cut off with one half.
bool rounds_away(Rounding rounding, bool negative, bool odd, bool exact, std::strong_ordering half) {
  if (exact) return false;
  switch (rounding) {
    case Rounding::HalfEven: return half > 0 || (half == 0 && odd);
    case Rounding::HalfUp: return half >= 0;
    case Rounding::HalfDown: return half > 0;
    case Rounding::Up: return true;
    case Rounding::Down: return false;
    case Rounding::Floor: return negative;
    case Rounding::Ceiling: return !negative;
  }
  return false;
}

// round(±dividend / divisor) as a checked decimal.
Fallible<Int128> round_quotient(U256 dividend, U256 divisor, bool negative, int precision, Rounding rounding) {
  U256 quotient;
  U256 rest = dividend;
  if (divisor.high == 0) {
    const QuotientRemainder division = divide_full(dividend, divisor.low);
    quotient = division.quotient;
    rest = {0, division.remainder};
  } else if (divisor <= dividend) {
    // Never happens for decimals: a divisor of more than 128 bits meets a dividend below 10^38.
    return std::unexpected(Fault::Overflow);
  }
  const bool exact = rest == U256{};
  const auto half = add(rest, rest) <=> divisor;  // the divisor is below 2^254
  if (rounds_away(rounding, negative, (quotient.low & 1) != 0, exact, half)) quotient = add(quotient, {0, 1});
  return checked(quotient, negative, precision);
}

}  // namespace

std::optional<Rounding> rounding_named(std::string_view name) {
  constexpr std::string_view kNames[] = {"half_even", "half_up", "half_down", "up", "down", "floor", "ceiling"};
  const auto found = std::ranges::find(kNames, name);
  if (found == std::end(kNames)) return std::nullopt;
  return static_cast<Rounding>(found - std::begin(kNames));
}

Int128 power_of_ten(int exponent) { return kPowers[static_cast<std::size_t>(exponent)]; }

bool fits(Int128 value, int precision) { return magnitude(value) < unsigned_power(precision); }

Fallible<Int128> add(Int128 a, Int128 b, int precision) {
  const Int128 sum = a + b;  // both are below 10^38, so that this is below 2^127
  if (!fits(sum, precision)) return std::unexpected(Fault::Overflow);
  return sum;
}

Fallible<Int128> subtract(Int128 a, Int128 b, int precision) { return add(a, -b, precision); }

Fallible<Int128> multiply(Int128 a, Int128 b, int precision) {
  return checked(multiply_full(magnitude(a), magnitude(b)), (a < 0) != (b < 0), precision);
}

Fallible<Int128> divide(Int128 a, int a_scale, Int128 b, int b_scale, DecimalType to, Rounding rounding) {
  if (b == 0) return std::unexpected(Fault::DivisionByZero);
  const bool negative = (a < 0) != (b < 0);
  const int shift = to.scale + b_scale - a_scale;  // -38 … 76: a × 10^shift / b
  if (shift < 0) {
    const U256 divisor = multiply_full(magnitude(b), unsigned_power(-shift));
    return round_quotient({0, magnitude(a)}, divisor, negative, to.precision, rounding);
  }
  if (shift <= kMaxPrecision) {
    const U256 dividend = multiply_full(magnitude(a), unsigned_power(shift));
    return round_quotient(dividend, {0, magnitude(b)}, negative, to.precision, rounding);
  }
  // Two steps, so that nothing grows beyond 256 bits: first the digits of a × 10^38 / b, then the rest.
  const QuotientRemainder first = divide_full(multiply_full(magnitude(a), unsigned_power(kMaxPrecision)), magnitude(b));
  const UInt128 power = unsigned_power(shift - kMaxPrecision);
  if (first.quotient.high != 0) return std::unexpected(Fault::Overflow);
  const U256 head = multiply_full(first.quotient.low, power);
  if (head.high != 0 || head.low >= unsigned_power(to.precision)) return std::unexpected(Fault::Overflow);
  const U256 dividend = add(multiply_full(head.low, magnitude(b)), multiply_full(first.remainder, power));
  return round_quotient(dividend, {0, magnitude(b)}, negative, to.precision, rounding);
}

Fallible<Int128> remainder(Int128 a, int a_scale, Int128 b, int b_scale, DecimalType to) {
  if (b == 0) return std::unexpected(Fault::DivisionByZero);
  const int scale = std::max(a_scale, b_scale);
  const U256 dividend = multiply_full(magnitude(a), unsigned_power(scale - a_scale));
  const U256 divisor = multiply_full(magnitude(b), unsigned_power(scale - b_scale));
  // Of the two factors one is 1: a divisor of more than 128 bits is larger than the dividend, and the dividend is what is left.
  const UInt128 rest = divisor.high != 0 ? dividend.low : divide_full(dividend, divisor.low).remainder;
  const Int128 result = static_cast<Int128>(rest);
  return rescale(a < 0 ? -result : result, scale, to);
}

Fallible<Int128> rescale(Int128 value, int scale, DecimalType to, Rounding rounding) {
  const bool negative = value < 0;
  if (to.scale >= scale)
    return checked(multiply_full(magnitude(value), unsigned_power(to.scale - scale)), negative, to.precision);
  return round_quotient({0, magnitude(value)}, {0, unsigned_power(scale - to.scale)}, negative, to.precision, rounding);
}

std::strong_ordering compare(Int128 a, int a_scale, Int128 b, int b_scale) {
  if (a_scale == b_scale || (a < 0) != (b < 0))
    return a < b ? std::strong_ordering::less : a > b ? std::strong_ordering::greater : std::strong_ordering::equal;
  const int scale = std::max(a_scale, b_scale);
  const U256 left = multiply_full(magnitude(a), unsigned_power(scale - a_scale));
  const U256 right = multiply_full(magnitude(b), unsigned_power(scale - b_scale));
  return a < 0 ? right <=> left : left <=> right;
}

}  // namespace piperun::value
