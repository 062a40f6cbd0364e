#include "lang/syntax/mistakes.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "lang/diag/suggest.h"
#include "lang/syntax/words.h"

namespace piperun::syntax {

using diag::Code;
using diag::Diagnostic;
using source::Span;

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word_char(char c) { return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c); }
bool is_word(std::string_view token) { return !token.empty() && is_word_char(token[0]); }
bool is_double_sign(std::string_view sign) {
  constexpr std::array<std::string_view, 8> kSigns = {"??", "?.", "..", "==", "!=", "<=", ">=", "->"};
  return std::ranges::find(kSigns, sign) != kSigns.end();
}
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

// A mistake with the tokens round it.
struct Scene {
  const Mistake& mistake;
  const Text& source;
  std::string_view text = source.text;
  std::size_t at = mistake.at;
  std::string_view found = token_at(at);         // empty at the end of a line
  std::string_view before = token_before(at);    // on the same line; may be empty
  bool blank_before = at > 0 && is_blank(text[at - 1]);

  Span span(std::size_t begin, std::size_t length) const {
    return source.span(static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(begin + length));
  }
  Span here() const { return span(at, found.size()); }
  bool begins_line() const { return before.empty(); }
  bool is(Code code) const { return mistake.code == code; }
  bool wants_value() const { return mistake.expected == "a value" || mistake.expected == "one operand"; }
  bool begins_item() const {
    return is(Code::P0111) || is(Code::P0112) || mistake.expected.starts_with("`name") || mistake.expected == "a field name" ||
           mistake.expected == "`when` or `else`";
  }
  std::string expected() const {
    return mistake.is_word ? "`" + std::string(mistake.expected) + "`" : std::string(mistake.expected);
  }

 private:
  std::string_view token_at(std::size_t begin) const {
    if (mistake.at_line_end || begin >= text.size() || text[begin] == '\n' || text[begin] == '\r') return {};
    std::size_t end = begin + 1;
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    if (is_word_char(text[begin])) {
      while (end < text.size() && is_word_char(text[end])) ++end;
    } else if (is_double_sign(text.substr(begin, 2))) {
      end = begin + 2;
    } else if (text[begin] == '"') {
      const std::size_t close = text.find_first_of("\"\n", end);
      if (close != std::string_view::npos && text[close] == '"') end = close + 1;
    } else if (byte(begin) >= 0x80) {
      while (end < text.size() && byte(end) >= 0x80 && byte(end) < 0xC0) ++end;
    }
    return text.substr(begin, end - begin);
  }
  std::string_view token_before(std::size_t end) const {
    while (end > 0 && is_blank(text[end - 1])) --end;
    if (end == 0 || text[end - 1] == '\n') return {};
    std::size_t begin = end - 1;
    if (begin > 0 && is_double_sign(text.substr(begin - 1, 2))) return text.substr(begin - 1, 2);
    if (text[begin] == '"' && begin > 0) {
      const std::size_t open = text.find_last_of("\"\n", begin - 1);
      if (open != std::string_view::npos && text[open] == '"') return text.substr(open, end - open);
    }
    while (is_word_char(text[end - 1]) && begin > 0 && is_word_char(text[begin - 1])) --begin;
    return text.substr(begin, end - begin);
  }
};

using Explanation = std::optional<Diagnostic>;

std::string quoted(std::string_view text) { return "`" + std::string(text) + "`"; }

// ---- Places with a code of their own

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

