#include "runtime/record/json_scanner.h"

namespace piperun::record {
namespace {

bool is_digit(char c) { return static_cast<unsigned char>(c - '0') < 10; }

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// Four hexadecimal digits, or -1.
int hex4(const char* from, const char* end) {
  if (end - from < 4) return -1;
  int result = 0;
  for (int i = 0; i < 4; ++i) {
    const int digit = hex_digit(from[i]);
    if (digit < 0) return -1;
    result = result * 16 + digit;
  }
  return result;
}

char* put_utf8(char* to, unsigned c) {
  const auto put = [&](unsigned byte) { *to++ = static_cast<char>(byte); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | (c >> 6)), put(0x80 | (c & 63));
  } else if (c < 0x10000) {
    put(0xE0 | (c >> 12)), put(0x80 | ((c >> 6) & 63)), put(0x80 | (c & 63));
  } else {
    put(0xF0 | (c >> 18)), put(0x80 | ((c >> 12) & 63)), put(0x80 | ((c >> 6) & 63)), put(0x80 | (c & 63));
  }
  return to;
}

// What a one-letter escape stands for, or 0.
char simple_escape(char letter) {
  switch (letter) {
    case '"': return '"';
    case '\\': return '\\';
    case '/': return '/';
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return 0;
  }
}

// Where the digits that begin at `from` end.
const char* digits_end(const char* from, const char* end) {
  while (from < end && is_digit(*from)) ++from;
  return from;
}

}  // namespace

char JsonScanner::next_after_space() {
  while (p_ < end_ && (*p_ == ' ' || *p_ == '\n' || *p_ == '\r' || *p_ == '\t')) ++p_;
  return p_ < end_ ? *p_ : '\0';
}

bool JsonScanner::too_deep() { return fail(base::ErrorCode::TooDeep, "nested more than 128 levels deep", p_); }
bool JsonScanner::trailing() { return fail(base::ErrorCode::InvalidJson, "something follows the value", p_); }

bool JsonScanner::malformed_in(std::string_view word) {
  const char* at = p_;
  for (const char c : word) {
    if (at == end_ || *at != c) break;
    ++at;
  }
  return fail(base::ErrorCode::InvalidJson, {}, at);
}

bool JsonScanner::number(std::string_view& token) {
  const char* p = p_;
  if (p < end_ && *p == '-') ++p;
  const char* whole = p;
  p = digits_end(p, end_);
  if (p == whole) return fail(base::ErrorCode::InvalidJson, {}, p);
  if (*whole == '0' && p - whole > 1) return fail(base::ErrorCode::InvalidJson, "a number with a leading zero", whole);
  if (p < end_ && *p == '.') {
    const char* fraction = ++p;
    p = digits_end(p, end_);
    if (p == fraction) return fail(base::ErrorCode::InvalidJson, {}, p);
  }
  if (p < end_ && (*p == 'e' || *p == 'E')) {
    ++p;
    if (p < end_ && (*p == '+' || *p == '-')) ++p;
    const char* exponent = p;
    p = digits_end(p, end_);
    if (p == exponent) return fail(base::ErrorCode::InvalidJson, {}, p);
  }
  token = {p_, static_cast<std::size_t>(p - p_)};
  p_ = p;
  return true;
}

// `stop` is the first character that is not plain. Without an arena it only checks.
bool JsonScanner::escaped_string(const char* from, const char* stop, value::Arena* arena, value::Text* out) {
  const char* close = stop;  // the result is never longer than what is written between the quotes
  while (close < end_ && *close != '"') {
    if (static_cast<unsigned char>(*close) < ' ')
      return fail(base::ErrorCode::InvalidJson, "a control character in a string", close);
    close = plain_end(close + (*close == '\\' ? 2 : 1));
  }
  if (close >= end_) return fail(base::ErrorCode::InvalidJson, "a string without its end", end_);

  char* const text = arena != nullptr ? arena->chars(static_cast<std::size_t>(close - from)) : nullptr;
  char scrap[8];
  char* to = text != nullptr ? text : scrap;
  while (from < close) {
    const char* plain = stop > from ? stop : plain_end(from);
    if (text != nullptr) {
      std::memcpy(to, from, static_cast<std::size_t>(plain - from));
      to += plain - from;
    } else {
      to = scrap;
    }
    from = plain;
    if (from < close && !escape(from, to)) return false;
    stop = from;
  }
  p_ = close + 1;
  if (out != nullptr) *out = {text, static_cast<std::uint64_t>(to - text)};
  return true;
}

// `from` stands on the backslash.
bool JsonScanner::escape(const char*& from, char*& to) {
  if (from[1] == 'u') return unicode_escape(from, to);
  const char c = simple_escape(from[1]);
  if (c == 0) return fail(base::ErrorCode::InvalidJson, "an unknown escape", from);
  *to++ = c;
  from += 2;
  return true;
}

bool JsonScanner::unicode_escape(const char*& from, char*& to) {
  const int first = hex4(from + 2, end_);
  if (first < 0) return fail(base::ErrorCode::InvalidJson, "`\\u` needs four hexadecimal digits", from);
  auto code_point = static_cast<unsigned>(first);
  std::size_t length = 6;
  if (code_point >= 0xD800 && code_point < 0xE000) {
    const bool is_pair = code_point < 0xDC00 && end_ - from >= 8 && from[6] == '\\' && from[7] == 'u';
    const int second = is_pair ? hex4(from + 8, end_) : 0;
    if (second < 0) return fail(base::ErrorCode::InvalidJson, "`\\u` needs four hexadecimal digits", from + 6);
    if (second < 0xDC00 || second > 0xDFFF) return fail(base::ErrorCode::InvalidUtf8, "half of a surrogate pair", from);
    code_point = 0x10000 + ((code_point - 0xD800) << 10) + (static_cast<unsigned>(second) - 0xDC00);
    length = 12;
  }
  to = put_utf8(to, code_point);
  from += length;
  return true;
}

bool JsonScanner::skip_value() {
  std::string_view token;
  switch (next()) {
    case '"': return skip_string();
    case '{': return skip_object();
    case '[': return skip_array();
    case 't': return literal("true");
    case 'f': return literal("false");
    case 'n': return literal("null");
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9': return number(token);
    default: return malformed();
  }
}

bool JsonScanner::skip_array() {
  if (!enter()) return false;
  ++p_;
  if (next() == ']') return ++p_, leave(), true;
  for (;;) {
    if (!skip_value()) return false;
    const After after = after_element(']');
    if (after != After::Comma) return after == After::Close;
  }
}

bool JsonScanner::skip_object() {
  if (!enter()) return false;
  ++p_;
  if (next() == '}') return ++p_, leave(), true;
  for (;;) {
    if (!skip_name() || !skip_value()) return false;
    const After after = after_element('}');
    if (after != After::Comma) return after == After::Close;
  }
}

}  // namespace piperun::record
