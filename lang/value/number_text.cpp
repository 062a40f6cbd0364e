#include "lang/value/number_text.h"

namespace piperun::value {

namespace {

constexpr std::int64_t kExponentLimit = 1'000'000'000'000;

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view take_digits(std::string_view& text) {
  std::size_t count = 0;
  while (count < text.size() && is_digit(text[count])) ++count;
  const std::string_view digits = text.substr(0, count);
  text.remove_prefix(count);
  return digits;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<std::int64_t> take_exponent(std::string_view& text) {
  const bool negative = take(text, '-');
  if (!negative) take(text, '+');
  const std::string_view digits = take_digits(text);
  if (digits.empty()) return std::nullopt;
  std::int64_t value = 0;
  for (const char c : digits) {
    value = value * 10 + (c - '0');
    if (value > kExponentLimit) value = kExponentLimit;
  }
  return negative ? -value : value;
}

}  // namespace

std::optional<NumberParts> split_number(std::string_view text) {
  NumberParts parts{take(text, '-'), {}, {}, 0};
  parts.whole = take_digits(text);
  if (parts.whole.empty() || (parts.whole.size() > 1 && parts.whole.front() == '0')) return std::nullopt;
  if (take(text, '.')) {
    parts.fraction = take_digits(text);
    if (parts.fraction.empty()) return std::nullopt;
  }
  if (take(text, 'e') || take(text, 'E')) {
    const auto exponent = take_exponent(text);
    if (!exponent) return std::nullopt;
    parts.exponent = *exponent;
  }
  if (!text.empty()) return std::nullopt;
  return parts;
}

bool number_is_tiny(std::string_view text) {
  const NumberParts parts = *split_number(text);
  // Position of the first digit that counts, as a power of ten above the number's own.
  std::int64_t magnitude = 0;
  if (parts.whole != "0") {
    magnitude = static_cast<std::int64_t>(parts.whole.size());
  } else {
    const std::size_t zeros = parts.fraction.find_first_not_of('0');
    magnitude = zeros == std::string_view::npos ? 0 : -static_cast<std::int64_t>(zeros);
  }
  return magnitude + parts.exponent <= 0;
}

}  // namespace piperun::value
