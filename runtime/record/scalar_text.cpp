#include "runtime/record/scalar_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "lang/value/decimal.h"
#include "lang/value/int.h"
#include "lang/value/text.h"
#include "lang/value/time.h"

namespace piperun::record {
namespace {

using base::ErrorCode;
using value::Int128;

std::unexpected<ScalarFault> fault(ErrorCode code, std::string_view words) { return std::unexpected(ScalarFault{code, words}); }

bool is_digit(char c) { return static_cast<unsigned char>(c - '0') < 10; }

// A number of at most 18 digits without an exponent: value = digits / 10^fraction.
struct Short {
  std::int64_t digits;
  int fraction;
};
bool read_short(std::string_view token, Short& out) {
  std::size_t i = token.starts_with('-') ? 1 : 0;
  const bool negative = i == 1;
  if (token.size() - i > 18) return false;
  std::int64_t digits = 0;
  for (; i < token.size() && is_digit(token[i]); ++i) digits = digits * 10 + (token[i] - '0');
  int fraction = 0;
  if (i < token.size() && token[i] == '.') {
    for (++i; i < token.size() && is_digit(token[i]); ++i, ++fraction) digits = digits * 10 + (token[i] - '0');
  }
  if (i != token.size()) return false;
  out = {negative ? -digits : digits, fraction};
  return true;
}

constexpr std::int64_t kPowers[] = {1,
                                    10,
                                    100,
                                    1'000,
                                    10'000,
                                    100'000,
                                    1'000'000,
                                    10'000'000,
                                    100'000'000,
                                    1'000'000'000,
                                    10'000'000'000,
                                    100'000'000'000,
                                    1'000'000'000'000,
                                    10'000'000'000'000,
                                    100'000'000'000'000,
                                    1'000'000'000'000'000,
                                    10'000'000'000'000'000,
                                    100'000'000'000'000'000,
                                    1'000'000'000'000'000'000};

Scalar<Int128> exact_decimal(std::string_view token, value::DecimalType type) {
  const auto result = value::parse_decimal(token, type);
  if (result) return *result;
  switch (result.error()) {
    case value::Fault::PrecisionExceeded: return fault(ErrorCode::OutOfRange, "more digits behind the point than the type holds");
    case value::Fault::Overflow: return fault(ErrorCode::OutOfRange, "more digits than the type holds");
    default: return fault(ErrorCode::WrongType, "not a number");  // the one other reason of parse_decimal
  }
}

template <typename T>
std::optional<DecodeFault> take(const Scalar<T>& scalar, const FieldPlan& field, value::Cell* out) {
  if (!scalar) return field_fault(field, scalar.error().code, scalar.error().words);
  *out = value::Cell::of(*scalar);
  return std::nullopt;
}

}  // namespace

Scalar<std::int64_t> int_from_number(std::string_view token) {
  if (Short s; read_short(token, s) && s.fraction == 0) return s.digits;
  const auto whole = exact_decimal(token, value::kInt64AsDecimal);
  if (!whole && whole.error().code == ErrorCode::OutOfRange && whole.error().words.starts_with("more digits behind"))
    return fault(ErrorCode::OutOfRange, "not a whole number");
  if (!whole || *whole > std::numeric_limits<std::int64_t>::max() || *whole < std::numeric_limits<std::int64_t>::min())
    return fault(ErrorCode::OutOfRange, "does not fit int64");
  return static_cast<std::int64_t>(*whole);
}

Scalar<Int128> decimal_from_number(std::string_view token, const ValuePlan& plan) {
  if (Short s; plan.precision <= 36 && read_short(token, s) && s.fraction <= plan.scale && plan.scale - s.fraction <= 18) {
    const Int128 unscaled = Int128{s.digits} * kPowers[plan.scale - s.fraction];
    if (value::fits(unscaled, plan.precision)) return unscaled;
    return fault(ErrorCode::OutOfRange, "more digits than the type holds");
  }
  return exact_decimal(token, {plan.precision, plan.scale});
}

Scalar<double> float_from_number(std::string_view token) {
  // Both are exact, so one division rounds once (Clinger 1990).
  if (Short s; read_short(token, s) && s.digits != 0 && s.digits < (std::int64_t{1} << 53) && s.digits > -(std::int64_t{1} << 53))
    return static_cast<double>(s.digits) / static_cast<double>(kPowers[s.fraction]);
  const auto result = value::parse_float(token);
  if (result) return *result;
  if (result.error() == value::Fault::Overflow) return fault(ErrorCode::OutOfRange, "does not fit float64");
  return fault(ErrorCode::WrongType, "not a number");
}

Scalar<std::int64_t> epoch_from_number(std::string_view token, ir::TimeUnit unit) {
  const int digits = unit == ir::TimeUnit::Seconds ? 6 : unit == ir::TimeUnit::Millis ? 3 : 0;
  const auto micros = exact_decimal(token, {value::kMaxPrecision, digits});
  if (!micros) return fault(ErrorCode::InvalidTimestamp, "not a whole number of microseconds");
  if (*micros < value::kMinTimestamp || *micros > value::kMaxTimestamp)
    return fault(ErrorCode::InvalidTimestamp, "outside the years 0001 to 9999");
  return static_cast<std::int64_t>(*micros);
}

Scalar<Int128> decimal_from_text(std::string_view text, const ValuePlan& plan) {
  return is_number(text) ? decimal_from_number(text, plan) : fault(ErrorCode::WrongType, "not a number");
}

Scalar<std::int64_t> timestamp_from_text(std::string_view text) {
  const auto micros = value::parse_timestamp(text);
  if (micros) return *micros;
  return fault(ErrorCode::InvalidTimestamp, value::words(micros.error()));
}

Scalar<std::int64_t> duration_from_text(std::string_view text) {
  const auto micros = value::parse_duration(text);
  if (micros) return *micros;
  return fault(micros.error() == value::Fault::Overflow ? ErrorCode::OutOfRange : ErrorCode::WrongType,
               value::words(micros.error()));
}

Scalar<std::int64_t> enum_from_text(std::string_view text, const ValuePlan& plan) {
  for (std::size_t i = 0; i < plan.enum_values.size(); ++i) {
    if (plan.enum_values[i] == text) return static_cast<std::int64_t>(i);
  }
  return fault(ErrorCode::UnknownEnumValue, "none of the names that the enum declares");
}

Scalar<value::Text> bytes_from_text(std::string_view text, value::Arena& arena) {
  const auto bytes = value::decode_base64(text);
  if (!bytes) return fault(ErrorCode::WrongType, "not base64");
  return arena.copy(*bytes);
}

bool is_number(std::string_view text) {
  std::size_t i = text.starts_with('-') ? 1 : 0;
  const auto digits = [&] {
    const std::size_t from = i;
    while (i < text.size() && is_digit(text[i])) ++i;
    return i - from;
  };
  const bool zero_first = i < text.size() && text[i] == '0';
  const std::size_t whole = digits();
  if (whole == 0 || (zero_first && whole > 1)) return false;
  if (i < text.size() && text[i] == '.' && (++i, digits() == 0)) return false;
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
    if (digits() == 0) return false;
  }
  return i == text.size();
}