Explanation single_equals(const Scene& scene) {
  if (!scene.is(Code::P0105)) return {};
  const std::string_view next = scene.text.substr(scene.at + 1, 1);
  if (next == ">" || next == "<") {
    const std::string right = std::string(next) + "=";
    return Diagnostic(Code::P0118, scene.span(scene.at, 2))
        .message("this comparison is written `" + right + "`")
        .help("write `" + right + "`", scene.span(scene.at, 2), right);
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

// ---- What stands there tells what was meant

Explanation odd_character(const Scene& scene) {
  if (scene.found.empty()) return {};
  const auto byte = static_cast<unsigned char>(scene.found[0]);
  if (byte >= 0x80) {
    return Diagnostic(Code::P0123, scene.here())
        .message("names are made of ASCII letters, digits and `_`")
        .help("data that calls a field otherwise is mapped: `cafe: string from \"café\"`");
  }
  if (byte < 0x20 || byte == 0x7F) return Diagnostic(Code::P0123, scene.here()).message("a control character cannot stand here");
  return {};
}

Explanation foreign_sign(const Scene& scene) {
  if (scene.mistake.at_line_end || scene.found.empty()) return {};
  for (const ForeignSign& foreign : kForeignSigns) {
    for (std::size_t back = 0; back < foreign.sign.size() && back <= scene.at; ++back) {
      const std::size_t begin = scene.at - back;
      if (!scene.text.substr(begin).starts_with(foreign.sign)) continue;
      if (foreign.only_for_values && !scene.wants_value()) continue;
      if (foreign.sign == "?" && begin > 0 && scene.text[begin - 1] == '?') continue;
      const Span where = scene.span(begin, foreign.sign.size());
      Diagnostic diagnostic(Code::P0118, where);
      diagnostic.message(foreign.sign == "!" ? "`!` stands behind what can fail, it does not negate"
                                             : quoted(foreign.sign) + " is no sign of this language");
      return foreign.ours.empty() ? diagnostic.help(std::string(foreign.advice))
                                  : diagnostic.help(std::string(foreign.advice), where, std::string(foreign.ours));
    }
  }
  return {};
}

Explanation foreign_operator(const Scene& scene) {
  if (!scene.is(Code::P0119) || scene.before.empty()) return {};
  for (const ForeignOperator& foreign : kForeignOperators) {
    if (foreign.word != scene.found) continue;
    if (foreign.word == "when" && scene.before != "case") continue;
    Diagnostic diagnostic(Code::P0119, scene.here());
    diagnostic.message("expected " + scene.expected() + ", not " + quoted(scene.found));
    return foreign.ours.empty() ? diagnostic.help(std::string(foreign.advice))
                                : diagnostic.help(std::string(foreign.advice), scene.here(), std::string(foreign.ours));
  }
  return {};
}

// `map { total: amount }`
Explanation colon_in_record(const Scene& scene) {
  const bool is_item = scene.is(Code::P0119) && scene.mistake.expected.starts_with("`,`");
  if (!is_item || scene.found != ":" || !is_word(scene.before)) return {};
  return Diagnostic(Code::P0122, scene.here()).help("write `=`", scene.here(), " =");
}

// `x in ("a", "b")`
Explanation list_in_parentheses(const Scene& scene) {
  if (scene.mistake.opened == Mistake::kNowhere || scene.found != "," || scene.text[scene.mistake.opened] != '(') return {};
  std::string_view head = scene.text.substr(0, scene.mistake.opened);
  while (!head.empty() && is_blank(head.back())) head.remove_suffix(1);
  if (!head.ends_with(" in")) return {};
  return Diagnostic(Code::P0101, scene.span(scene.mistake.opened, 1))
      .message("a list stands in `[…]`")
      .help("write `[` and `]` in place of the parentheses");
}

Explanation dedup_for_how_long(const Scene& scene) {
  if (scene.mistake.expected != "within") return {};
  const std::size_t line = scene.at == 0 ? 0 : scene.text.rfind('\n', scene.at - 1) + 1;
  const std::size_t word = std::min(scene.text.find_first_not_of(" \t", line), scene.text.size());
  if (!scene.text.substr(word).starts_with("dedup ")) return {};
  return Diagnostic(Code::P0500, scene.span(word, std::string_view("dedup").size()))
      .message("`dedup` needs a `within`")
      .help("`within 24h`: how long a key is remembered");
}

// The declaration whose name stands right before the mistake: `table customers = …`.
std::string_view declared_before(const Scene& scene) {
  const std::size_t name = static_cast<std::size_t>(scene.before.data() - scene.text.data());
  if (scene.before.empty() || name == 0) return {};
  const std::size_t newline = scene.text.rfind('\n', name - 1);
  std::string_view head = scene.text.substr(newline == std::string_view::npos ? 0 : newline + 1, name);
  head = head.substr(0, name - static_cast<std::size_t>(head.data() - scene.text.data()));
  while (!head.empty() && is_blank(head.back())) head.remove_suffix(1);
  while (!head.empty() && is_blank(head.front())) head.remove_prefix(1);
  return std::ranges::find(kDeclarations, head) == kDeclarations.end() ? std::string_view{} : head;
}

Explanation colon_or_equals(const Scene& scene) {
  const bool is_colon = scene.mistake.expected == "`=`" && scene.found == ":";
  const bool is_equals = scene.mistake.expected == "`:`" && scene.found == "=";
  if (!is_colon && !is_equals) return {};
  const std::string_view keyword = declared_before(scene);
  Diagnostic diagnostic(keyword.empty() ? Code::P0122 : Code::P0101, scene.here());
  if (keyword.empty()) {
    return is_colon ? diagnostic.help("write `=`", scene.here(), " =") : diagnostic.help("write `:`", scene.here(), ":");
  }
  const std::string name(scene.before);
  if (is_equals) {
    return diagnostic.message("a " + std::string(keyword) + " has a type")
        .help("write `" + std::string(keyword) + " " + name + ": Type = …`");
  }
  return diagnostic.message("a " + std::string(keyword) + " has no type")
      .help("write `" + std::string(keyword) + " " + name + " = …`");
}

Explanation stray_bracket(const Scene& scene) {
  const bool closes = scene.found == ")" || scene.found == "]" || scene.found == "}";
  if (!closes || !(scene.is(Code::P0119) || scene.begins_item())) return {};
  return Diagnostic(Code::P0120, scene.here())
      .message(quoted(scene.found) + " closes nothing")
      .help("remove it", scene.here(), "");
}

Explanation misplaced_range(const Scene& scene) {
  if (!scene.text.substr(scene.at).starts_with("..") || scene.mistake.at_line_end || scene.wants_value()) return {};
  return Diagnostic(Code::P0124, scene.span(scene.at, 2)).help("compare with both ends: `low <= x and x <= high`");
}

Explanation blank_before_postfix(const Scene& scene) {
  constexpr std::array<std::string_view, 4> kPostfix = {"(", "[", ".", "!"};
  const bool after_value = is_word(scene.before) || scene.before == ")" || scene.before == "]" || scene.before == "!";
  if (!scene.is(Code::P0119) || !scene.blank_before || !after_value || std::ranges::find(kPostfix, scene.found) == kPostfix.end())
    return {};
  const std::size_t end = static_cast<std::size_t>(scene.before.data() - scene.text.data()) + scene.before.size();
  return Diagnostic(Code::P0125, scene.here())
      .message(quoted(scene.found) + " touches what it follows")
      .help("remove the blank", scene.span(end, scene.at - end), "");
}

Explanation blank_behind_sign(const Scene& scene) {
  const bool touches = scene.before == "." || scene.before == "?." || scene.before == "$";
  if (!touches || scene.mistake.expected != "a name" || scene.found.empty() || !is_blank(scene.found[0])) return {};
  const std::size_t next = std::min(scene.text.find_first_not_of(" \t\r", scene.at), scene.text.size());
  const Span blank = scene.span(scene.at, next - scene.at);
  return Diagnostic(Code::P0125, blank)
      .message("a name touches the " + quoted(scene.before) + " before it")
      .help("remove the blank", blank, "");
}

Explanation needs_parentheses(const Scene& scene) {
  if (scene.is(Code::P0117)) {
    return Diagnostic(Code::P0117, scene.here())
        .message("to the right of `catch` stands one operand")
        .help("put parentheses round it: `x catch (a + b)`, or round the `catch`: `(x catch a) + b`");
  }
  const bool longer =
      scene.found == "if" || scene.found == "not" || (scene.found == "-" && scene.mistake.expected == "one operand");
  if (!scene.wants_value() || !longer) return {};
  return Diagnostic(Code::P0117, scene.here())
      .message(quoted(scene.found) + " needs parentheses here")
      .help("write `(" + std::string(scene.found) + " …)`");
}

Explanation continued_line(const Scene& scene) {
  constexpr std::array<std::string_view, 7> kWords = {"and", "or", "catch", "then", "else", "in", "is"};
  constexpr std::string_view kSigns = "+-*/%<>=?.!,";
  if (!scene.begins_item() || scene.found.empty() || !scene.begins_line()) return {};
  const bool is_sign = kSigns.find(scene.found[0]) != std::string_view::npos;
  if (!is_sign && std::ranges::find(kWords, scene.found) == kWords.end()) return {};
  return Diagnostic(Code::P0116, scene.here())
      .message("a line cannot begin with " + quoted(scene.found))
      .help("to go on with an expression, put its operator at the end of the line above, or put the expression in parentheses");
}

// ---- Words that begin an item

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

Explanation assignment_without_set(const Scene& scene) {
  if (!scene.is(Code::P0112) || !is_word(scene.found)) return {};
  std::size_t next = scene.at + scene.found.size();
  while (next < scene.text.size() && (is_word_char(scene.text[next]) || scene.text[next] == '.')) ++next;
  while (next < scene.text.size() && is_blank(scene.text[next])) ++next;
  const std::string_view rest = scene.text.substr(next, 2);
  if (!rest.starts_with('=') || rest == "==") return {};
  return Diagnostic(Code::P0112, scene.here())
      .message("a stage begins with a keyword")
      .help("to set a field, write `set`", scene.span(scene.at, 0), "set ");
}

Explanation unknown_item(const Scene& scene) {
  if (!(scene.is(Code::P0111) || scene.is(Code::P0112)) || !is_word(scene.found)) return {};
  const bool in_file = scene.is(Code::P0111);
  Diagnostic diagnostic(scene.mistake.code, scene.here());
  diagnostic.message(quoted(scene.found) + (in_file ? " begins no declaration" : " begins no stage"));
  if (in_file && contains(kStages, scene.found))
    return diagnostic.label("a stage").help("stages stand in a flow: `flow name { … }`");
  if (!in_file && contains(kDeclarations, scene.found)) {
    return diagnostic.label("a declaration").help("declarations stand outside of flows; is a `}` missing above?");
  }
  std::vector<std::string> words;
  for (const std::string_view word : kStages)
    if (!in_file) words.emplace_back(word);
  for (const std::string_view word : kDeclarations)
    if (in_file) words.emplace_back(word);
  if (const auto near = diag::suggest(scene.found, words))
    return diagnostic.help("did you mean " + quoted(*near) + "?", scene.here(), *near);
  for (const Synonym& synonym : kSynonyms) {
    if (synonym.word == scene.found && synonym.is_declaration == in_file) {
      return diagnostic.help("here it is called " + quoted(synonym.ours));
    }
  }
  std::string all;
  for (const std::string& word : words) all += (all.empty() ? "" : ", ") + word;
  return diagnostic.note((in_file ? "declarations begin with " : "stages begin with ") + all);
}

// ---- Everything else

Explanation unclosed_bracket(const Scene& scene) {
  if (scene.mistake.opened == Mistake::kNowhere) return {};
  const Span opened = scene.span(scene.mistake.opened, 1);
  const bool closes = scene.found == "}" || scene.found == ")" || scene.found == "]";
  if (scene.found.empty() || closes) {
    return Diagnostic(Code::P0103, scene.here())
        .message("expected " + scene.expected() + (scene.before.empty() ? "" : " after " + quoted(scene.before)))
        .secondary(opened, "to close this");
  }
  return Diagnostic(Code::P0101, scene.here())
      .message("expected " + scene.expected() + ", not " + quoted(scene.found))
      .secondary(opened, "inside of this");
}

Diagnostic unexpected(const Scene& scene) {
  Diagnostic diagnostic(scene.mistake.code, scene.here());
  if (!scene.found.empty()) return diagnostic.message("expected " + scene.expected() + ", not " + quoted(scene.found));
  return diagnostic.message("expected " + scene.expected() + (scene.before.empty() ? "" : " after " + quoted(scene.before)))
      .label("missing here");
}

// The first that knows what to say speaks.
constexpr std::array kExplanations = {
    unclosed_block,         deep_nesting,     unclosed_string,      single_equals,       chained_comparison, repetition_in_string,
    unknown_escape,         lone_brace,       bad_timestamp,        wrong_unit,          bad_number,         odd_character,
    dedup_for_how_long,     foreign_operator, colon_in_record,      list_in_parentheses, foreign_sign,       colon_or_equals,
    stray_bracket,          misplaced_range,  blank_before_postfix, blank_behind_sign,   needs_parentheses,  continued_line,
    assignment_without_set, unknown_item,     unclosed_bracket,
};

}  // namespace

Diagnostic describe(const Mistake& mistake, const Text& text) {
  const Scene scene{mistake, text};
  for (const auto explain : kExplanations) {
    if (Explanation explanation = explain(scene)) return std::move(*explanation);
  }
  return unexpected(scene);
}

}  // namespace piperun::syntax
