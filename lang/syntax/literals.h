// The values of literals, from their text as the grammar accepted it. An error is a sentence for the user.
#pragma once
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "lang/ast/expr.h"

namespace piperun::syntax {

// IntLiteral, DecimalLiteral, FloatLiteral or DurationLiteral.
std::expected<ast::ExprNode, std::string> number_value(std::string_view text);

// The digits of 2^63, which only a minus in front makes an int64.
bool is_smallest_int_digits(std::string_view text);

// Microseconds since 1970-01-01T00:00:00Z.
std::expected<std::int64_t, std::string> timestamp_value(std::string_view text);

// What one piece of a string stands for: `{{`, `}}`, an escape, or plain text.
std::expected<std::string, std::string> string_piece_value(std::string_view text);

}  // namespace piperun::syntax
