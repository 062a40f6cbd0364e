#include "lang/value/u256.h"

#include <gtest/gtest.h>

#include <random>

namespace piperun::value {
namespace {

// Bit by bit, as on paper.
QuotientRemainder slow_divide(U256 dividend, UInt128 divisor) {
  U256 quotient;
  U256 rest;  // one bit wider than the divisor
  for (int i = 255; i >= 0; --i) {
    const bool bit = ((i >= 128 ? dividend.high >> (i - 128) : dividend.low >> i) & 1) != 0;
    rest = add(add(rest, rest), {0, bit ? UInt128{1} : UInt128{0}});
    if (rest >= U256{0, divisor}) {
      rest.high -= rest.low < divisor ? 1 : 0;
      rest.low -= divisor;
      (i >= 128 ? quotient.high : quotient.low) |= UInt128{1} << (i % 128);
    }
  }
  return {quotient, rest.low};
}

U256 slow_multiply(UInt128 a, UInt128 b) {
  U256 product;
  for (int i = 127; i >= 0; --i) {
    product = add(product, product);
    if (((b >> i) & 1) != 0) product = add(product, {0, a});
  }
  return product;
}

// Runs of ones and zeros find the carries that evenly spread bits never do.
UInt128 any(std::mt19937_64& random) {
  UInt128 value = (static_cast<UInt128>(random()) << 64) | random();
  switch (random() % 6) {
    case 0: return value >> (random() % 128);
    case 1: return ~UInt128{0} << (random() % 128);
    case 2: return ~UInt128{0} >> (random() % 128);
    case 3: return UInt128{1} << (random() % 128);
    case 4: return (~UInt128{0} << (random() % 128)) - random() % 3;
    default: return value;
  }
}

TEST(U256, DivisionAgreesWithBitByBit) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 30'000; ++i) {
    const U256 dividend{any(random), any(random)};
    const UInt128 divisor = any(random);
    if (divisor == 0) continue;
    const auto fast = divide_full(dividend, divisor);
    const auto slow = slow_divide(dividend, divisor);
    ASSERT_TRUE(fast.quotient == slow.quotient && fast.remainder == slow.remainder) << i;
  }
}

TEST(U256, MultiplicationAgreesWithBitByBit) {
  std::mt19937_64 random(2);
  for (int i = 0; i < 30'000; ++i) {
    const UInt128 a = any(random), b = any(random);
    ASSERT_TRUE(multiply_full(a, b) == slow_multiply(a, b)) << i;
  }
}

}  // namespace
}  // namespace piperun::value