DecodeFault field_fault(const FieldPlan& field, ErrorCode code, std::string_view words) {
  return {code, fmt::format("`{}`: {}", field.name, words)};
}

std::optional<DecodeFault> scalar_from_text(const FieldPlan& field, std::string_view text, value::Arena& arena,
                                            value::Cell* out) {
  using enum value::TypeKind;
  const ValuePlan& plan = field.value;
  switch (plan.kind) {
    case Bool:
      if (text != "true" && text != "false") return field_fault(field, ErrorCode::WrongType, "neither true nor false");
      *out = value::Cell::of(text == "true");
      return std::nullopt;
    case Int:
    case Float:
      if (!is_number(text)) return field_fault(field, ErrorCode::WrongType, "not a number");
      return plan.kind == Int ? take(int_from_number(text), field, out) : take(float_from_number(text), field, out);
    case Decimal: return take(decimal_from_text(text, plan), field, out);
    case String: *out = value::Cell::of(text); return std::nullopt;
    case Bytes: return take(bytes_from_text(text, arena), field, out);
    case Enum: return take(enum_from_text(text, plan), field, out);
    case Timestamp:
      if (plan.time == ir::TimeUnit::Rfc3339) return take(timestamp_from_text(text), field, out);
      if (!is_number(text)) return field_fault(field, ErrorCode::InvalidTimestamp, "not an epoch number");
      return take(epoch_from_number(text, plan.time), field, out);
    case Duration: return is_number(text) ? take(int_from_number(text), field, out) : take(duration_from_text(text), field, out);
    case List:
    case Map:
    case Record:
    case Json:
    case Error:
    case Never:
    case Null: break;
  }
  return field_fault(field, ErrorCode::WrongType, "of no type that fills a text");
}

}  // namespace piperun::record
