#include "lang/value/int.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace piperun::value {
namespace {

template <typename T>
std::string shown(const Fallible<T>& result) {
  return result ? std::to_string(*result) : std::string(name(result.error()));
}

std::string float_text(double value) {
  std::string out;
  append_float(out, value);
  return out;
}

TEST(Int, NeverWraps) {
  EXPECT_EQ(shown(add(INT64_MAX, 1)), "Overflow");
  EXPECT_EQ(shown(subtract(INT64_MIN, 1)), "Overflow");
  EXPECT_EQ(shown(multiply(INT64_MIN, -1)), "Overflow");
  EXPECT_EQ(shown(multiply(INT64_C(3037000500), INT64_C(3037000500))), "Overflow");
  EXPECT_EQ(shown(divide(INT64_MIN, std::int64_t{-1})), "Overflow");
  EXPECT_EQ(shown(divide(std::int64_t{1}, std::int64_t{0})), "DivisionByZero");
  EXPECT_EQ(shown(divide(std::int64_t{-7}, std::int64_t{2})), "-3");
  EXPECT_EQ(shown(remainder(std::int64_t{-7}, std::int64_t{2})), "-1");
  EXPECT_EQ(shown(remainder(INT64_MIN, std::int64_t{-1})), "0");
  EXPECT_EQ(shown(negate(INT64_MIN)), "Overflow");
}

TEST(Int, Reads) {
  EXPECT_EQ(shown(parse_int("-9223372036854775808")), "-9223372036854775808");
  EXPECT_EQ(shown(parse_int("9223372036854775808")), "Overflow");
  for (const char* text : {"", "-", "+1", " 1", "1 ", "1.0", "0x1", "1e3"}) EXPECT_EQ(shown(parse_int(text)), "ParseInt") << text;
}

TEST(Float, NeverBecomesInfinite) {
  const double most = std::numeric_limits<double>::max();
  EXPECT_EQ(add(0.5, 0.25), 0.75);
  EXPECT_EQ(add(most, most), std::unexpected(Fault::Overflow));
  EXPECT_EQ(subtract(-most, most), std::unexpected(Fault::Overflow));
  EXPECT_EQ(multiply(1e308, 10.0), std::unexpected(Fault::Overflow));
  EXPECT_EQ(multiply(1e-308, 1e-308), 0.0);
  EXPECT_EQ(divide(1e308, 1e-10), std::unexpected(Fault::Overflow));
  EXPECT_EQ(divide(1.0, 0.0), std::unexpected(Fault::DivisionByZero));
}

TEST(Float, TextReadsBackAsTheSame) {
  EXPECT_EQ(float_text(0.1), "0.1");
  EXPECT_EQ(float_text(5), "5.0");
  EXPECT_EQ(float_text(-0.0), "-0.0");
  EXPECT_EQ(float_text(1e300), "1e+300");
  EXPECT_EQ(float_text(NAN), "NaN");
  EXPECT_EQ(float_text(-INFINITY), "-Infinity");
  std::mt19937_64 random(3);
  for (int i = 0; i < 20'000; ++i) {
    const double value = std::bit_cast<double>(random());
    if (std::isfinite(value)) { EXPECT_EQ(parse_float(float_text(value)), value); }
  }
}

TEST(Float, Reads) {
  for (const char* text : {"", "nan", "inf", "+1", ".5", "1.", "0x1p3", "1e", " 1"})
    EXPECT_EQ(shown(parse_float(text)), "ParseFloat") << text;
  EXPECT_EQ(shown(parse_float("1e400")), "Overflow");
  EXPECT_EQ(parse_float("1e-400"), 0.0);
  EXPECT_EQ(parse_float("0.00000001e-400"), 0.0);
  EXPECT_EQ(parse_float("5e-324"), 5e-324);
}

TEST(Float, ToInt) {
  EXPECT_EQ(shown(truncate_to_int(-2.9)), "-2");
  EXPECT_EQ(shown(truncate_to_int(9223372036854775808.0)), "Overflow");
  EXPECT_EQ(shown(truncate_to_int(-9223372036854775808.0)), "-9223372036854775808");
  EXPECT_EQ(shown(truncate_to_int(NAN)), "NotANumber");
  EXPECT_EQ(divide(1.0, 0.0), std::unexpected(Fault::DivisionByZero));
}

}  // namespace
}  // namespace piperun::value
