// Mistakes in items: words that begin one, names with values and types, brackets and lines that do not go on.
#include <algorithm>
#include <array>
#include <string>

#include "lang/catalog/catalog.h"
#include "lang/diag/suggest.h"
#include "lang/syntax/explanations.h"
#include "lang/syntax/words.h"

namespace piperun::syntax {

using diag::Code;
using diag::Diagnostic;
using source::Span;

namespace {

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

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

}  // namespace

Explanation dedup_for_how_long(const Scene& scene) {
  if (scene.mistake.expected != "within") return {};
  const std::size_t line = scene.at == 0 ? 0 : scene.text.rfind('\n', scene.at - 1) + 1;
  const std::size_t word = std::min(scene.text.find_first_not_of(" \t", line), scene.text.size());
  if (!scene.text.substr(word).starts_with("dedup ")) return {};
  if (scene.text.substr(word).starts_with("dedup by ")) {
    return Diagnostic(Code::P0101, scene.span(word + 6, 2))
        .message("`dedup` names its keys at once")
        .help("without the `by`", scene.span(word + 6, 3), "");
  }
  return Diagnostic(Code::P0500, scene.span(word, std::string_view("dedup").size()))
      .message("`dedup` needs a `within`")
      .help("`within 24h`: how long a key is remembered");
}

Explanation colon_or_equals(const Scene& scene) {
  const bool is_colon = scene.mistake.expected == "`=`" && scene.found == ":";
  const bool is_equals = scene.mistake.expected == "`:`" && scene.found == "=";
  if (!is_colon && !is_equals) return {};
  const std::string_view keyword = declared_before(scene);
  Diagnostic diagnostic(keyword.empty() ? Code::P0122 : Code::P0101, scene.here());
  if (keyword.empty() && is_equals) return diagnostic.help("write `:`", scene.here(), ":");
  if (keyword.empty()) {
    const bool is_option = is_word(scene.before) && scene.first_word() == scene.before;
    if (is_option) diagnostic.message("an option is given with `=`: " + quoted(std::string(scene.before) + " = …"));
    return diagnostic.help("write `=`", scene.here(), " =");
  }
  const std::string name(scene.before);
  if (is_equals) {
    return diagnostic.message("a " + std::string(keyword) + " has a type")
        .help("write `" + std::string(keyword) + " " + name + ": Type = …`");
  }
  return diagnostic.message("a " + std::string(keyword) + " has no type")
      .help("write `" + std::string(keyword) + " " + name + " = …`");
}

// `group.id = "x"`: a setting of the Kafka client where an option stands.
Explanation setting_as_option(const Scene& scene) {
  const bool is_dotted = scene.expects("`=`") && scene.found == "." && is_word(scene.before);
  if (!is_dotted || !scene.stage_line().empty() || !declared_before(scene).empty()) return {};
  const std::size_t begin = scene.place(scene.before);
  std::size_t end = scene.at;
  while (end < scene.text.size() && (scene.text[end] == '.' || is_word_char(scene.text[end]))) ++end;
  const std::string name(scene.text.substr(begin, end - begin));
  Diagnostic diagnostic(Code::P0101, scene.span(begin, end - begin));
  diagnostic.message("options have no point in their names");
  const auto refused = catalog::refused_properties();
  const auto setting = std::ranges::find(refused, name, &catalog::RefusedProperty::name);
  if (setting != refused.end()) return diagnostic.help(std::string(setting->reason));
  return diagnostic.help("a setting of the Kafka client stands in quotes: `properties = { \"" + name + "\" = … }`");
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

// `window tumbling size 5m`: how it would be written matters less than that it cannot run.
Explanation stage_of_later(const Scene& scene) {
  if (scene.is(Code::P0111) || scene.is(Code::P0112)) return {};
  const std::string_view line = scene.stage_line();
  const std::string_view word = first_word_of(line);
  const auto* const stage = std::ranges::find(kStagesOfLater, word, &StageOfLater::word);
  if (stage == kStagesOfLater.end()) return {};
  const catalog::Missing& missing = catalog::find_missing(stage->feature);
  Diagnostic diagnostic(Code::P0590, scene.span(scene.place(word), word.size()));
  diagnostic.message(std::string(missing.what) + " not in this version")
      .note("it has another form, too: " + std::string(stage->form));
  return missing.instead.empty() ? diagnostic : diagnostic.help(std::string(missing.instead));
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
    if (synonym.word != scene.found || synonym.is_declaration != in_file) continue;
    diagnostic.help("here it is called " + quoted(synonym.ours));
    const bool is_of_later = std::ranges::count(kStagesOfLater, first_word_of(synonym.ours), &StageOfLater::word) > 0;
    return is_of_later ? diagnostic.note("such stages are not in this version") : diagnostic;
  }
  std::string all;
  for (const std::string& word : words) all += (all.empty() ? "" : ", ") + word;
  return diagnostic.note((in_file ? "declarations begin with " : "stages begin with ") + all);
}

// `{ a: string b: string }`, `{ topic = "a" format = json }`, `map { a b }`
Explanation missing_comma(const Scene& scene) {
  const bool may_end = scene.is(Code::P0119) && scene.mistake.expected.starts_with("`,`");
  if (!may_end || !is_word(scene.found) || scene.begins_line() || scene.before == ",") return {};
  const std::size_t behind = scene.behind_before();
  return Diagnostic(Code::P0119, scene.here())
      .message("expected " + scene.expected() + ", not " + quoted(scene.found))
      .help("put a comma between the two: " + quoted(std::string(scene.before) + ", " + std::string(scene.found)),
            scene.span(behind, 0), ",");
}

// `fn g(x)`, `fn g(x int64)`, and in a type `id int64`
Explanation typeless_parameter(const Scene& scene) {
  if (!scene.expects("`:`") || !is_word(scene.before)) return {};
  const bool is_function = scene.first_word() == "fn" || scene.first_word() == "intrinsic";
  Diagnostic diagnostic(Code::P0101, scene.here());
  diagnostic.message(is_function ? "a parameter has a type" : "a type stands behind `:`");
  if (is_word(scene.found)) {
    const std::size_t end = scene.behind_before();
    const std::string_view rest = scene.text.substr(scene.at + scene.found.size(), 1);
    const std::string more = rest == "(" || rest == "<" ? "…" : "";
    const std::string right = std::string(scene.before) + ": " + std::string(scene.found) + more;
    return diagnostic.help("write " + quoted(right), scene.span(end, scene.at - end), ": ");
  }
  if (!is_function) return {};
  return diagnostic.help("for example " + quoted(std::string(scene.before) + ": int64"));
}

// `fn g(x: int64): int64`
Explanation colon_before_result(const Scene& scene) {
  if (!scene.expects("->") || (scene.found != ":" && scene.found != "=")) return {};
  Diagnostic diagnostic(Code::P0101, scene.here());
  diagnostic.message("the type of a function's result stands behind `->`");
  if (scene.found == "=") return diagnostic.help("for example `-> int64`, before the `=`");
  return diagnostic.help("write `->`", scene.here(), scene.blank_before ? "->" : " ->");
}

}  // namespace piperun::syntax
