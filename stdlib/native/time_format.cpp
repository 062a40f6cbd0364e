#include "stdlib/native/time_format.h"

#include <fmt/format.h>

#include <iterator>

#include "lang/value/int.h"
#include "lang/value/time.h"

namespace piperun::native {

namespace {

using value::Civil;
using value::Fallible;
using value::Fault;

constexpr std::string_view kMonths[] = {"January", "February", "March",     "April",   "May",      "June",
                                        "July",    "August",   "September", "October", "November", "December"};
constexpr std::string_view kDays[] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};

// Patterns that stand for others.
std::string_view expanded(char letter) { return letter == 'F' ? "%Y-%m-%d" : letter == 'T' ? "%H:%M:%S" : ""; }

class Formatter {
 public:
  Formatter(std::int64_t local, std::int64_t offset, std::string_view zone)
      : local_(local), offset_(offset), zone_(zone), civil_(value::civil_from_micros(local)) {}

  bool append(std::string_view pattern) {
    for (std::size_t i = 0; i < pattern.size(); ++i) {
      if (pattern[i] != '%') {
        out_ += pattern[i];
      } else if (++i == pattern.size() || !append_letter(pattern[i])) {
        return false;
      }
    }
    return true;
  }
  std::string take() { return std::move(out_); }

 private:
  template <typename T>
  bool put(fmt::format_string<T> format, T value) {
    fmt::format_to(std::back_inserter(out_), format, std::move(value));
    return true;
  }

  bool append_letter(char letter) {
    const auto& c = civil_;
    const int weekday = value::iso_weekday(local_);
    switch (letter) {
      case 'Y': return put("{:04}", c.year);
      case 'y': return put("{:02}", ((c.year % 100) + 100) % 100);
      case 'm': return put("{:02}", c.month);
      case 'd': return put("{:02}", c.day);
      case 'e': return put("{}", c.day);
      case 'H': return put("{:02}", c.hour);
      case 'I': return put("{:02}", (c.hour + 11) % 12 + 1);
      case 'M': return put("{:02}", c.minute);
      case 'S': return put("{:02}", c.second);
      case 'f': return put("{:06}", c.microsecond);
      case 'L': return put("{:03}", c.microsecond / 1000);
      case 'j': return put("{:03}", value::day_of_year(local_));
      case 'p': return put("{}", c.hour < 12 ? std::string_view("AM") : std::string_view("PM"));
      case 'b': return put("{}", kMonths[c.month - 1].substr(0, 3));
      case 'B': return put("{}", kMonths[c.month - 1]);
      case 'a': return put("{}", kDays[weekday - 1].substr(0, 3));
      case 'A': return put("{}", kDays[weekday - 1]);
      case 'u': return put("{}", weekday);
      case 'G': return put("{:04}", value::iso_week(local_).year);
      case 'V': return put("{:02}", value::iso_week(local_).week);
      case 's':
        return put("{}",
                   (local_ - offset_ - ((local_ - offset_) % value::kSecond + value::kSecond) % value::kSecond) / value::kSecond);
      case 'z': return append_offset();
      case 'Z': return put("{}", zone_);
      case '%': return put("{}", '%');
      case 'F':
      case 'T': return append(expanded(letter));
    }
    return false;
  }

  bool append_offset() {
    const std::int64_t minutes = (offset_ < 0 ? -offset_ : offset_) / value::kMinute;
    put("{}", offset_ < 0 ? '-' : '+');
    put("{:02}", minutes / 60);
    return put("{:02}", minutes % 60);
  }

  std::int64_t local_;
  std::int64_t offset_;
  std::string_view zone_;
  Civil civil_;
  std::string out_;
};

class PatternReader {
 public:
  explicit PatternReader(std::string_view text) : rest_(text) {}

  bool read(std::string_view pattern) {
    for (std::size_t i = 0; i < pattern.size(); ++i) {
      if (pattern[i] != '%') {
        if (!take(pattern[i])) return false;
      } else if (++i == pattern.size() || !read_letter(pattern[i])) {
        return false;
      }
    }
    return true;
  }

  Fallible<ParsedTime> result() const {
    if (!rest_.empty()) return std::unexpected(Fault::BadTimeFormat);
    if (epoch_) return ParsedTime{*epoch_, 0};
    Civil civil = civil_;
    if (half_ && (civil.hour < 1 || civil.hour > 12)) return std::unexpected(Fault::BadTimeFormat);
    if (half_) civil.hour = civil.hour % 12 + *half_;
    auto micros = value::micros_from_civil(civil);
    if (!micros) return std::unexpected(micros.error() == Fault::BadArgument ? Fault::BadTimeFormat : micros.error());
    if (day_of_year_) {
      if (*day_of_year_ < 1 || *day_of_year_ > (value::is_leap_year(civil.year) ? 366 : 365))
        return std::unexpected(Fault::BadTimeFormat);
      *micros += (*day_of_year_ - value::day_of_year(*micros)) * value::kDay;
    }
    return ParsedTime{*micros, offset_};
  }

