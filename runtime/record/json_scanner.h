// A cursor over one JSON text that accepts exactly RFC 8259: it steps over tokens and whole values and checks every byte it passes.
// The text is UTF-8 already; kPadding readable bytes follow it. A step that fails returns false and keeps the first fault.
#pragma once
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "lang/value/arena.h"
#include "lang/value/cell.h"
#include "runtime/base/result.h"

namespace piperun::record {

inline constexpr int kMaxDepth = 128;  // of arrays and objects

class JsonScanner {
 public:
  void start(std::string_view text) {
    begin_ = p_ = text.data();
    end_ = begin_ + text.size();
    depth_ = 0;
    if (text.starts_with("\xEF\xBB\xBF")) p_ += 3;
  }

  // Steps over white space; what comes next, 0 at the end.
  char next() {
    if (p_ < end_ && static_cast<unsigned char>(*p_) > ' ') return *p_;
    return next_after_space();
  }
  const char* position() const { return p_; }
  const char* end() const { return end_; }
  void advance(std::size_t bytes) { p_ += bytes; }

  bool enter() { return ++depth_ <= kMaxDepth || too_deep(); }
  void leave() { --depth_; }

  // After an element: true if a comma was passed. Otherwise the cursor stands behind `close`, or it failed.
  enum class After : std::uint8_t { Comma, Close, Wrong };
  After after_element(char close) {
    const char c = next();
    if (c == ',') return ++p_, After::Comma;
    if (c == close) return ++p_, leave(), After::Close;
    return malformed(), After::Wrong;
  }

  // A string at the cursor, which stands on its quote; escapes are resolved in the arena, others stay views.
  bool string(value::Arena& arena, value::Text& out) {
    const char* from = p_ + 1;
    const char* stop = plain_end(from);
    if (stop < end_ && *stop == '"') [[likely]] {
      out = {from, static_cast<std::uint64_t>(stop - from)};
      p_ = stop + 1;
      return true;
    }
    return escaped_string(from, stop, &arena, &out);
  }
  bool skip_string() {
    const char* from = p_ + 1;
    const char* stop = plain_end(from);
    if (stop < end_ && *stop == '"') [[likely]]
      return p_ = stop + 1, true;
    return escaped_string(from, stop, nullptr, nullptr);
  }

  // A name and its colon. The cursor stands where the name's quote should.
  bool name(value::Arena& arena, value::Text& out) { return quote() && string(arena, out) && colon(); }
  bool skip_name() { return quote() && skip_string() && colon(); }
  bool colon() { return next() == ':' ? (++p_, true) : malformed(); }

  // A number at the cursor, as written.
  bool number(std::string_view& token);

  // `true`, `false`, `null` at the cursor.
  bool literal(std::string_view word) {
    if (static_cast<std::size_t>(end_ - p_) < word.size() || std::memcmp(p_, word.data(), word.size()) != 0)
      return malformed_in(word);
    p_ += word.size();
    return true;
  }

  // The value that comes next, whatever it is, fully checked.
  bool skip_value();

  // Nothing but white space is left.
  bool finish() { return next() == 0 && p_ == end_ ? true : trailing(); }

  bool fail(base::ErrorCode code, std::string_view what, const char* at) {
    fault_ = code;
    what_ = what;
    fault_at_ = at;
    return false;
  }
  bool malformed() { return fail(base::ErrorCode::InvalidJson, {}, p_); }

  base::ErrorCode fault() const { return fault_; }
  std::string_view what() const { return what_; }  // static words
  std::size_t fault_byte() const { return static_cast<std::size_t>((fault_at_ < end_ ? fault_at_ : end_) - begin_) + 1; }

 private:
  char next_after_space();
  bool quote() { return next() == '"' || malformed(); }
  bool too_deep();
  bool trailing();
  bool malformed_in(std::string_view word);
  bool escaped_string(const char* from, const char* stop, value::Arena* arena, value::Text* out);
  bool escape(const char*& from, char*& to);
  bool unicode_escape(const char*& from, char*& to);
  bool skip_array();
  bool skip_object();

  // First quote, backslash or control character at or after `from`; `end()` or a little more if there is none.
  const char* plain_end(const char* from) const {
#if defined(__SSE2__)
    const __m128i quotes = _mm_set1_epi8('"'), backslashes = _mm_set1_epi8('\\'), last_control = _mm_set1_epi8(0x1f);
    for (; from < end_; from += 16) {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
      const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, last_control), bytes);
      const __m128i stops =
          _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, quotes), _mm_cmpeq_epi8(bytes, backslashes)), control);
      if (const int mask = _mm_movemask_epi8(stops)) return from + std::countr_zero(static_cast<unsigned>(mask));
    }
    return from;
#else
    while (from < end_ && *from != '"' && *from != '\\' && static_cast<unsigned char>(*from) >= ' ') ++from;
    return from;
#endif
  }

  const char* begin_ = nullptr;
  const char* p_ = nullptr;
  const char* end_ = nullptr;
  const char* fault_at_ = nullptr;
  std::string_view what_;
  int depth_ = 0;
  base::ErrorCode fault_ = base::ErrorCode::InvalidJson;
};

}  // namespace piperun::record
