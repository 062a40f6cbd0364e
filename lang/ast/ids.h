// Ids of nodes in a Pool, and the two small things every node is made of: names and dotted paths.
#pragma once
#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "lang/source/source.h"

namespace piperun::ast {

using source::Span;

constexpr std::uint32_t kNoNode = ~std::uint32_t{0};

// An expression of any file of the program: an index into Pool's expressions, and into tables beside it. Default: none.
struct ExprId {
  std::uint32_t index = kNoNode;
  explicit operator bool() const { return index != kNoNode; }
  friend auto operator<=>(ExprId, ExprId) = default;
};

// The same for type expressions.
struct TypeExprId {
  std::uint32_t index = kNoNode;
  explicit operator bool() const { return index != kNoNode; }
  friend auto operator<=>(TypeExprId, TypeExprId) = default;
};

// The text without quotes; the span with them. An empty text only where a mistake was reported.
struct Name {
  std::string text;
  Span span;
};

struct Path {  // `address.city`; at least one part
  std::vector<Name> parts;
  Span span;
};

}  // namespace piperun::ast
