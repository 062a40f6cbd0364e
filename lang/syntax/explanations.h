// The explanations of mistakes, by file; mistakes.cpp says in which order they are asked.
#pragma once
#include "lang/syntax/scene.h"

namespace piperun::syntax {

// mistakes_in_tokens.cpp: strings, numbers, what is nested or not closed
Explanation unclosed_block(const Scene& scene);
Explanation deep_nesting(const Scene& scene);
Explanation unclosed_string(const Scene& scene);
Explanation single_equals(const Scene& scene);
Explanation chained_comparison(const Scene& scene);
Explanation repetition_in_string(const Scene& scene);
Explanation unknown_escape(const Scene& scene);
Explanation lone_brace(const Scene& scene);
Explanation bad_timestamp(const Scene& scene);
Explanation wrong_unit(const Scene& scene);
Explanation bad_number(const Scene& scene);
Explanation open_interpolation(const Scene& scene);

// mistakes_of_habit.cpp: what other languages write
Explanation odd_character(const Scene& scene);
Explanation foreign_sign(const Scene& scene);
Explanation foreign_operator(const Scene& scene);
Explanation colon_in_record(const Scene& scene);
Explanation list_in_parentheses(const Scene& scene);
Explanation guarantee_in_words(const Scene& scene);
Explanation python_choice(const Scene& scene);
Explanation choice_behind_value(const Scene& scene);
Explanation is_with_value(const Scene& scene);
Explanation several_sinks(const Scene& scene);
Explanation fields_in_parentheses(const Scene& scene);
Explanation foreign_type(const Scene& scene);
Explanation nullable_type(const Scene& scene);
Explanation comment_below(const Scene& scene);
Explanation flow_head(const Scene& scene);
Explanation look_up_by_join(const Scene& scene);

// mistakes_in_items.cpp: words that begin an item, names with types, lines that go on
Explanation dedup_for_how_long(const Scene& scene);
Explanation colon_or_equals(const Scene& scene);
Explanation setting_as_option(const Scene& scene);
Explanation stray_bracket(const Scene& scene);
Explanation misplaced_range(const Scene& scene);
Explanation blank_before_postfix(const Scene& scene);
Explanation blank_behind_sign(const Scene& scene);
Explanation needs_parentheses(const Scene& scene);
Explanation continued_line(const Scene& scene);
Explanation typeless_parameter(const Scene& scene);
Explanation colon_before_result(const Scene& scene);
Explanation assignment_without_set(const Scene& scene);
Explanation stage_of_later(const Scene& scene);
Explanation unknown_item(const Scene& scene);
Explanation missing_comma(const Scene& scene);

}  // namespace piperun::syntax
