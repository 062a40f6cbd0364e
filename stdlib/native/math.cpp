// std.math, and the built-in functions of numbers.
#include <cmath>
#include <numbers>
#include <numeric>

#include "lang/value/decimal.h"
#include "lang/value/int.h"
#include "stdlib/native/give.h"
#include "stdlib/native/table.h"

namespace piperun::native {

namespace {

// NaN and infinity never come out of a function.
bool give_finite(NativeCall& call, double result) {
  if (std::isnan(result)) return fail(call, Fault::NotANumber);
  if (std::isinf(result)) return fail(call, Fault::Overflow);
  return give(call, result);
}

// std::cbrt may miss by the last digit where the root is a whole number.
double cube_root(double x) {
  const double root = std::cbrt(x), whole = std::round(root);
  return whole * whole * whole == x ? whole : root;
}

using Function = double (*)(double);

template <Function kFunction>
bool plain(NativeCall& call) {
  return give(call, kFunction(number(call, 0)));
}

template <Function kFunction>
bool finite(NativeCall& call) {
  return give_finite(call, kFunction(number(call, 0)));
}

template <Function kFunction>
bool logarithm(NativeCall& call) {
  if (number(call, 0) <= 0) return fail(call, Fault::NotANumber);
  return give_finite(call, kFunction(number(call, 0)));
}

bool logarithm_to_base(NativeCall& call) {
  const double x = number(call, 0), base = number(call, 1);
  if (x <= 0 || base <= 0 || base == 1) return fail(call, Fault::NotANumber);
  return give_finite(call, base == 2 ? std::log2(x) : base == 10 ? std::log10(x) : std::log(x) / std::log(base));
}

// To so many digits behind the point, half to even, as the number prints.
bool round_float(NativeCall& call) {
  const double x = number(call, 0);
  const std::int64_t digits = integer(call, 1);
  if (!std::isfinite(x)) return give(call, x);
  if (digits < 0 || digits > value::kMaxPrecision) return fail(call, Fault::BadArgument);
  const auto scale = static_cast<int>(digits);
  const auto rounded = value::decimal_from_float(x, {value::kMaxPrecision, scale});
  return give(call, rounded ? value::decimal_to_float(*rounded, scale) : x);  // too large for a decimal: it has no such digits
}

bool abs_int(NativeCall& call) {
  const std::int64_t x = integer(call, 0);
  return give(call, x < 0 ? value::negate(x) : Fallible<std::int64_t>(x));
}

bool floor_div(NativeCall& call) {
  const std::int64_t a = integer(call, 0), b = integer(call, 1);
  const auto quotient = value::divide(a, b);
  if (!quotient) return fail(call, quotient.error());
  const bool down = a % (b == -1 ? 1 : b) != 0 && (a < 0) != (b < 0);
  return give(call, *quotient - (down ? 1 : 0));
}

bool floor_mod(NativeCall& call) {
  const std::int64_t b = integer(call, 1);
  const auto rest = value::remainder(integer(call, 0), b);
  if (!rest) return fail(call, rest.error());
  return give(call, *rest != 0 && (*rest < 0) != (b < 0) ? *rest + b : *rest);
}

bool greatest_common_divisor(NativeCall& call) {
  const auto magnitude = [](std::int64_t v) {
    return v < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(v) : static_cast<std::uint64_t>(v);
  };
  const std::uint64_t result = std::gcd(magnitude(integer(call, 0)), magnitude(integer(call, 1)));
  if (result > static_cast<std::uint64_t>(INT64_MAX)) return fail(call, Fault::Overflow);
  return give(call, static_cast<std::int64_t>(result));
}

bool has_bit(NativeCall& call) {
  const std::int64_t n = integer(call, 1);
  return give(call, n >= 0 && n < 64 && ((integer(call, 0) >> n) & 1) != 0);
}

bool distance(NativeCall& call) {
  constexpr double kRadius = 6'371'008.8;
  constexpr double kRadians = std::numbers::pi / 180;
  const double latitude1 = number(call, 0) * kRadians, latitude2 = number(call, 2) * kRadians;
  const double a = std::sin((latitude2 - latitude1) / 2);
  const double b = std::sin((number(call, 3) - number(call, 1)) * kRadians / 2);
  const double h = a * a + std::cos(latitude1) * std::cos(latitude2) * b * b;
  return give(call, 2 * kRadius * std::asin(std::sqrt(std::fmin(h, 1))));
}

constexpr Native kFunctions[] = {
    {"math.abs", abs_int},
    {"math.abs_decimal", [](NativeCall& c) { return give(c, Cell::of(c.args[0].d < 0 ? -c.args[0].d : c.args[0].d)); }},
    {"math.abs_float", plain<std::fabs>},
    {"math.floor", plain<std::floor>},
    {"math.ceil", plain<std::ceil>},
    {"math.round", round_float},
    {"math.to_decimal",
     [](NativeCall& c) { return give_decimal(c, value::decimal_from_float(number(c, 0), decimal_result(c))); }},
    {"math.sqrt", finite<std::sqrt>},
    {"math.cbrt", plain<cube_root>},
    {"math.exp", finite<std::exp>},
    {"math.ln", logarithm<std::log>},
    {"math.log2", logarithm<std::log2>},
    {"math.log10", logarithm<std::log10>},
    {"math.log", logarithm_to_base},
    {"math.pow", [](NativeCall& c) { return give_finite(c, std::pow(number(c, 0), number(c, 1))); }},
    {"math.sin", plain<std::sin>},
    {"math.cos", plain<std::cos>},
    {"math.tan", plain<std::tan>},
    {"math.atan2", [](NativeCall& c) { return give(c, std::atan2(number(c, 0), number(c, 1))); }},
    {"math.hypot", [](NativeCall& c) { return give(c, std::hypot(number(c, 0), number(c, 1))); }},
    {"math.truncate", [](NativeCall& c) { return give(c, value::truncate_to_int(number(c, 0))); }},
    {"math.is_finite", [](NativeCall& c) { return give(c, std::isfinite(number(c, 0))); }},
    {"math.floor_div", floor_div},
    {"math.floor_mod", floor_mod},
    {"math.gcd", greatest_common_divisor},
    {"math.bit_and", [](NativeCall& c) { return give(c, integer(c, 0) & integer(c, 1)); }},
    {"math.bit_or", [](NativeCall& c) { return give(c, integer(c, 0) | integer(c, 1)); }},
    {"math.bit_xor", [](NativeCall& c) { return give(c, integer(c, 0) ^ integer(c, 1)); }},
    {"math.has_bit", has_bit},
    {"math.distance", distance},
};

}  // namespace

std::span<const Native> math_functions() { return kFunctions; }

}  // namespace piperun::native
