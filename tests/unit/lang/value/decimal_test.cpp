#include "lang/value/decimal.h"

#include <bit>
#include <cstdint>
#include <map>
#include <random>

#include "tests/unit/lang/value/vectors.h"

namespace piperun::value {
namespace {

std::string shown(const Fallible<Int128>& result) { return result ? to_string(*result) : std::string(name(result.error())); }

using Fields = std::vector<std::string>;

// What this implementation makes of the fields of a vector; the last one is what it should be.
std::string computed(const Fields& f) {
  const auto number = [&](std::size_t i) { return to_int128(f[i]); };
  const auto small = [&](std::size_t i) { return std::stoi(f[i]); };
  const auto type = [&](std::size_t i) { return DecimalType{small(i), small(i + 1)}; };
  const auto mode = [&](std::size_t i) { return rounding_named(f[i]).value(); };
  const std::string text = f[1] == "EMPTY" ? "" : f[1];
  if (f[0] == "div") return shown(divide(number(1), small(2), number(3), small(4), type(5), mode(7)));
  if (f[0] == "rescale") return shown(rescale(number(1), small(2), type(3), mode(5)));
  if (f[0] == "mul") return shown(multiply(number(1), number(2), small(3)));
  if (f[0] == "add") return shown(add(number(1), number(2), small(3)));
  if (f[0] == "sub") return shown(subtract(number(1), number(2), small(3)));
  if (f[0] == "rem") return shown(remainder(number(1), small(2), number(3), small(4), type(5)));
  if (f[0] == "parse") return shown(parse_decimal(text, type(2)));
  if (f[0] == "parse_rounded") return shown(parse_decimal_rounded(text, type(2), mode(4)));
  if (f[0] == "from_float") return shown(decimal_from_float(std::stod(f[1]), type(2), mode(4)));
  if (f[0] == "compare") {
    const auto order = compare(number(1), small(2), number(3), small(4));
    return order < 0 ? "-1" : order > 0 ? "1" : "0";
  }
  if (f[0] == "format") {
    std::string out;
    append_decimal(out, number(1), small(2));
    return out;
  }
  if (f[0] == "to_float") {
    char bits[20];
    std::snprintf(bits, sizeof bits, "%016llx",
                  static_cast<unsigned long long>(std::bit_cast<std::uint64_t>(decimal_to_float(number(1), small(2)))));
    return bits;
  }
  return "no such operation";
}

TEST(Decimal, AgreesWithTheStoredVectors) {
  std::map<std::string, int> seen;
  for (const Fields& fields : read_vectors("decimal.txt")) {
    std::string line;
    for (const std::string& field : fields) line += field + " ";
    EXPECT_EQ(computed(fields), fields.back()) << line;
    ++seen[fields[0]];
  }
  EXPECT_EQ(seen.size(), 12u);
  EXPECT_GE(seen["div"], 500);
}

// Second method: long division digit by digit, on decimal strings.
std::string digits_times(const std::string& digits, int factor) {
  std::string out;
  int carry = 0;
  for (std::size_t i = digits.size(); i-- > 0;) {
    const int part = (digits[i] - '0') * factor + carry;
    out.insert(out.begin(), static_cast<char>('0' + part % 10));
    carry = part / 10;
  }
  while (carry != 0) {
    out.insert(out.begin(), static_cast<char>('0' + carry % 10));
    carry /= 10;
  }
  return out;
}

TEST(Decimal, QuotientTimesDivisorPlusRestIsTheDividend) {
  std::mt19937_64 random(7);
  const auto any = [&](int digits) {
    Int128 value = 0;
    for (int i = 0; i < digits; ++i) value = value * 10 + static_cast<int>(random() % 10);
    return random() % 2 == 0 ? value : -value;
  };
  int checked = 0;
  for (int i = 0; i < 20'000; ++i) {
    const Int128 a = any(1 + static_cast<int>(random() % 18)), b = any(1 + static_cast<int>(random() % 18));
    if (b == 0) continue;
    const int scale = static_cast<int>(random() % 19);
    const auto quotient = divide(a, 0, b, 0, {38, scale}, Rounding::Floor);
    if (!quotient) continue;
    // floor(a × 10^scale / b): below or at the exact quotient, by less than one. All products stay below 2^127.
    const Int128 product = *quotient * b, dividend = a * power_of_ten(scale);
    const Int128 rest = dividend - product;
    EXPECT_TRUE(b > 0 ? rest >= 0 && rest < b : rest <= 0 && rest > b)
        << to_string(a) << " / " << to_string(b) << " at " << scale;
    ++checked;
  }
  EXPECT_GT(checked, 15'000);
}

TEST(Decimal, MultiplicationAgreesWithDigitByDigit) {
  std::mt19937_64 random(8);
  for (int i = 0; i < 5'000; ++i) {
    Int128 a = 1;
    const int digits = 1 + static_cast<int>(random() % 37);
    for (int d = 0; d < digits; ++d) a = a * 10 + static_cast<int>(random() % 10);
    const int factor = static_cast<int>(random() % 10);
    const std::string expected = factor == 0 ? "0" : digits_times(to_string(a), factor);
    EXPECT_EQ(shown(multiply(a, factor, 38)), expected.size() > 38 ? "Overflow" : expected);
  }
}

TEST(Decimal, AdditionOverflowsExactlyAtThePrecision) {
  const Int128 largest = power_of_ten(38) - 1;
  EXPECT_EQ(shown(add(largest, 0, 38)), to_string(largest));
  EXPECT_EQ(shown(add(largest, 1, 38)), "Overflow");
  EXPECT_EQ(shown(subtract(-largest, 1, 38)), "Overflow");
  EXPECT_EQ(shown(add(99, 0, 2)), "99");
  EXPECT_EQ(shown(add(99, 1, 2)), "Overflow");
}

TEST(Decimal, TypesOfResults) {
  EXPECT_EQ(sum_type({12, 2}, {10, 4}), (DecimalType{15, 4}));
  EXPECT_EQ(product_type({12, 2}, {19, 0}), (DecimalType{31, 2}));
  EXPECT_EQ(product_type({20, 2}, {19, 0}), std::nullopt);
  EXPECT_EQ(sum_type({38, 2}, {38, 2}), std::nullopt);
  EXPECT_EQ(capped(exact_sum_type({38, 2}, {38, 2})), (DecimalType{38, 2}));
  EXPECT_EQ(common_type({12, 2}, {10, 4}), (DecimalType{14, 4}));
  EXPECT_EQ(remainder_type({12, 2}, {3, 0}), (DecimalType{5, 2}));
  EXPECT_EQ(literal_type("0.00"), (DecimalType{2, 2}));
  EXPECT_EQ(literal_type("123.450"), (DecimalType{6, 3}));
  EXPECT_EQ(literal_type(std::string(39, '9')), std::nullopt);
}

TEST(Decimal, ANumberOfAnyLengthIsRead) {
  const std::string zeros(100'000, '0');
  EXPECT_EQ(shown(parse_decimal("1." + zeros, {3, 2})), "100");
  EXPECT_EQ(shown(parse_decimal("1." + zeros + "1", {3, 2})), "PrecisionExceeded");
  EXPECT_EQ(shown(parse_decimal("1" + zeros + "e-100000", {3, 2})), "100");
  EXPECT_EQ(shown(parse_decimal("0e999999999999999999999", {3, 2})), "0");
  EXPECT_EQ(shown(parse_decimal("1e999999999999999999999", {3, 2})), "Overflow");
  EXPECT_EQ(shown(parse_decimal("1e-999999999999999999999", {3, 2})), "PrecisionExceeded");
  EXPECT_EQ(shown(parse_decimal("1e-9999999", {3, 2})), "PrecisionExceeded");
}

TEST(Decimal, IntegersAndFloats) {
  EXPECT_EQ(shown(decimal_from_int(INT64_MIN, {19, 0})), "-9223372036854775808");
  EXPECT_EQ(shown(decimal_from_int(100, {2, 0})), "Overflow");
  EXPECT_EQ(decimal_to_int(-299, 2), -2);
  EXPECT_EQ(decimal_to_int(to_int128("9223372036854775808"), 0).error(), Fault::Overflow);
  EXPECT_EQ(shown(decimal_from_float(0.1, {12, 2})), "10");
  EXPECT_EQ(decimal_from_float(std::stod("nan"), {12, 2}).error(), Fault::NotANumber);
  EXPECT_EQ(decimal_from_float(std::stod("inf"), {12, 2}).error(), Fault::Overflow);
}

}  // namespace
}  // namespace piperun::value
