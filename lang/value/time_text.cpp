// Timestamps as RFC 3339 text, durations as `1h30m`.
#include <fmt/format.h>

#include <iterator>

#include "lang/value/time.h"

namespace piperun::value {

namespace {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Reads a text from left to right; the first mistake makes everything after it 0 and `good` false.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  int digits(std::size_t count) {
    if (rest_.size() < count) return fail();
    int value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (!is_digit(rest_[i])) return fail();
      value = value * 10 + (rest_[i] - '0');
    }
    rest_.remove_prefix(count);
    return value;
  }
  char one_of(std::string_view allowed) {
    if (rest_.empty() || !allowed.contains(rest_.front())) return static_cast<char>(fail());
    const char found = rest_.front();
    rest_.remove_prefix(1);
    return found;
  }
  // `.` and digits, if they are there: microseconds, the digits behind the sixth cut off.
  int fraction() {
    if (rest_.empty() || rest_.front() != '.') return 0;
    rest_.remove_prefix(1);
    int micros = 0;
    int unit = 100'000;
    if (rest_.empty() || !is_digit(rest_.front())) return fail();
    for (; !rest_.empty() && is_digit(rest_.front()); rest_.remove_prefix(1), unit /= 10) micros += (rest_.front() - '0') * unit;
    return micros;
  }
  bool good() const { return good_; }
  bool at_end() const { return rest_.empty(); }

 private:
  int fail() {
    good_ = false;
    rest_ = {};
    return 0;
  }
  std::string_view rest_;
  bool good_ = true;
};

struct Unit {
  std::string_view name;
  std::int64_t micros;
};
constexpr Unit kUnits[] = {{"d", kDay}, {"h", kHour}, {"m", kMinute}, {"s", kSecond}, {"ms", kMillisecond}, {"us", 1}};

std::size_t count_while(std::string_view text, bool (*accepts)(char)) {
  std::size_t count = 0;
  while (count < text.size() && accepts(text[count])) ++count;
  return count;
}

// Adds (negative: subtracts) digits × unit, so that the smallest int64 can be read too.
bool accumulate(std::int64_t& total, std::string_view digits, std::int64_t unit, bool negative) {
  std::int64_t number = 0;
  for (const char c : digits) {
    if (__builtin_mul_overflow(number, std::int64_t{10}, &number)) return false;
    if (__builtin_sub_overflow(number, std::int64_t{c - '0'}, &number)) return false;
  }
  std::int64_t part;
  if (__builtin_mul_overflow(number, unit, &part)) return false;
  return negative ? !__builtin_add_overflow(total, part, &total) : !__builtin_sub_overflow(total, part, &total);
}

}  // namespace

Fallible<std::int64_t> parse_timestamp(std::string_view text) {
  Reader reader(text);
  Civil civil{};
  civil.year = reader.digits(4);
  reader.one_of("-");
  civil.month = reader.digits(2);
  reader.one_of("-");
  civil.day = reader.digits(2);
  reader.one_of("Tt");
  civil.hour = reader.digits(2);
  reader.one_of(":");
  civil.minute = reader.digits(2);
  reader.one_of(":");
  civil.second = reader.digits(2);
  civil.microsecond = reader.fraction();
  const char sign = reader.one_of("Zz+-");
  std::int64_t offset = 0;
  if (sign == '+' || sign == '-') {
    const int hours = reader.digits(2);
    reader.one_of(":");
    const int minutes = reader.digits(2);
    if (hours > 23 || minutes > 59) return std::unexpected(Fault::ParseTimestamp);
    offset = (hours * kHour + minutes * kMinute) * (sign == '-' ? -1 : 1);
  }
  if (!reader.good() || !reader.at_end()) return std::unexpected(Fault::ParseTimestamp);

  const auto local = micros_from_civil(civil);
  if (!local) return std::unexpected(local.error() == Fault::BadArgument ? Fault::ParseTimestamp : local.error());
  const std::int64_t micros = *local - offset;
  if (micros < kMinTimestamp || micros > kMaxTimestamp) return std::unexpected(Fault::TimeOutOfRange);
  return micros;
}

void append_timestamp(std::string& out, std::int64_t micros) {
  const Civil c = civil_from_micros(micros);
  char text[40];
  char* to = text;
  const auto put = [&](std::int64_t number, int digits) {
    for (int i = digits - 1; i >= 0; --i, number /= 10) to[i] = static_cast<char>('0' + number % 10);
    to += digits;
  };
  const bool is_usual = c.year >= 0 && c.year <= 9999;
  if (!is_usual) *to++ = c.year < 0 ? '-' : '+';
  const std::int64_t year = c.year < 0 ? -c.year : c.year;
  put(year, is_usual ? 4 : year > 99'999 ? 6 : 5);
  *to++ = '-', put(c.month, 2);
  *to++ = '-', put(c.day, 2);
  *to++ = 'T', put(c.hour, 2);
  *to++ = ':', put(c.minute, 2);
  *to++ = ':', put(c.second, 2);
  if (c.microsecond % kMillisecond != 0) {
    *to++ = '.', put(c.microsecond, 6);
  } else if (c.microsecond != 0) {
    *to++ = '.', put(c.microsecond / kMillisecond, 3);
  }
  *to++ = 'Z';
  out.append(text, to);
}

std::optional<std::int64_t> duration_unit(std::string_view unit) {
  for (const Unit& candidate : kUnits) {
    if (candidate.name == unit) return candidate.micros;
  }
  return std::nullopt;
}

Fallible<std::int64_t> parse_duration(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  if (text.empty()) return std::unexpected(Fault::ParseDuration);
  std::int64_t total = 0;
  std::int64_t larger = INT64_MAX;
  while (!text.empty()) {
    const std::size_t digits = count_while(text, is_digit);
    const std::size_t letters = count_while(text.substr(digits), [](char c) { return !is_digit(c); });
    const auto unit = duration_unit(text.substr(digits, letters));
    if (digits == 0 || !unit || *unit >= larger) return std::unexpected(Fault::ParseDuration);
    if (!accumulate(total, text.substr(0, digits), *unit, negative)) return std::unexpected(Fault::Overflow);
    larger = *unit;
    text.remove_prefix(digits + letters);
  }
  return total;
}

void append_duration(std::string& out, std::int64_t micros) {
  if (micros == 0) {
    out += "0s";
    return;
  }
  if (micros < 0) out += '-';
  std::uint64_t rest = micros < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(micros) : static_cast<std::uint64_t>(micros);
  for (const Unit& unit : kUnits) {
    const auto size = static_cast<std::uint64_t>(unit.micros);
    if (rest >= size) fmt::format_to(std::back_inserter(out), "{}{}", rest / size, unit.name);
    rest %= size;
  }
}

}  // namespace piperun::value