 private:
  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }

  // As many digits as there are, at least `least` and at most `most`.
  bool digits(std::size_t least, std::size_t most, int& value) {
    std::size_t count = 0;
    value = 0;
    while (count < most && count < rest_.size() && is_digit(rest_[count])) value = value * 10 + (rest_[count++] - '0');
    rest_.remove_prefix(count);
    return count >= least;
  }

  bool fraction(std::size_t least, std::size_t most, int unit) {
    const std::size_t before = rest_.size();
    if (!digits(least, most, civil_.microsecond)) return false;
    for (std::size_t count = before - rest_.size(); count < most; ++count) civil_.microsecond *= 10;
    civil_.microsecond *= unit;
    return true;
  }

  template <std::size_t kCount>
  bool name(const std::string_view (&names)[kCount], bool is_short, int& number) {
    for (std::size_t i = 0; i < kCount; ++i) {
      const std::string_view wanted = is_short ? names[i].substr(0, 3) : names[i];
      if (!starts_with_any_case(wanted)) continue;
      rest_.remove_prefix(wanted.size());
      number = static_cast<int>(i) + 1;
      return true;
    }
    return false;
  }
  bool starts_with_any_case(std::string_view wanted) const {
    if (rest_.size() < wanted.size()) return false;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if ((rest_[i] | 0x20) != (wanted[i] | 0x20)) return false;
    }
    return true;
  }

  bool read_offset() {
    if (take('Z')) {
      offset_ = 0;
      return true;
    }
    const bool negative = !rest_.empty() && rest_.front() == '-';
    int hours = 0, minutes = 0;
    if (!take(negative ? '-' : '+') || !digits(2, 2, hours)) return false;
    take(':');
    if (!digits(2, 2, minutes) || hours > 23 || minutes > 59) return false;
    offset_ = (hours * value::kHour + minutes * value::kMinute) * (negative ? -1 : 1);
    return true;
  }

  bool read_epoch() {
    std::size_t count = rest_.starts_with('-') ? 1 : 0;
    while (count < rest_.size() && is_digit(rest_[count])) ++count;
    const auto seconds = value::parse_int(rest_.substr(0, count));
    if (!seconds || *seconds < value::kMinTimestamp / value::kSecond || *seconds > value::kMaxTimestamp / value::kSecond)
      return false;
    rest_.remove_prefix(count);
    epoch_ = *seconds * value::kSecond;
    return true;
  }

  bool read_letter(char letter) {
    int ignored = 0;
    switch (letter) {
      case 'Y': {
        int year = 0;
        const bool found = digits(4, 4, year);
        civil_.year = year;
        return found;
      }
      case 'y': {
        int year = 0;
        const bool found = digits(2, 2, year);
        civil_.year = year + (year < 69 ? 2000 : 1900);  // as POSIX has it
        return found;
      }
      case 'm': return digits(1, 2, civil_.month);
      case 'd': return digits(1, 2, civil_.day);
      case 'e': take(' '); return digits(1, 2, civil_.day);
      case 'H':
      case 'I': return digits(1, 2, civil_.hour);
      case 'M': return digits(2, 2, civil_.minute);
      case 'S': return digits(2, 2, civil_.second);
      case 'f': return fraction(1, 6, 1);
      case 'L': return fraction(3, 3, 1000);
      case 'j': return digits(1, 3, day_of_year_.emplace());
      case 'p':
        half_ = starts_with_any_case("PM") ? 12 : 0;
        if (!starts_with_any_case("AM") && !starts_with_any_case("PM")) return false;
        rest_.remove_prefix(2);
        return true;
      case 'b': return name(kMonths, true, civil_.month);
      case 'B': return name(kMonths, false, civil_.month);
      case 'a': return name(kDays, true, ignored);
      case 'A': return name(kDays, false, ignored);
      case 's': return read_epoch();
      case 'z': return read_offset();
      case '%': return take('%');
      case 'F':
      case 'T': return read(expanded(letter));
    }
    return false;
  }

  std::string_view rest_;
  Civil civil_{1970, 1, 1, 0, 0, 0, 0};
  std::optional<std::int64_t> offset_;
  std::optional<std::int64_t> epoch_;
  std::optional<int> half_;  // hours to add for PM
  std::optional<int> day_of_year_;
};

}  // namespace

Fallible<std::string> format_time(std::int64_t local, std::int64_t offset, std::string_view zone, std::string_view pattern) {
  Formatter formatter(local, offset, zone);
  if (!formatter.append(pattern)) return std::unexpected(Fault::BadTimeFormat);
  return formatter.take();
}

Fallible<ParsedTime> parse_time(std::string_view text, std::string_view pattern) {
  PatternReader reader(text);
  if (!reader.read(pattern)) return std::unexpected(Fault::BadTimeFormat);
  return reader.result();
}

}  // namespace piperun::native
