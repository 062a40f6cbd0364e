// Upper and lower case.
#include <algorithm>
#include <iterator>

#include "lang/value/text.h"
#include "lang/value/utf8.h"

namespace piperun::value {

namespace {

struct Range {
  char32_t first;
  char32_t last;
  int step;
  int distance;
};

constexpr Range kUpper[] = {
#define UPPER(first, last, step, distance) {first, last, step, distance},
#define LOWER(first, last, step, distance)
#include "lang/value/case_ranges.def"
#undef UPPER
#undef LOWER
};

constexpr Range kLower[] = {
#define UPPER(first, last, step, distance)
#define LOWER(first, last, step, distance) {first, last, step, distance},
#include "lang/value/case_ranges.def"
#undef UPPER
#undef LOWER
};

template <std::size_t kCount>
char32_t mapped(const Range (&ranges)[kCount], char32_t code) {
  const Range* range = std::ranges::lower_bound(ranges, code, {}, &Range::last);
  if (range == std::end(ranges) || code < range->first || (code - range->first) % static_cast<char32_t>(range->step) != 0)
    return code;
  return static_cast<char32_t>(static_cast<int>(code) + range->distance);
}

template <std::size_t kCount>
Text map_text(std::string_view text, const Range (&ranges)[kCount], char first, char last, Arena& arena) {
  // A mapped code point may take more bytes: 2 become 3 at most.
  const bool is_ascii = std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
  char* out = arena.chars(is_ascii ? text.size() : text.size() * 2);
  std::size_t written = 0;
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (static_cast<unsigned char>(c) < 0x80) {
      out[written++] = c >= first && c <= last ? static_cast<char>(c ^ 0x20) : c;
      ++i;
      continue;
    }
    const std::size_t size = code_point_size(text, i);
    if (size == 1) {
      out[written++] = c;
    } else {
      written += write_code_point(out + written, mapped(ranges, code_point_at(text, i, size)));
    }
    i += size;
  }
  return {out, written};
}

}  // namespace

Text upper(std::string_view text, Arena& arena) { return map_text(text, kUpper, 'a', 'z', arena); }

Text lower(std::string_view text, Arena& arena) { return map_text(text, kLower, 'A', 'Z', arena); }

}  // namespace piperun::value
