// The part of a rendered diagnostic that shows source lines with marks below them.
#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "lang/diag/diagnostic.h"
#include "lang/source/source.h"

namespace piperun::diag {

enum class Ink : std::uint8_t { Plain, Strong, Error, Warning, Gutter, Help };

// `text` in a terminal's colour, or as it is.
std::string inked(Ink ink, std::string text, bool colour);

// What marks one diagnostic needs in one file.
struct Mark {
  Span span;
  std::string text;  // may be empty
  bool primary = false;
};

struct ExcerptStyle {
  std::size_t gutter = 1;  // digits of the largest line number
  std::size_t line_width = 120;
  Ink primary = Ink::Error;
  bool colour = false;
};

// All marks are in `file`. Each line once, in order; a mark of several lines shows its first and its last, with `...` between.
std::string excerpt(const source::SourceFile& file, const std::vector<Mark>& marks, const ExcerptStyle& style);

// Digits of the largest line number that `excerpt` prints for these marks.
std::size_t gutter_width(const source::SourceFile& file, const std::vector<Mark>& marks);

// UTF-8 that is safe on a terminal: a tab is one space, other control characters and invalid bytes are U+FFFD.
std::string printable(std::string_view text);

}  // namespace piperun::diag
