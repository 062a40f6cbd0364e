// int64 and float64: checked arithmetic (integers never wrap, floats never become infinite), and both as text.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "lang/value/failure.h"

namespace piperun::value {

Fallible<std::int64_t> add(std::int64_t a, std::int64_t b);
Fallible<std::int64_t> subtract(std::int64_t a, std::int64_t b);
Fallible<std::int64_t> multiply(std::int64_t a, std::int64_t b);
Fallible<std::int64_t> divide(std::int64_t a, std::int64_t b);     // truncates
Fallible<std::int64_t> remainder(std::int64_t a, std::int64_t b);  // sign of the dividend
Fallible<std::int64_t> negate(std::int64_t a);

// IEEE 754, but a result that is not finite is Overflow or NotANumber; division by 0 is DivisionByZero.
Fallible<double> add(double a, double b);
Fallible<double> subtract(double a, double b);
Fallible<double> multiply(double a, double b);
Fallible<double> divide(double a, double b);
Fallible<double> remainder(double a, double b);

// Towards zero; NotANumber for NaN, Overflow outside int64.
Fallible<std::int64_t> truncate_to_int(double value);

// `-?[0-9]+`, nothing around it; Overflow outside int64, else ParseInt.
Fallible<std::int64_t> parse_int(std::string_view text);

// JSON's syntax of a number; a leading `+` is refused. Overflow when it rounds to infinity.
Fallible<double> parse_float(std::string_view text);

// `true` or `false`.
Fallible<bool> parse_bool(std::string_view text);

void append_int(std::string& out, std::int64_t value);

// The shortest text that reads back as the same value: `0.1`, `1e+300`, `5.0`; `NaN`, `Infinity`, `-Infinity`.
void append_float(std::string& out, double value);

}  // namespace piperun::value
