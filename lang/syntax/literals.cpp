#include "lang/syntax/literals.h"

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <limits>
#include <optional>

#include "lang/value/time.h"

namespace piperun::syntax {

namespace {

constexpr std::string_view kSmallestInt = "9223372036854775808";

std::string without_separators(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (c != '_') digits += c;
  }
  return digits;
}

std::optional<std::int64_t> integer(std::string_view digits) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

std::expected<ast::ExprNode, std::string> duration_value(std::string_view digits, std::string_view unit_name) {
  const auto count = integer(digits);
  const auto unit = value::duration_unit(unit_name);
  if (!unit) return std::unexpected("units are us ms s m h d");
  if (!count || *count > std::numeric_limits<std::int64_t>::max() / *unit) {
    return std::unexpected("this duration is longer than 292,000 years, the longest there is");
  }
  return ast::DurationLiteral{*count * *unit};
}

int number_at(std::string_view text, std::size_t begin, std::size_t length) {
  return static_cast<int>(integer(text.substr(begin, length)).value_or(0));
}

// Microseconds of `.25` at the beginning of text; its length is given back. More than six digits: nullopt.
std::optional<std::int64_t> fraction_micros(std::string_view text, std::size_t& length) {
  length = 0;
  if (text.empty() || text[0] != '.') return 0;
  std::int64_t micros = 0, weight = 100'000;
  for (length = 1; length < text.size() && text[length] >= '0' && text[length] <= '9'; ++length) {
    if (length > 6) return std::nullopt;
    micros += weight * (text[length] - '0');
    weight /= 10;
  }
  return micros;
}

void append_utf8(std::string& out, std::uint32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
    return;
  }
  const int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
  constexpr std::array<std::uint32_t, 4> kLead = {0, 0xC0, 0xE0, 0xF0};
  out += static_cast<char>(kLead[static_cast<std::size_t>(more)] | (c >> (6 * more)));
  for (int i = more - 1; i >= 0; --i) out += static_cast<char>(0x80 | ((c >> (6 * i)) & 0x3F));
}

std::expected<std::string, std::string> escape_value(std::string_view text) {
  switch (text[1]) {
    case 'n': return "\n";
    case 't': return "\t";
    case 'r': return "\r";
    case 'u': break;
    default: return std::string(1, text[1]);  // a quote or a backslash
  }
  std::uint32_t code_point = 0;
  std::from_chars(text.data() + 3, text.data() + text.size() - 1, code_point, 16);
  if (code_point > 0x10FFFF || (code_point >= 0xD800 && code_point <= 0xDFFF)) {
    return std::unexpected("there is no character with this number");
  }
  std::string out;
  append_utf8(out, code_point);
  return out;
}

}  // namespace

std::expected<ast::ExprNode, std::string> number_value(std::string_view text) {
  const std::string digits = without_separators(text);
  if (digits.find_first_of("eE") != std::string::npos) {
    double value = 0;
    const auto error = std::from_chars(digits.data(), digits.data() + digits.size(), value).ec;
    if (error != std::errc{} || !std::isfinite(value)) return std::unexpected("this number does not fit into a float64");
    return ast::FloatLiteral{value, digits};
  }
  if (const auto unit = digits.find_first_not_of("0123456789."); unit != std::string::npos) {
    return duration_value(std::string_view(digits).substr(0, unit), std::string_view(digits).substr(unit));
  }
  if (const auto point = digits.find('.'); point != std::string::npos) {
    const std::size_t significant = digits.size() - 1 - (digits[0] == '0' ? 1 : 0);
    if (significant > 38) return std::unexpected("a decimal has at most 38 digits");
    return ast::DecimalLiteral{digits};
  }
  if (const auto value = integer(digits)) return ast::IntLiteral{*value};
  return std::unexpected("this number does not fit into an int64, which ends at 9_223_372_036_854_775_807");
}

bool is_smallest_int_digits(std::string_view text) { return without_separators(text) == kSmallestInt; }

std::expected<std::int64_t, std::string> timestamp_value(std::string_view text) {
  using namespace std::chrono;
  const year_month_day date(year(number_at(text, 0, 4)), month(static_cast<unsigned>(number_at(text, 5, 2))),
                            day(static_cast<unsigned>(number_at(text, 8, 2))));
  if (!date.ok()) return std::unexpected("there is no such day");
  const int hour = number_at(text, 11, 2), minute = number_at(text, 14, 2), second = number_at(text, 17, 2);
  if (hour > 23 || minute > 59 || second > 59) return std::unexpected("there is no such time of day");
  std::size_t length = 0;
  const auto fraction = fraction_micros(text.substr(19), length);
  if (!fraction) return std::unexpected("a timestamp has microseconds: at most six digits behind the point");
  const std::string_view zone = text.substr(19 + length);
  std::int64_t offset_minutes = 0;
  if (zone[0] != 'Z') {
    if (number_at(zone, 1, 2) > 23 || number_at(zone, 4, 2) > 59) return std::unexpected("there is no such offset from UTC");
    offset_minutes = (zone[0] == '-' ? -1 : 1) * (number_at(zone, 1, 2) * 60 + number_at(zone, 4, 2));
  }
  const std::int64_t days = sys_days(date).time_since_epoch().count();
  return (((days * 24 + hour) * 60 + minute - offset_minutes) * 60 + second) * 1'000'000 + *fraction;
}

std::expected<std::string, std::string> string_piece_value(std::string_view text) {
  if (text == "{{") return "{";
  if (text == "}}") return "}";
  if (text[0] == '\\') return escape_value(text);
  return std::string(text);
}

}  // namespace piperun::syntax
