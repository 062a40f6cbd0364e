#include "lang/syntax/mistakes.h"

#include <array>

#include "lang/syntax/explanations.h"

namespace piperun::syntax {

using diag::Code;
using diag::Diagnostic;

namespace {

Explanation unclosed_bracket(const Scene& scene) {
  if (scene.mistake.opened == Mistake::kNowhere) return {};
  const source::Span opened = scene.span(scene.mistake.opened, 1);
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
    unclosed_block,        deep_nesting,         stage_of_later,
    unclosed_string,       single_equals,        chained_comparison,
    repetition_in_string,  unknown_escape,       lone_brace,
    bad_timestamp,         wrong_unit,           bad_number,
    odd_character,         dedup_for_how_long,   python_choice,
    choice_behind_value,   is_with_value,        several_sinks,
    fields_in_parentheses, open_interpolation,   foreign_operator,
    colon_in_record,       list_in_parentheses,  nullable_type,
    comment_below,         foreign_sign,         colon_or_equals,
    typeless_parameter,    colon_before_result,  stray_bracket,
    misplaced_range,       blank_before_postfix, blank_behind_sign,
    needs_parentheses,     continued_line,       assignment_without_set,
    unknown_item,          foreign_type,         flow_head,
    look_up_by_join,       guarantee_in_words,   missing_comma,
    setting_as_option,     unclosed_bracket,
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
