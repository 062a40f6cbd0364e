// Unsigned 256-bit integers: as much as exact products and quotients of two 128-bit decimals need.
#pragma once
#include <compare>
#include <cstdint>

#include "lang/value/cell.h"

namespace piperun::value {

struct U256 {
  UInt128 high = 0;
  UInt128 low = 0;

  friend std::strong_ordering operator<=>(const U256& a, const U256& b) {
    if (a.high != b.high) return a.high < b.high ? std::strong_ordering::less : std::strong_ordering::greater;
    if (a.low != b.low) return a.low < b.low ? std::strong_ordering::less : std::strong_ordering::greater;
    return std::strong_ordering::equal;
  }
  friend bool operator==(const U256& a, const U256& b) { return a.high == b.high && a.low == b.low; }
};

struct QuotientRemainder {
  U256 quotient;
  UInt128 remainder;
};

inline U256 add(U256 a, U256 b) {
  const UInt128 low = a.low + b.low;
  return {a.high + b.high + (low < a.low ? 1 : 0), low};
}

U256 multiply_full(UInt128 a, UInt128 b);

// By schoolbook division in base 2^64 (Knuth, TAOCP 2, algorithm D). The divisor is not zero.
QuotientRemainder divide_full(U256 dividend, UInt128 divisor);

}  // namespace piperun::value
