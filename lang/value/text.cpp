#include "lang/value/text.h"

#include <algorithm>
#include <cstring>

#include "lang/value/utf8.h"

namespace piperun::value {

namespace {

bool is_white_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) ||
         c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

// Byte position of the code point number `count`, or the end.
std::size_t advance(std::string_view text, std::size_t position, std::int64_t count) {
  for (; count > 0 && position < text.size(); --count) position += code_point_size(text, position);
  return position;
}

std::size_t occurrences(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

Fallible<Text> pad(std::string_view text, std::int64_t width, std::string_view fill, Arena& arena, bool at_start) {
  fill = fill.empty() ? " " : fill.substr(0, code_point_size(fill, 0));
  const std::int64_t missing = width - length(text);
  if (width <= 0 || missing <= 0) return Text{text.data(), text.size()};
  const auto filling = repeat(fill, missing, arena);
  if (!filling) return filling;
  const Cell parts[] = {Cell::of(at_start ? std::string_view(*filling) : text),
                        Cell::of(at_start ? text : std::string_view(*filling))};
  return concat(parts, 2, arena);
}

}  // namespace

std::size_t utf8_sequence(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t size = first >= 0xC2 && first <= 0xDF   ? 2
                           : first >= 0xE0 && first <= 0xEF ? 3
                           : first >= 0xF0 && first <= 0xF4 ? 4
                                                            : 0;
  if (size == 0 || text.size() < size) return 0;
  const unsigned low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  const unsigned high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  if (byte(1) < low || byte(1) > high) return 0;
  for (std::size_t i = 2; i < size; ++i) {
    if (!continues(text[i])) return 0;
  }
  return size;
}

std::size_t first_invalid_utf8(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    std::uint64_t eight;
    if (text.size() - i >= 8 && (std::memcpy(&eight, text.data() + i, 8), (eight & 0x8080808080808080u) == 0)) {
      i += 8;
      continue;
    }
    const std::size_t size = utf8_sequence(text.substr(i));
    if (size == 0) return i;
    i += size;
  }
  return std::string_view::npos;
}

bool is_utf8(std::string_view text) { return first_invalid_utf8(text) == std::string_view::npos; }

std::int64_t length(std::string_view text) {
  std::int64_t count = 0;
  for (std::size_t i = 0; i < text.size(); i += code_point_size(text, i)) ++count;
  return count;
}

void append_utf8(std::string& out, char32_t code_point) {
  char buffer[4];
  out.append(buffer, write_code_point(buffer, code_point));
}

std::string_view substring(std::string_view text, std::int64_t from, std::int64_t count) {
  if (from < 0) {
    const std::int64_t total = length(text);
    if (from < -total) {
      // What lies before the start is cut off too.
      count = count < 0 ? 0 : std::max<std::int64_t>(0, count + (from + total));
      from = 0;
    } else {
      from += total;
    }
  }
  const std::size_t start = advance(text, 0, from);
  return text.substr(start, advance(text, start, count) - start);
}

std::string_view trim_start(std::string_view text) {
  while (!text.empty()) {
    const std::size_t size = code_point_size(text, 0);
    if (!is_white_space(code_point_at(text, 0, size))) break;
    text.remove_prefix(size);
  }
  return text;
}

std::string_view trim_end(std::string_view text) {
  while (!text.empty()) {
    std::size_t start = text.size() - 1;
    while (start > 0 && continues(text[start])) --start;
    if (!is_white_space(code_point_at(text, start, std::min<std::size_t>(text.size() - start, 4)))) break;
    text = text.substr(0, start);
  }
  return text;
}

std::string_view trim(std::string_view text) { return trim_end(trim_start(text)); }

bool starts_with(std::string_view text, std::string_view prefix) { return text.starts_with(prefix); }

bool ends_with(std::string_view text, std::string_view suffix) { return text.ends_with(suffix); }

bool contains(std::string_view text, std::string_view part) { return text.contains(part); }

