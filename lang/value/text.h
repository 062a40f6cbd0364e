// Strings: UTF-8, counted in code points. Functions that cut return views into their argument; what is new lies in the arena.
// Arguments must be valid UTF-8 (decoding checks it once); invalid bytes never crash, but count as they fall.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lang/value/arena.h"
#include "lang/value/failure.h"

namespace piperun::value {

// Strict: no surrogates, no overlong forms, nothing above U+10FFFF.
bool is_utf8(std::string_view text);

// Position of the first byte that is not part of valid UTF-8, or npos.
std::size_t first_invalid_utf8(std::string_view text);

std::int64_t length(std::string_view text);  // code points

// Appends one code point. Not for surrogates.
void append_utf8(std::string& out, char32_t code_point);

// `count` code points from `from` (0 is the first; negative counts from the end). What lies outside is cut off.
std::string_view substring(std::string_view text, std::int64_t from, std::int64_t count);

// Unicode's simple case mapping (one code point to one), all scripts: `ß` stays.
Text upper(std::string_view text, Arena& arena);
Text lower(std::string_view text, Arena& arena);

// White space as Unicode defines it.
std::string_view trim(std::string_view text);
std::string_view trim_start(std::string_view text);
std::string_view trim_end(std::string_view text);

bool starts_with(std::string_view text, std::string_view prefix);
bool ends_with(std::string_view text, std::string_view suffix);
bool contains(std::string_view text, std::string_view part);

// Code points before the first occurrence, or nullopt.
std::optional<std::int64_t> find(std::string_view text, std::string_view part);

// A list of strings in the arena; n separators give n + 1 parts. An empty separator splits into code points ("" into no part).
List split(std::string_view text, std::string_view separator, Arena& arena);
Fallible<Text> join(List strings, std::string_view separator, Arena& arena);

// All occurrences, left to right. An empty `part` changes nothing. TooLarge.
Fallible<Text> replace(std::string_view text, std::string_view part, std::string_view with, Arena& arena);

// To at least `width` code points with copies of `fill` (its first code point, or a space). TooLarge.
Fallible<Text> pad_start(std::string_view text, std::int64_t width, std::string_view fill, Arena& arena);
Fallible<Text> pad_end(std::string_view text, std::int64_t width, std::string_view fill, Arena& arena);
Fallible<Text> repeat(std::string_view text, std::int64_t count, Arena& arena);  // "" for count <= 0
Text reverse(std::string_view text, Arena& arena);
Text concat(const Cell* strings, std::size_t count, Arena& arena);

// The longest text that a function makes.
inline constexpr std::size_t kMaxText = std::size_t{64} << 20;

// With its quotes, as JSON writes it: `"` `\` and control characters escaped, the rest as it is.
void append_json_string(std::string& out, std::string_view text);

// Base64 of RFC 4648 with padding; decoding takes both alphabets and missing padding. BadEncoding.
void append_base64(std::string& out, std::string_view bytes);
Fallible<std::string> decode_base64(std::string_view text);

}  // namespace piperun::value
