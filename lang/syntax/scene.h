// A mistake with what stands round it, and what an explanation of it is made of.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "lang/diag/diagnostic.h"
#include "lang/syntax/build.h"
#include "lang/syntax/characters.h"

namespace piperun::syntax {

// The word that a line begins with; may be empty.
std::string_view first_word_of(std::string_view line);

inline bool is_word(std::string_view token) { return !token.empty() && is_word_char(token[0]); }
inline std::string quoted(std::string_view text) { return "`" + std::string(text) + "`"; }

struct Scene {
  const Mistake& mistake;
  const Text& source;
  std::string_view text = source.text;
  std::size_t at = mistake.at;
  std::string_view found = token_at(at);       // empty at the end of a line
  std::string_view before = token_before(at);  // on the same line; may be empty
  bool blank_before = at > 0 && is_blank(text[at - 1]);

  source::Span span(std::size_t begin, std::size_t length) const {
    return source.span(static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(begin + length));
  }
  source::Span here() const { return span(at, found.size()); }
  std::size_t place(std::string_view token) const { return static_cast<std::size_t>(token.data() - text.data()); }
  std::string_view line() const;        // without its newline
  std::string_view first_word() const;  // of the line; may be empty
  // The line with which the stage begins that the mistake is in; empty: it is in no flow.
  std::string_view stage_line() const;
  std::size_t behind_before() const { return place(before) + before.size(); }

  bool begins_line() const { return before.empty(); }
  bool is(diag::Code code) const { return mistake.code == code; }
  bool expects(std::string_view what) const { return mistake.expected == what; }
  bool wants_value() const { return expects("a value") || expects("one operand"); }
  bool begins_item() const {
    return is(diag::Code::P0111) || is(diag::Code::P0112) || mistake.expected.starts_with("`name") || expects("a field name") ||
           expects("`when` or `else`");
  }
  std::string expected() const {
    return mistake.is_word ? "`" + std::string(mistake.expected) + "`" : std::string(mistake.expected);
  }

 private:
  std::string_view token_at(std::size_t begin) const;
  std::string_view token_before(std::size_t end) const;
};

// What to say about a mistake; nullopt: it is not of this sort.
using Explanation = std::optional<diag::Diagnostic>;

}  // namespace piperun::syntax
