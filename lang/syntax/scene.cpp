#include "lang/syntax/scene.h"

#include <algorithm>
#include <array>

namespace piperun::syntax {

namespace {

bool is_double_sign(std::string_view sign) {
  constexpr std::array<std::string_view, 8> kSigns = {"??", "?.", "..", "==", "!=", "<=", ">=", "->"};
  return std::ranges::find(kSigns, sign) != kSigns.end();
}

}  // namespace

std::string_view Scene::line() const {
  const std::size_t newline = at == 0 ? std::string_view::npos : text.rfind('\n', at - 1);
  const std::size_t begin = newline == std::string_view::npos ? 0 : newline + 1;
  return text.substr(begin, std::min(text.find('\n', begin), text.size()) - begin);
}

std::string_view Scene::first_word() const {
  std::string_view word = line();
  word.remove_prefix(std::min(word.find_first_not_of(" \t"), word.size()));
  const auto end = std::ranges::find_if_not(word, is_word_char);
  return word.substr(0, static_cast<std::size_t>(end - word.begin()));
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
