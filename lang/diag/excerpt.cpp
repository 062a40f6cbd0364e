#include "lang/diag/excerpt.h"

#include <algorithm>
#include <array>
#include <map>

#include "lang/value/utf8.h"

namespace piperun::diag {

namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr std::string_view kElision = "...";

// One code point as it is printed, and the bytes it stands for.
struct Glyph {
  std::string_view shown;
  std::size_t byte;
};

std::vector<Glyph> glyphs(std::string_view text) {
  std::vector<Glyph> all;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = value::utf8_sequence(text.substr(at));
    const auto lead = static_cast<unsigned char>(text[at]);
    // U+0080..U+009F are controls too (C1).
    const bool control =
        lead < 0x20 || lead == 0x7F || (lead == 0xC2 && length == 2 && static_cast<unsigned char>(text[at + 1]) < 0xA0);
    if (lead == '\t') all.push_back({" ", at});
    else if (length == 0 || control) all.push_back({kReplacement, at});
    else all.push_back({text.substr(at, length), at});
    at += std::max<std::size_t>(length, 1);
  }
  return all;
}

// A mark on one line, in printed columns from 0; end > begin.
struct LineMark {
  std::size_t begin;
  std::size_t end;
  std::string text;
  bool primary;
};

using LineMarks = std::map<std::uint32_t, std::vector<LineMark>>;

struct Line {
  explicit Line(std::string_view text) : glyphs_(glyphs(text)) {}

  std::size_t column(std::size_t byte) const {
    const auto found = std::ranges::lower_bound(glyphs_, byte, {}, &Glyph::byte);
    return static_cast<std::size_t>(found - glyphs_.begin());
  }
  std::size_t indent() const {
    const auto found = std::ranges::find_if(glyphs_, [](const Glyph& glyph) { return glyph.shown != " "; });
    return static_cast<std::size_t>(found - glyphs_.begin());
  }
  std::size_t size() const { return glyphs_.size(); }
  std::string shown(std::size_t from, std::size_t to) const {
    std::string out;
    for (std::size_t i = from; i < std::min(to, size()); ++i) out += glyphs_[i].shown;
    return out;
  }

 private:
  std::vector<Glyph> glyphs_;
};

// First and last line of a span; a span that ends with a line's end does not reach the next line.
std::pair<std::uint32_t, std::uint32_t> lines_of(const source::SourceFile& file, Span span) {
  const std::uint32_t first = file.place(span.begin).line;
  return {first, span.empty() ? first : std::max(first, file.place(span.end - 1).line)};
}

void place_mark(LineMarks& marks, const source::SourceFile& file, const Mark& mark) {
  const auto [first, last] = lines_of(file, mark.span);
  const auto on = [&](std::uint32_t number, std::size_t begin, std::size_t end, std::string text) {
    marks[number].push_back({begin, std::max(end, begin + 1), std::move(text), mark.primary});
  };
  const auto column = [&](std::uint32_t number, const Line& line, std::uint32_t offset) {
    return line.column(offset - std::min(offset, file.line_begin(number)));
  };
  const Line first_line(file.line_text(first));
  const std::size_t begin = column(first, first_line, mark.span.begin);
  if (first == last) return on(first, begin, column(first, first_line, mark.span.end), mark.text);
  const Line last_line(file.line_text(last));
  on(first, begin, first_line.size(), "");
  on(last, last_line.indent(), column(last, last_line, mark.span.end), mark.text);
}

// The columns [from, to) of a long line that are shown: around its primary mark, else around the first.
struct Window {
  std::size_t from;
  std::size_t to;
};

Window window(const Line& line, const std::vector<LineMark>& marks, std::size_t width) {
  if (line.size() <= width) return {0, std::max(line.size(), marks.back().end)};
  const auto primary = std::ranges::find_if(marks, &LineMark::primary);
  const LineMark& centre = primary == marks.end() ? marks.front() : *primary;
  const std::size_t before = width / 3;
  const std::size_t from = std::min(centre.begin < before ? 0 : centre.begin - before, line.size() - width);
  return {from, from + width};
}

class Excerpt {
 public:
  Excerpt(const source::SourceFile& file, const ExcerptStyle& style) : file_(file), style_(style) {}

  void line(std::uint32_t number, std::vector<LineMark> marks) {
    std::ranges::stable_sort(marks, {}, &LineMark::begin);
    const Line line(file_.line_text(number));
    const Window shown = window(line, marks, style_.line_width);
    std::string text = line.shown(shown.from, shown.to);
    if (shown.from > 0) text = std::string(kElision) + line.shown(shown.from + kElision.size(), shown.to);
    if (shown.to < line.size()) text += kElision;
    row(std::to_string(number), text);
    for (LineMark& mark : marks) {
      mark.begin = std::clamp(mark.begin, shown.from, shown.to) - shown.from;
      mark.end = std::max(std::clamp(mark.end, shown.from, shown.to) - shown.from, mark.begin + 1);
    }
    marks_below(marks);
  }

