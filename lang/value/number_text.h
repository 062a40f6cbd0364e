// The syntax of a JSON number, split into its parts: what decimals and floats are read from.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace piperun::value {

// ± whole.fraction × 10^exponent. The exponent is cut to ±10^12: beyond that its exact value makes no difference.
struct NumberParts {
  bool negative;
  std::string_view whole;
  std::string_view fraction;
  std::int64_t exponent;
};

// nullopt unless all of `text` is `-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?`.
std::optional<NumberParts> split_number(std::string_view text);

// Whether the absolute value of this number is below 1. Must be a number.
bool number_is_tiny(std::string_view text);

}  // namespace piperun::value
