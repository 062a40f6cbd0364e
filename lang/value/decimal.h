// Exact decimals: a 128-bit unscaled integer whose scale is known from the type (1.50 of decimal(3, 2) is 150).
// Intermediate results have 256 bits, so that nothing overflows but the final result. Every |result| < 10^precision, or it fails.
#pragma once
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lang/value/cell.h"
#include "lang/value/failure.h"

namespace piperun::value {

inline constexpr int kMaxPrecision = 38;

// decimal(precision, scale): 1 <= precision <= 38, 0 <= scale <= precision.
struct DecimalType {
  int precision;
  int scale;
  friend bool operator==(const DecimalType&, const DecimalType&) = default;
};

inline constexpr DecimalType kInt64AsDecimal{19, 0};

enum class Rounding : std::uint8_t {
  HalfEven,  // the default: ties to the even neighbour
  HalfUp,  // ties away from zero
  HalfDown,  // ties towards zero
  Up,  // away from zero
  Down,  // towards zero: truncation
  Floor,  // towards minus infinity
  Ceiling,  // towards plus infinity
};

// `half_even`, `half_up`, …: how users write a mode.
std::optional<Rounding> rounding_named(std::string_view name);

// ---- Types of results, as if exact. nullopt: needs more than 38 digits (sema caps with `capped`, or refuses).

constexpr DecimalType exact_sum_type(DecimalType a, DecimalType b) {
  const int whole = a.precision - a.scale > b.precision - b.scale ? a.precision - a.scale : b.precision - b.scale;
  const int scale = a.scale > b.scale ? a.scale : b.scale;
  return {whole + scale + 1, scale};
}
constexpr DecimalType exact_product_type(DecimalType a, DecimalType b) { return {a.precision + b.precision, a.scale + b.scale}; }

// Of a % b: below |b|, and not above |a|.
constexpr DecimalType exact_remainder_type(DecimalType a, DecimalType b) {
  const int whole = a.precision - a.scale < b.precision - b.scale ? a.precision - a.scale : b.precision - b.scale;
  const int scale = a.scale > b.scale ? a.scale : b.scale;
  return {whole + scale > 0 ? whole + scale : 1, scale};
}

constexpr std::optional<DecimalType> within_limit(DecimalType type) {
  return type.precision <= kMaxPrecision ? std::optional(type) : std::nullopt;
}
constexpr std::optional<DecimalType> sum_type(DecimalType a, DecimalType b) { return within_limit(exact_sum_type(a, b)); }
constexpr std::optional<DecimalType> product_type(DecimalType a, DecimalType b) { return within_limit(exact_product_type(a, b)); }

constexpr std::optional<DecimalType> remainder_type(DecimalType a, DecimalType b) {
  return within_limit(exact_remainder_type(a, b));
}

// Precision cut to 38; nullopt if the scale alone is too large. A value that does not fit is then an Overflow at run time.
constexpr std::optional<DecimalType> capped(DecimalType type) {
  if (type.scale > kMaxPrecision) return std::nullopt;
  return DecimalType{type.precision < kMaxPrecision ? type.precision : kMaxPrecision, type.scale};
}

// The narrowest type of both branches of an `if`, of a list's elements, …
constexpr std::optional<DecimalType> common_type(DecimalType a, DecimalType b) {
  const DecimalType sum = exact_sum_type(a, b);
  return within_limit({sum.precision - 1, sum.scale});
}

// The type of a literal `123.450`: (6, 3). nullopt: too many digits. `text` is digits, a point, digits.
std::optional<DecimalType> literal_type(std::string_view text);

// ---- Arithmetic on unscaled integers

Int128 power_of_ten(int exponent);  // 0 … 38
bool fits(Int128 value, int precision);  // |value| < 10^precision

// Operands and result of one scale.
Fallible<Int128> add(Int128 a, Int128 b, int precision);
Fallible<Int128> subtract(Int128 a, Int128 b, int precision);

// The scale of the result is the sum of the operands' scales.
Fallible<Int128> multiply(Int128 a, Int128 b, int precision);

// Any scales, into `to`. DivisionByZero, Overflow.
Fallible<Int128> divide(Int128 a, int a_scale, Int128 b, int b_scale, DecimalType to, Rounding rounding = Rounding::HalfEven);

// a - b * trunc(a / b): sign of the dividend; exact at the larger scale, then rescaled into `to`.
Fallible<Int128> remainder(Int128 a, int a_scale, Int128 b, int b_scale, DecimalType to);

Fallible<Int128> rescale(Int128 value, int scale, DecimalType to, Rounding rounding = Rounding::HalfEven);

// By value, at any two scales.
std::strong_ordering compare(Int128 a, int a_scale, Int128 b, int b_scale);

// ---- Conversion

Fallible<Int128> decimal_from_int(std::int64_t value, DecimalType to);
Fallible<std::int64_t> decimal_to_int(Int128 value, int scale);  // truncates
double decimal_to_float(Int128 value, int scale);  // correctly rounded

// The shortest decimal that reads back as the float (0.1 is 0.1), rounded into `to`. NotANumber, Overflow.
Fallible<Int128> decimal_from_float(double value, DecimalType to, Rounding rounding = Rounding::HalfEven);

// JSON's syntax of a number, exponents included, of any length. ParseDecimal; Overflow if too large;
// PrecisionExceeded if digits other than 0 stand behind the scale.
Fallible<Int128> parse_decimal(std::string_view text, DecimalType to);
Fallible<Int128> parse_decimal_rounded(std::string_view text, DecimalType to, Rounding rounding);

// Always `scale` digits behind the point: `-0.50`.
void append_decimal(std::string& out, Int128 value, int scale);

}  // namespace piperun::value
