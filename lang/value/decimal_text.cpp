// Decimals from and to text, int64 and float64.
#include <charconv>
#include <cmath>

#include "lang/value/decimal.h"
#include "lang/value/number_text.h"

namespace piperun::value {

namespace {

enum class Excess { Fails, Rounds };

// The digits of a number without the zeros at both ends: 0.d1d2d3… × 10^point.
struct Digits {
  std::string_view whole;
  std::string_view fraction;
  std::size_t first;        // position of the first digit that is not 0, whole and fraction taken as one
  std::size_t end;          // behind the last one; first == end for zero
  std::int64_t point;

  explicit Digits(const NumberParts& parts) : whole(parts.whole), fraction(parts.fraction), first(0) {
    end = whole.size() + fraction.size();
    while (first < end && at(first) == 0) ++first;
    while (end > first && at(end - 1) == 0) --end;
    point = static_cast<std::int64_t>(whole.size()) - static_cast<std::int64_t>(first) + parts.exponent;
  }
  int at(std::size_t i) const { return (i < whole.size() ? whole[i] : fraction[i - whole.size()]) - '0'; }
};

// What is cut off, as one more digit: 0 exactly nothing, 5 exactly one half, else 1 or 9.
int excess_digit(const Digits& digits, std::int64_t kept) {
  if (kept < 0) return 1;
  const std::size_t next = digits.first + static_cast<std::size_t>(kept);
  if (next >= digits.end) return 0;
  if (digits.at(next) == 5 && next + 1 == digits.end) return 5;
  return digits.at(next) >= 5 ? 9 : 1;
}

Fallible<Int128> parse(std::string_view text, DecimalType to, Excess excess, Rounding rounding) {
  const auto parts = split_number(text);
  if (!parts) return std::unexpected(Fault::ParseDecimal);
  const Digits digits(*parts);
  if (digits.first == digits.end) return Int128{0};

  const std::int64_t kept = digits.point + to.scale;  // how many digits, from the first on, stand before the cut
  if (kept > kMaxPrecision) return std::unexpected(Fault::Overflow);
  Int128 value = 0;
  for (std::int64_t i = 0; i < kept; ++i) {
    const std::size_t position = digits.first + static_cast<std::size_t>(i);
    value = value * 10 + (position < digits.end ? digits.at(position) : 0);
  }
  if (parts->negative) value = -value;
  if (!fits(value, to.precision)) return std::unexpected(Fault::Overflow);
  const int cut = excess_digit(digits, kept);
  if (cut == 0) return value;
  if (excess == Excess::Fails) return std::unexpected(Fault::PrecisionExceeded);
  // Rounding sees the last digit's parity, the sign and the cut: `±0.cut` or `±1.cut` stands for the whole number.
  const Int128 sign = parts->negative ? -1 : 1;
  const Int128 parity = value % 2 != 0 ? 1 : 0;
  const Int128 rounded = *rescale(sign * (parity * 10 + cut), 1, {2, 0}, rounding);
  return add(value, rounded - sign * parity, to.precision);
}

}  // namespace

std::optional<DecimalType> literal_type(std::string_view text) {
  const std::size_t point = text.find('.');
  const std::size_t scale = point == std::string_view::npos ? 0 : text.size() - point - 1;
  std::string_view whole = text.substr(0, point);
  while (!whole.empty() && whole.front() == '0') whole.remove_prefix(1);
  const std::size_t precision = whole.size() + scale;
  if (precision > static_cast<std::size_t>(kMaxPrecision)) return std::nullopt;
  return DecimalType{precision == 0 ? 1 : static_cast<int>(precision), static_cast<int>(scale)};
}

Fallible<Int128> parse_decimal(std::string_view text, DecimalType to) {
  return parse(text, to, Excess::Fails, Rounding::HalfEven);
}

Fallible<Int128> parse_decimal_rounded(std::string_view text, DecimalType to, Rounding rounding) {
  return parse(text, to, Excess::Rounds, rounding);
}

Fallible<Int128> decimal_from_int(std::int64_t value, DecimalType to) { return rescale(value, 0, to); }

Fallible<std::int64_t> decimal_to_int(Int128 value, int scale) {
  const Int128 whole = value / power_of_ten(scale);
  const auto result = static_cast<std::int64_t>(whole);
  if (result != whole) return std::unexpected(Fault::Overflow);
  return result;
}

double decimal_to_float(Int128 value, int scale) {
  constexpr double kExactPowers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                     1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  constexpr Int128 kExactInteger = Int128{1} << 53;
  // Both operands are exact, so that the division rounds once.
  if (value <= kExactInteger && value >= -kExactInteger && scale <= 22) return static_cast<double>(value) / kExactPowers[scale];
  std::string text;
  append_decimal(text, value, scale);
  double result = 0;
  std::from_chars(text.data(), text.data() + text.size(), result);
  return result;
}

Fallible<Int128> decimal_from_float(double value, DecimalType to, Rounding rounding) {
  if (std::isnan(value)) return std::unexpected(Fault::NotANumber);
  if (std::isinf(value)) return std::unexpected(Fault::Overflow);
  char buffer[40];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
  return parse_decimal_rounded({buffer, static_cast<std::size_t>(end - buffer)}, to, rounding);
}

void append_decimal(std::string& out, Int128 value, int scale) {
  char buffer[44];
  char* position = buffer + sizeof buffer;
  UInt128 rest = value < 0 ? UInt128{0} - static_cast<UInt128>(value) : static_cast<UInt128>(value);
  int written = 0;
  const auto put_digits = [&](auto left, int at_least) {
    for (; left != 0 || written < at_least; left /= 10, ++written) {
      if (written == scale && scale > 0) *--position = '.';
      *--position = static_cast<char>('0' + static_cast<int>(left % 10));
    }
  };
  constexpr std::uint64_t kChunk = 1'000'000'000'000'000'000;  // division of 128 bits is slow: once per 18 digits
  for (; rest >= kChunk; rest /= kChunk) put_digits(static_cast<std::uint64_t>(rest % kChunk), written + 18);
  put_digits(static_cast<std::uint64_t>(rest), scale + 1);
  if (value < 0) *--position = '-';
  out.append(position, buffer + sizeof buffer);
}

}  // namespace piperun::value
