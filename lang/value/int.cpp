#include "lang/value/int.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "lang/value/number_text.h"

namespace piperun::value {

namespace {

constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();

std::unexpected<Fault> overflow() { return std::unexpected(Fault::Overflow); }

Fallible<double> finite(double result) {
  if (std::isinf(result)) return overflow();
  if (std::isnan(result)) return std::unexpected(Fault::NotANumber);
  return result;
}

}  // namespace

Fallible<std::int64_t> add(std::int64_t a, std::int64_t b) {
  std::int64_t result;
  if (__builtin_add_overflow(a, b, &result)) return overflow();
  return result;
}

Fallible<std::int64_t> subtract(std::int64_t a, std::int64_t b) {
  std::int64_t result;
  if (__builtin_sub_overflow(a, b, &result)) return overflow();
  return result;
}

Fallible<std::int64_t> multiply(std::int64_t a, std::int64_t b) {
  std::int64_t result;
  if (__builtin_mul_overflow(a, b, &result)) return overflow();
  return result;
}

Fallible<std::int64_t> divide(std::int64_t a, std::int64_t b) {
  if (b == 0) return std::unexpected(Fault::DivisionByZero);
  if (a == kMin && b == -1) return overflow();
  return a / b;
}

Fallible<std::int64_t> remainder(std::int64_t a, std::int64_t b) {
  if (b == 0) return std::unexpected(Fault::DivisionByZero);
  return b == -1 ? 0 : a % b;  // the hardware traps on the smallest integer % -1
}

Fallible<std::int64_t> negate(std::int64_t a) { return subtract(std::int64_t{0}, a); }

Fallible<double> add(double a, double b) { return finite(a + b); }
Fallible<double> subtract(double a, double b) { return finite(a - b); }
Fallible<double> multiply(double a, double b) { return finite(a * b); }

Fallible<double> divide(double a, double b) {
  if (b == 0) return std::unexpected(Fault::DivisionByZero);
  return finite(a / b);
}

Fallible<double> remainder(double a, double b) {
  if (b == 0) return std::unexpected(Fault::DivisionByZero);
  return std::fmod(a, b);
}

Fallible<std::int64_t> truncate_to_int(double value) {
  if (std::isnan(value)) return std::unexpected(Fault::NotANumber);
  constexpr double kLimit = 9223372036854775808.0;  // 2^63
  if (value < -kLimit || value >= kLimit) return overflow();
  return static_cast<std::int64_t>(value);
}

Fallible<std::int64_t> parse_int(std::string_view text) {
  std::int64_t result = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), result);
  if (end != text.data() + text.size() || text.empty()) return std::unexpected(Fault::ParseInt);
  if (error == std::errc::result_out_of_range) return overflow();
  if (error != std::errc()) return std::unexpected(Fault::ParseInt);
  return result;
}

Fallible<double> parse_float(std::string_view text) {
  if (!split_number(text)) return std::unexpected(Fault::ParseFloat);
  double result = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), result);
  if (error != std::errc::result_out_of_range) return result;
  // Both a huge and a tiny number are "out of range"; the tiny one is a zero.
  return number_is_tiny(text) ? Fallible<double>(text.front() == '-' ? -0.0 : 0.0) : std::unexpected(Fault::Overflow);
}

Fallible<bool> parse_bool(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return std::unexpected(Fault::ParseBool);
}

void append_int(std::string& out, std::int64_t value) {
  char buffer[24];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, value);
  out.append(buffer, end);
}

void append_float(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value < 0 ? "-Infinity" : "Infinity";
  } else {
    char buffer[40];
    const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, value);
    const std::string_view digits(buffer, static_cast<std::size_t>(end - buffer));
    out += digits;
    if (digits.find_first_of(".e") == std::string_view::npos) out += ".0";
  }
}

}  // namespace piperun::value