  void gap() { out_ += inked(Ink::Gutter, std::string(kElision), style_.colour) + "\n"; }

  std::string take() { return std::move(out_); }

 private:
  void row(const std::string& number, std::string text) {
    while (text.ends_with(' ')) text.pop_back();
    const std::string gutter = std::string(style_.gutter - number.size(), ' ') + number + " |";
    out_ += inked(Ink::Gutter, gutter, style_.colour) + (text.empty() ? "" : " ") + text + "\n";
  }

  // Carets and dashes with the last mark's text behind them; the other texts, from right to left, each on a line of its own.
  void marks_below(const std::vector<LineMark>& marks) {
    std::string signs;
    for (const LineMark& mark : marks) paint(signs, mark, std::string(mark.end - mark.begin, mark.primary ? '^' : '-'));
    const LineMark& last = marks.back();
    const bool inline_text =
        std::ranges::all_of(marks, [&](const LineMark& mark) { return &mark == &last || mark.end <= last.begin; });
    row("", coloured(signs, marks) + (inline_text && !last.text.empty() ? " " + ink_of(last, printable(last.text)) : ""));
    for (std::size_t i = marks.size() - (inline_text ? 1 : 0); i-- > 0;) {
      if (marks[i].text.empty()) continue;
      const std::string before = connectors(marks, i);
      row("", before + ink_of(marks[i], printable(marks[i].text)));
    }
  }

  static void paint(std::string& signs, const LineMark& mark, const std::string& with) {
    signs.resize(std::max(signs.size(), mark.end), ' ');
    for (std::size_t i = 0; i < with.size(); ++i) {
      if (signs[mark.begin + i] != '^') signs[mark.begin + i] = with[i];
    }
  }

  // `|` under each mark to the left whose text is still to come.
  std::string connectors(const std::vector<LineMark>& marks, std::size_t index) const {
    std::string text(marks[index].begin, ' ');
    for (std::size_t i = 0; i < index; ++i) {
      if (!marks[i].text.empty() && marks[i].begin < text.size()) text[marks[i].begin] = '|';
    }
    return text;
  }

  std::string coloured(const std::string& signs, const std::vector<LineMark>& marks) const {
    if (!style_.colour || marks.empty()) return signs;
    std::string out;
    for (std::size_t i = 0; i < signs.size();) {
      const std::size_t end = std::min(signs.find_first_not_of(signs[i], i), signs.size());
      const Ink ink = signs[i] == '^' ? style_.primary : signs[i] == '-' ? Ink::Gutter : Ink::Plain;
      out += inked(ink, signs.substr(i, end - i), true);
      i = end;
    }
    return out;
  }

  std::string ink_of(const LineMark& mark, std::string text) const {
    return inked(mark.primary ? style_.primary : Ink::Gutter, std::move(text), style_.colour);
  }

  const source::SourceFile& file_;
  const ExcerptStyle& style_;
  std::string out_;
};

}  // namespace

std::string inked(Ink ink, std::string text, bool colour) {
  static constexpr std::array<std::string_view, 6> kCodes = {"", "1", "1;31", "1;33", "1;34", "1;36"};
  const std::string_view code = kCodes[static_cast<std::size_t>(ink)];
  if (!colour || code.empty() || text.empty()) return text;
  return "\x1b[" + std::string(code) + "m" + text + "\x1b[0m";
}

std::string printable(std::string_view text) {
  std::string out;
  for (const Glyph& glyph : glyphs(text)) out += glyph.shown;
  return out;
}

std::size_t gutter_width(const source::SourceFile& file, const std::vector<Mark>& marks) {
  std::uint32_t largest = 1;
  for (const Mark& mark : marks) largest = std::max(largest, lines_of(file, mark.span).second);
  return std::to_string(largest).size();
}

std::string excerpt(const source::SourceFile& file, const std::vector<Mark>& marks, const ExcerptStyle& style) {
  LineMarks by_line;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> inside;  // of marks with lines that are not shown
  for (const Mark& mark : marks) {
    place_mark(by_line, file, mark);
    const auto [first, last] = lines_of(file, mark.span);
    if (last > first + 1) inside.emplace_back(first, last);
  }
  Excerpt out(file, style);
  std::uint32_t previous = 0;
  for (auto& [number, line_marks] : by_line) {
    const bool skips = std::ranges::any_of(inside, [&](auto range) { return range.first <= previous && number <= range.second; });
    if (previous != 0 && number > previous + 1 && skips) out.gap();
    out.line(number, std::move(line_marks));
    previous = number;
  }
  return out.take();
}

}  // namespace piperun::diag
