// Mistakes of habit: signs, operators and forms of other languages.
#include <algorithm>
#include <array>
#include <ranges>
#include <string>

#include "lang/syntax/explanations.h"
#include "lang/syntax/words.h"

namespace piperun::syntax {

using diag::Code;
using diag::Diagnostic;
using source::Span;

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

namespace {

// `a || b`: a choice, or texts one behind the other.
Diagnostic two_bars(const Scene& scene, std::size_t begin) {
  const Span where = scene.span(begin, 2);
  const std::size_t next = scene.text.find_first_not_of(" \t", begin + 2);
  const bool has_text = scene.before.ends_with('"') || (next != std::string_view::npos && scene.text[next] == '"');
  Diagnostic diagnostic(Code::P0118, where);
  diagnostic.message("`||` is no sign of this language");
  if (!has_text) diagnostic.help("for conditions write `or`", where, "or");
  diagnostic.help("texts are put together in one string: \"{a}{b}\"");
  return has_text ? diagnostic.help("what stands in for null: `a ?? \"none\"`") : diagnostic;
}

}  // namespace

Explanation foreign_sign(const Scene& scene) {
  if (scene.mistake.at_line_end || scene.found.empty()) return {};
  for (const ForeignSign& foreign : kForeignSigns) {
    for (std::size_t back = 0; back < foreign.sign.size() && back <= scene.at; ++back) {
      const std::size_t begin = scene.at - back;
      if (!scene.text.substr(begin).starts_with(foreign.sign)) continue;
      if (foreign.only_for_values && !scene.wants_value()) continue;
      if (foreign.sign == "?" && begin > 0 && scene.text[begin - 1] == '?') continue;
      const Span where = scene.span(begin, foreign.sign.size());
      if (foreign.sign == "||") return two_bars(scene, begin);
      if (foreign.sign == "=>")
        return Diagnostic(Code::P0118, where)
            .message("`=>` is no sign of this language")
            .help("a value is given with `=`, records are sent with `to`, and `>=` compares");
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

// `delivery = exactly once`
Explanation guarantee_in_words(const Scene& scene) {
  if (!scene.is(Code::P0119) || scene.before.empty()) return {};
  const std::size_t begin = scene.place(scene.before);
  for (const std::string_view words : {"exactly once", "at least once", "at most once"}) {
    if (!scene.text.substr(begin).starts_with(words)) continue;
    std::string ours(words);
    std::ranges::replace(ours, ' ', '_');
    const Span where = scene.span(begin, words.size());
    return Diagnostic(Code::P0119, where).message("a guarantee is one word").help("write " + quoted(ours), where, ours);
  }
  return {};
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

// `if x: y else: z`, `if (x) { y } else { z }`, `elif`
Explanation python_choice(const Scene& scene) {
  constexpr std::array<std::string_view, 3> kElseIf = {"elif", "elsif", "elseif"};
  constexpr std::string_view kForm = "a choice is written `if a then b else c`";
  if (scene.expects("then") && (scene.found == ":" || scene.found == "{")) {
    Diagnostic diagnostic(Code::P0101, scene.here());
    diagnostic.message(std::string(kForm));
    if (scene.found == "{") return diagnostic.help("`then` and `else` stand in place of the braces");
    return diagnostic.help("write `then`", scene.here(), " then");
  }
  if (scene.wants_value() && scene.found == ":" && scene.before == "else") {
    return Diagnostic(Code::P0101, scene.here()).message(std::string(kForm)).help("without the colon", scene.here(), "");
  }
  if (!scene.expects("else") || std::ranges::find(kElseIf, scene.found) == kElseIf.end()) return {};
  return Diagnostic(Code::P0101, scene.here()).message(std::string(kForm)).help("write `else if`", scene.here(), "else if");
}

// `a if c else b`
Explanation choice_behind_value(const Scene& scene) {
  const bool is_behind = scene.is(Code::P0119) || scene.mistake.opened != Mistake::kNowhere;
  if (!is_behind || scene.found != "if" || scene.begins_line() || scene.wants_value()) return {};
  Diagnostic diagnostic(scene.mistake.code == Code::P0119 ? Code::P0119 : Code::P0101, scene.here());
  diagnostic.message("a choice begins with `if`, it does not stand behind a value");
  if (scene.first_word() == "to")
    return diagnostic.help("records are chosen by `filter`, or by `route { when … to … else to … }`");
  return diagnostic.help("write `if a then b else c`");
}

// `id is 3`
Explanation is_with_value(const Scene& scene) {
  constexpr std::array<std::string_view, 4> kNulls = {"NULL", "Null", "None", "nil"};
  if (!scene.expects("null") || scene.found.empty() || (scene.before != "is" && scene.before != "not")) return {};
  Diagnostic diagnostic(Code::P0101, scene.here());
  diagnostic.message("`is` asks for `null` and nothing else");
  if (std::ranges::find(kNulls, scene.found) != kNulls.end()) return diagnostic.help("write `null`", scene.here(), "null");
  const bool negated = scene.before == "not";
  const std::size_t is = scene.text.rfind("is", scene.place(scene.before) + 1);
  const std::string sign = negated ? "!=" : "==";
  return diagnostic.help("to compare, write " + quoted(sign), scene.span(is, scene.behind_before() - is), sign);
}

// `to a, b`
Explanation several_sinks(const Scene& scene) {
  if (!scene.is(Code::P0119) || scene.found != "," || scene.first_word() != "to") return {};
  Diagnostic diagnostic(Code::P0119, scene.here());
  diagnostic.message("a `to` names one sink");
  const std::string_view line = scene.line();
  const std::size_t end = scene.place(line) + line.size();
  const std::size_t next = std::min(scene.text.find_first_not_of(" \t", scene.at + 1), end);
  if (next == end || !is_word_char(scene.text[next])) return diagnostic.help("write one line for each sink");
  std::size_t behind = next;
  while (behind < end && is_word_char(scene.text[behind])) ++behind;
  const std::string to = "to " + std::string(scene.text.substr(next, behind - next));
  const std::string indent(line.substr(0, line.find_first_not_of(" \t")));
  return diagnostic.help("write " + quoted(to) + " on a line of its own", scene.span(scene.at, behind - scene.at),
                         "\n" + indent + to);
}

// `map (a, b)`, `map a, b`
Explanation fields_in_parentheses(const Scene& scene) {
  if (!scene.expects("`{`") || scene.first_word() != "map") return {};
  Diagnostic diagnostic(Code::P0101, scene.here());
  diagnostic.message("the fields of a `map` stand in `{…}`");
  const char close = scene.found == "(" ? ')' : scene.found == "[" ? ']' : '\0';
  const std::string_view rest = scene.line().substr(scene.at - scene.place(scene.line()));
  const std::size_t length = close == '\0' ? std::string_view::npos : rest.rfind(close);
  if (length == std::string_view::npos) return diagnostic.help("for example `map { id, total = price * 2 }`");
  const std::string fields = "{ " + std::string(rest.substr(1, length - 1)) + " }";
  return diagnostic.help("write " + quoted(fields), scene.span(scene.at, length + 1), fields);
}

// `lines: Line[]`, `note: optional string`
Explanation foreign_type(const Scene& scene) {
  if (!scene.is(Code::P0119) || !is_word(scene.before)) return {};
  Diagnostic diagnostic(Code::P0119, scene.here());
  if (scene.text.substr(scene.at).starts_with("[]")) {
    const std::string list = "list<" + std::string(scene.before) + ">";
    return diagnostic.message("a list of these is written " + quoted(list))
        .help("write " + quoted(list), scene.span(scene.place(scene.before), scene.before.size() + 2), list);
  }
  if (!is_word(scene.found) || (scene.before != "optional" && scene.before != "nullable")) return {};
  const std::string type = std::string(scene.found) + "?";
  const std::size_t begin = scene.place(scene.before);
  return diagnostic.message("what may be absent or null is written " + quoted(type))
      .help("write " + quoted(type), scene.span(begin, scene.at + scene.found.size() - begin), type);
}

namespace {

// What ends with `text` stands behind a `:`; what is in brackets is passed over.
bool is_behind_colon(std::string_view text) {
  int depth = 0;
  for (const char c : text | std::views::reverse) {
    if (c == ')' || c == '>') ++depth;
    else if (c == '(' || c == '<') --depth;
    if (depth < 0) return false;
    if (depth == 0 && (c == ':' || c == '=' || c == ',' || c == '{')) return c == ':';
  }
  return false;
}

}  // namespace

// `note: string | null`, `note?: string`, `note: ?string`
Explanation nullable_type(const Scene& scene) {
  constexpr std::string_view kRule = "what may be absent or null has a `?` behind its type";
  const std::string_view line = scene.line();
  const bool is_type = is_behind_colon(line.substr(0, scene.at - scene.place(line)));
  Diagnostic diagnostic(scene.is(Code::P0119) ? Code::P0119 : Code::P0101, scene.here());
  if (scene.found == "?" && (scene.expects("`:`") || (scene.expects("a type") && is_type)))
    return diagnostic.message(std::string(kRule)).help("for example `note: string?`");
  const bool is_choice = scene.found == "or" || (scene.found == "|" && !scene.text.substr(scene.at).starts_with("||"));
  const bool is_behind_type = is_word(scene.before) || scene.before == ">" || scene.before == ")";
  if (!is_type || !is_choice || !is_behind_type) return {};
  const std::size_t begin = scene.text.find_first_not_of(" \t", scene.at + scene.found.size());
  const std::string_view next = first_word_of(scene.text.substr(std::min(begin, scene.text.size())));
  if (next != "null" && scene.before != "null")
    return diagnostic.message("one type stands here")
        .help("what comes in several forms is `json`, and is looked into by `j.name`");
  if (!is_word(scene.before)) return diagnostic.message(std::string(kRule)).help("for example `notes: list<string>?`");
  const std::string type = std::string(next == "null" ? scene.before : next) + "?";
  const std::size_t first = scene.place(scene.before);
  return diagnostic.message(std::string(kRule))
      .help("write " + quoted(type), scene.span(first, begin + next.size() - first), type);
}

// `a and` with `// words` on the next line
Explanation comment_below(const Scene& scene) {
  if (!scene.mistake.at_line_end || !scene.wants_value()) return {};
  const std::size_t next = scene.text.find_first_not_of(" \t\r\n", scene.at);
  if (next == std::string_view::npos || !scene.text.substr(next).starts_with("//")) return {};
  return Diagnostic(Code::P0118, scene.span(next, 2))
      .message("`//` is no sign of this language")
      .help("a comment begins with `#`", scene.span(next, 2), "#");
}

// `flow f = {`, `flow f(x) {`
Explanation flow_head(const Scene& scene) {
  if (!scene.expects("`{`") || scene.first_word() != "flow") return {};
  Diagnostic diagnostic(Code::P0101, scene.here());
  diagnostic.message("the stages of a flow stand in `{…}`");
  if (scene.found == "(")
    return diagnostic.help("a flow has no parameters: `from` says what it reads, `param` what is set from outside");
  if (scene.found != "=") return {};
  const std::size_t behind = scene.behind_before();
  return diagnostic.help("without the `=`", scene.span(behind, scene.at + 1 - behind), "");
}

// `enrich c = customers on customer_id`
Explanation look_up_by_join(const Scene& scene) {
  if (!scene.is(Code::P0119) || scene.first_word() != "enrich" || (scene.found != "on" && scene.found != "by")) return {};
  return Diagnostic(Code::P0119, scene.here())
      .message("a row is looked up by its key in brackets")
      .help("write " + quoted(std::string(scene.before) + "[…]"));
}

}  // namespace piperun::syntax