std::optional<std::int64_t> find(std::string_view text, std::string_view part) {
  const std::size_t position = text.find(part);
  if (position == std::string_view::npos) return std::nullopt;
  return length(text.substr(0, position));
}

List split(std::string_view text, std::string_view separator, Arena& arena) {
  if (separator.empty()) {
    const auto count = static_cast<std::size_t>(length(text));
    Cell* items = arena.cells(count);
    std::size_t i = 0;
    for (std::size_t n = 0; n < count && i < text.size(); ++n) {
      const std::size_t size = code_point_size(text, i);
      items[n] = Cell::of(text.substr(i, size));
      i += size;
    }
    return {items, count};
  }
  const std::size_t count = occurrences(text, separator) + 1;
  Cell* items = arena.cells(count);
  for (std::size_t n = 0; n + 1 < count; ++n) {
    const std::size_t at = text.find(separator);
    items[n] = Cell::of(text.substr(0, at));
    text.remove_prefix(at + separator.size());
  }
  items[count - 1] = Cell::of(text);
  return {items, count};
}

Fallible<Text> join(List strings, std::string_view separator, Arena& arena) {
  std::size_t size = 0;
  for (std::uint64_t i = 0; i < strings.count; ++i) {
    size += strings.items[i].s.size + (i == 0 ? 0 : separator.size());
    if (size > kMaxText) return std::unexpected(Fault::TooLarge);
  }
  char* out = arena.chars(size);
  char* position = out;
  for (std::uint64_t i = 0; i < strings.count; ++i) {
    if (i != 0) position = std::ranges::copy(separator, position).out;
    position = std::ranges::copy(std::string_view(strings.items[i].s), position).out;
  }
  return Text{out, size};
}

Fallible<Text> replace(std::string_view text, std::string_view part, std::string_view with, Arena& arena) {
  if (part.empty()) return Text{text.data(), text.size()};
  const std::size_t count = occurrences(text, part);
  if (count == 0) return Text{text.data(), text.size()};
  if (!with.empty() && count > kMaxText / with.size()) return std::unexpected(Fault::TooLarge);
  const std::size_t size = text.size() - count * part.size() + count * with.size();
  if (size > kMaxText) return std::unexpected(Fault::TooLarge);
  char* out = arena.chars(size);
  char* position = out;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part)) {
    position = std::ranges::copy(text.substr(0, at), position).out;
    position = std::ranges::copy(with, position).out;
    text.remove_prefix(at + part.size());
  }
  std::ranges::copy(text, position);
  return Text{out, size};
}

Fallible<Text> pad_start(std::string_view text, std::int64_t width, std::string_view fill, Arena& arena) {
  return pad(text, width, fill, arena, true);
}

Fallible<Text> pad_end(std::string_view text, std::int64_t width, std::string_view fill, Arena& arena) {
  return pad(text, width, fill, arena, false);
}

Fallible<Text> repeat(std::string_view text, std::int64_t count, Arena& arena) {
  if (count <= 0 || text.empty()) return Text{text.data(), 0};
  if (static_cast<std::uint64_t>(count) > kMaxText / text.size()) return std::unexpected(Fault::TooLarge);
  const std::size_t size = text.size() * static_cast<std::size_t>(count);
  char* out = arena.chars(size);
  for (std::size_t i = 0; i < size; i += text.size()) std::ranges::copy(text, out + i);
  return Text{out, size};
}

Text reverse(std::string_view text, Arena& arena) {
  char* out = arena.chars(text.size());
  std::size_t end = text.size();
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t size = code_point_size(text, i);
    end -= size;
    std::ranges::copy(text.substr(i, size), out + end);
    i += size;
  }
  return {out, text.size()};
}

Text concat(const Cell* strings, std::size_t count, Arena& arena) {
  std::size_t size = 0;
  for (std::size_t i = 0; i < count; ++i) size += strings[i].s.size;
  char* out = arena.chars(size);
  char* position = out;
  for (std::size_t i = 0; i < count; ++i) position = std::ranges::copy(std::string_view(strings[i].s), position).out;
  return {out, size};
}

}  // namespace piperun::value
