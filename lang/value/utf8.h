// One code point at a time. But for utf8_sequence the text is valid UTF-8; on what is not, a reader still moves on and stays inside.
#pragma once
#include <cstddef>
#include <string_view>

namespace piperun::value {

// Bytes of the well-formed sequence that `text` (not empty) starts with, or 0 (Unicode 15, table 3-7).
std::size_t utf8_sequence(std::string_view text);

inline bool continues(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

// Bytes of the code point at `position`: 1 … 4.
inline std::size_t code_point_size(std::string_view text, std::size_t position) {
  std::size_t end = position + 1;
  while (end < text.size() && end < position + 4 && continues(text[end])) ++end;
  return end - position;
}

inline char32_t code_point_at(std::string_view text, std::size_t position, std::size_t size) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[position + i]); };
  if (size == 1) return byte(0);
  char32_t code = byte(0) & (0x7Fu >> size);
  for (std::size_t i = 1; i < size; ++i) code = (code << 6) | (byte(i) & 0x3Fu);
  return code;
}

// Writes 1 … 4 bytes and returns their number.
inline std::size_t write_code_point(char* out, char32_t code) {
  const auto tail = [&](int shift) { return static_cast<char>(0x80 | ((code >> shift) & 0x3F)); };
  if (code < 0x80) {
    out[0] = static_cast<char>(code);
    return 1;
  }
  if (code < 0x800) {
    out[0] = static_cast<char>(0xC0 | (code >> 6));
    out[1] = tail(0);
    return 2;
  }
  if (code < 0x10000) {
    out[0] = static_cast<char>(0xE0 | (code >> 12));
    out[1] = tail(6);
    out[2] = tail(0);
    return 3;
  }
  out[0] = static_cast<char>(0xF0 | (code >> 18));
  out[1] = tail(12);
  out[2] = tail(6);
  out[3] = tail(0);
  return 4;
}

}  // namespace piperun::value
