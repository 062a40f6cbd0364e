// Mistakes inside of tokens: strings, numbers, timestamps; and what is nested too deep or not closed.
#include <algorithm>
#include <array>
#include <string>

#include "lang/syntax/explanations.h"
#include "lang/syntax/words.h"

namespace piperun::syntax {

using diag::Code;
using diag::Diagnostic;
using source::Span;

Explanation unclosed_block(const Scene& scene) {
  if (!scene.is(Code::P0102)) return {};
  return Diagnostic(Code::P0102, scene.span(scene.at, 1))
      .message("this `{` is never closed")
      .help("add a `}` below, indented like this line");
}

Explanation deep_nesting(const Scene& scene) {
  if (!scene.is(Code::P0109)) return {};
  return Diagnostic(Code::P0109, scene.here())
      .message("nested more than 200 deep")
      .help("name a part of it: `set part = …`, or a function");
}

Explanation unclosed_string(const Scene& scene) {
  if (!scene.is(Code::P0104)) return {};
  return Diagnostic(Code::P0104, scene.span(scene.at, 0))
      .message("this string is not closed: a string ends on its line")
      .label("`\"` is missing")
      .help("a line break in a string is written `\\n`");
}

namespace {

// `a => b`: a comparison, the arrow of a route, or a function without a name.
Diagnostic arrow(const Scene& scene) {
  const Span sign = scene.span(scene.at, 2);
  const std::string_view line = scene.line();
  const std::string_view before = line.substr(0, scene.at - scene.place(line));
  Diagnostic diagnostic(Code::P0118, sign);
  diagnostic.message("`=>` is no sign of this language");
  if (before.contains("when ")) diagnostic.help("where records go: `when total > 100.00 to big`", sign, "to");
  diagnostic.help("to compare, write `>=`", sign, ">=");
  const bool is_inside = std::ranges::count(before, '(') > std::ranges::count(before, ')');
  if (is_inside || scene.before == ")")
    diagnostic.help("a function has a name: `fn f(x: int64) -> int64 = x + 1`; over a list: `sum(l.qty for l in lines)`");
  return diagnostic;
}

}  // namespace

Explanation single_equals(const Scene& scene) {
  if (!scene.is(Code::P0105)) return {};
  const std::string_view next = scene.text.substr(scene.at + 1, 1);
  const Span both = scene.span(scene.at, 2);
  if (next == ">") return arrow(scene);
  if (next == "<") return Diagnostic(Code::P0118, both).message("this comparison is written `<=`").help("write `<=`", both, "<=");
  if (next == "~") {
    return Diagnostic(Code::P0118, both)
        .message("`=~` is no sign of this language")
        .help("a text is held against a pattern by a function: `regex_matches(x, r\"^a\")`");
  }
  return Diagnostic(Code::P0105, scene.here()).help("to compare, write `==`", scene.here(), "==");
}

Explanation chained_comparison(const Scene& scene) {
  if (!scene.is(Code::P0113)) return {};
  return Diagnostic(Code::P0113, scene.here()).label("a second comparison").help("join two comparisons: `0 < a and a < 5`");
}

Explanation repetition_in_string(const Scene& scene) {
  if (!scene.is(Code::P0107)) return {};
  Diagnostic diagnostic(Code::P0107, scene.here());
  diagnostic.message("`{` begins an expression in a string, and this is none");
  const std::size_t quote = scene.text.rfind('"', scene.at);
  if (quote == std::string_view::npos) return diagnostic;
  const bool has_escapes = scene.text.substr(quote, scene.at - quote).find('\\') != std::string_view::npos;
  if (has_escapes) return diagnostic.help("a regular expression is a raw string: r\"…\"");
  return diagnostic.help("a regular expression is a raw string: r\"…\"", scene.span(quote, 0), "r");
}

Explanation unknown_escape(const Scene& scene) {
  if (!scene.is(Code::P0108)) return {};
  const std::size_t length = scene.found.empty() ? 0 : 1;
  return Diagnostic(Code::P0108, scene.span(scene.at - 1, 1 + length))
      .message("there is no escape " + quoted("\\" + std::string(scene.found.substr(0, length))))
      .help("escapes are \\n \\t \\r \\\" \\\\ and \\u{1F600}; a backslash alone is \\\\")
      .help("a regular expression is a raw string: r\"…\"");
}

Explanation lone_brace(const Scene& scene) {
  if (!scene.is(Code::P0110)) return {};
  return Diagnostic(Code::P0110, scene.span(scene.at - 1, 1))
      .help("as text it is written twice: `}}`", scene.span(scene.at, 0), "}");
}

Explanation bad_timestamp(const Scene& scene) {
  if (!scene.is(Code::P0115)) return {};
  const std::size_t end = scene.text.find_first_not_of("0123456789TZ:.+-", scene.at);
  const std::size_t begin = scene.at - std::min<std::size_t>(scene.at, std::string_view("2026-01-31").size());
  return Diagnostic(Code::P0115, scene.span(begin, std::min(end, scene.text.size()) - begin))
      .message("a timestamp needs a time with seconds and an offset behind its date")
      .help("for example `2026-01-31T12:00:00Z` or `2026-01-31T12:00:00+01:00`");
}

// ---- Numbers

namespace {

std::size_t number_begin(const Scene& scene) {
  std::size_t begin = scene.at;
  while (begin > 0 && (is_digit(scene.text[begin - 1]) || scene.text[begin - 1] == '_' || scene.text[begin - 1] == '.')) --begin;
  const std::size_t range = scene.text.substr(begin, scene.at - begin).rfind("..");
  return range == std::string_view::npos ? begin : begin + range + 2;
}

std::string_view unit_for(std::string_view word) {
  for (const UnitWord& unit : kUnitWords) {
    if (unit.word == word) return unit.unit;
  }
  return {};
}

}  // namespace

Explanation wrong_unit(const Scene& scene) {
  if (!scene.is(Code::P0106)) return {};
  const std::size_t begin = number_begin(scene);
  const std::string_view number = scene.text.substr(begin, scene.at - begin);
  std::size_t word_begin = scene.at;
  while (is_blank(scene.text[word_begin])) ++word_begin;
  std::size_t word_end = word_begin;
  while (word_end < scene.text.size() && is_word_char(scene.text[word_end])) ++word_end;
  const std::string_view word = scene.text.substr(word_begin, word_end - word_begin);
  const Span whole = scene.span(begin, word_end - begin);
  const std::string_view unit = unit_for(word);
  if (unit.empty()) {
    const bool is_name = word[0] != '_' && word != "e" && word != "E" && !(number == "0" && word[0] == 'x');
    if (!is_name) return Diagnostic(Code::P0114, whole).help("`1_000`, `10.50` and `1.5e3` are numbers");
    return Diagnostic(Code::P0106, scene.span(word_begin, word.size()))
        .message("unknown unit " + quoted(word))
        .note("units are us ms s m h d; months and years have no fixed length");
  }
  if (number.find('.') != std::string_view::npos) {
    return Diagnostic(Code::P0106, whole)
        .message("a unit stands behind a whole number")
        .help("use a smaller unit, as in `90m` for an hour and a half");
  }
  if (word.starts_with('w')) return Diagnostic(Code::P0106, whole).message("there is no unit for weeks").help("a week is `7d`");
  const std::string right = std::string(number) + std::string(unit);
  return Diagnostic(Code::P0106, whole)
      .message("a duration is written " + quoted(right))
      .help("write " + quoted(right), whole, right);
}

Explanation bad_number(const Scene& scene) {
  if (scene.is(Code::P0114)) {
    const bool zero = scene.mistake.expected.ends_with("leading 0");
    return Diagnostic(Code::P0114, scene.here())
        .message(zero ? "a number has no leading zeros" : "a number has digits on both sides of its point");
  }
  if (!scene.wants_value() || scene.found != "." || scene.at + 1 >= scene.text.size() || !is_digit(scene.text[scene.at + 1]))
    return {};
  return Diagnostic(Code::P0114, scene.here())
      .message("a number has digits on both sides of its point")
      .help("write `0.`…", scene.span(scene.at, 0), "0");
}

// `"{id"`, `"{}"`
Explanation open_interpolation(const Scene& scene) {
  const bool is_empty = scene.wants_value() && scene.before == "{" && (scene.found == "}" || scene.found.starts_with('"'));
  if (is_empty) {
    return Diagnostic(Code::P0101, scene.span(scene.place(scene.before), 1))
        .message("`{` begins an expression in a string, and there is none")
        .help("braces as text are written twice: `{{` and `}}`");
  }
  if (!scene.is(Code::P0101) || !scene.expects("`}`")) return {};
  const std::size_t brace = scene.text.rfind('{', scene.at);
  if (brace == std::string_view::npos) return {};
  const std::size_t end = scene.begins_line() ? scene.at : scene.behind_before();
  Diagnostic diagnostic(Code::P0101, scene.span(brace, 1));
  diagnostic.message("this `{` begins an expression in the string, and no `}` ends it")
      .secondary(scene.span(end, 0), "`}` is missing here")
      .help("write `}` behind the expression", scene.span(end, 0), "}");
  return diagnostic.help("a brace as text is written twice: `{{`");
}

}  // namespace piperun::syntax
