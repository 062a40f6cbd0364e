#include "lang/syntax/scene.h"

#include <algorithm>
#include <array>

namespace piperun::syntax {

namespace {

bool is_double_sign(std::string_view sign) {
  constexpr std::array<std::string_view, 8> kSigns = {"??", "?.", "..", "==", "!=", "<=", ">=", "->"};
  return std::ranges::find(kSigns, sign) != kSigns.end();
}

std::size_t indent_of(std::string_view line) { return line.find_first_not_of(" \t\r"); }  // npos: nothing stands there

// The nearest line above that is indented less; comments aside. Empty: none is near.
std::string_view owner_of(std::string_view line, std::string_view text) {
  constexpr int kFarthest = 1000;  // lines
  std::size_t begin = static_cast<std::size_t>(line.data() - text.data());
  for (int lines = 0; begin > 0 && lines < kFarthest; ++lines) {
    const std::size_t end = begin - 1;
    const std::size_t newline = end == 0 ? std::string_view::npos : text.rfind('\n', end - 1);
    begin = newline == std::string_view::npos ? 0 : newline + 1;
    const std::string_view above = text.substr(begin, end - begin);
    const std::size_t indent = indent_of(above);
    if (indent < indent_of(line) && above[indent] != '#') return above;
  }
  return {};
}

}  // namespace

std::string_view first_word_of(std::string_view line) {
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  const auto end = std::ranges::find_if_not(line, is_word_char);
  return line.substr(0, static_cast<std::size_t>(end - line.begin()));
}

std::string_view Scene::line() const {
  const std::size_t newline = at == 0 ? std::string_view::npos : text.rfind('\n', at - 1);
  const std::size_t begin = newline == std::string_view::npos ? 0 : newline + 1;
  return text.substr(begin, std::min(text.find('\n', begin), text.size()) - begin);
}

std::string_view Scene::first_word() const { return first_word_of(line()); }

std::string_view Scene::stage_line() const {
  constexpr int kDeepest = 8;  // blocks within a stage
  std::string_view line = this->line();
  for (int depth = 0; depth < kDeepest && !line.empty(); ++depth) {
    const std::string_view owner = owner_of(line, text);
    if (first_word_of(owner) == "flow") return line;
    line = owner;
  }
  return {};
}

std::string_view Scene::token_at(std::size_t begin) const {
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

std::string_view Scene::token_before(std::size_t end) const {
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

}  // namespace piperun::syntax
