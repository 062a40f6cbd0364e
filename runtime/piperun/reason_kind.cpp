#include "runtime/piperun/reason_kind.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <span>
#include <string_view>

#include "runtime/base/result.h"

namespace piperun::cli {
namespace {

using Words = std::vector<std::string>;

Words words_of(std::string_view text) {
  Words words(1);
  for (const char c : text) {
    if (c == ' ') words.emplace_back();
    else words.back() += c;
  }
  return words;
}

// Shortens `common` to what it has in common with the words that `word(0)`, `word(1)`, … are.
template <typename Word>
void keep_common(Words& common, std::size_t count, Word word) {
  std::size_t same = 0;
  while (same < std::min(common.size(), count) && common[same] == word(same)) ++same;
  common.resize(same);
}

bool is_part_of_value(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '-' || c == ':';
}

// A quoted text is left out, and what has a digit in it: numbers, times, most ids. Names of fields stand in `…` and are kept.
std::string without_values(std::string_view text) {
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    const std::size_t close = c == '"' || c == '`' ? text.find(c, at + 1) : std::string_view::npos;
    std::size_t end = at + 1;
    bool is_value = false;
    if (close != std::string_view::npos) {
      end = close + 1;
      is_value = c == '"';
    } else if (is_part_of_value(c)) {
      while (end < text.size() && is_part_of_value(text[end])) ++end;
      is_value = std::ranges::any_of(text.substr(at, end - at), [](unsigned char each) { return std::isdigit(each) != 0; });
    }
    result += is_value ? "…" : text.substr(at, end - at);
    at = end;
  }
  return result;
}

}  // namespace

std::string kind_of(const std::string& code, const std::string& reason) {
  return code == base::traits(base::ErrorCode::FailCalled).code ? "" : without_values(reason);
}

void ReasonKind::add(const std::string& reason) {
  const Words words = words_of(reason);
  if (letters_++ == 0) {
    first_ = reason;
    prefix_ = words;
    suffix_.assign(words.rbegin(), words.rend());
    fewest_ = words.size();
    return;
  }
  if (reason == first_) return;
  is_one_text_ = false;
  fewest_ = std::min(fewest_, words.size());
  keep_common(prefix_, words.size(), [&](std::size_t i) { return words[i]; });
  keep_common(suffix_, words.size(), [&](std::size_t i) { return words[words.size() - 1 - i]; });
}

std::string ReasonKind::words() const {
  if (is_one_text_) return first_;
  const std::size_t behind = std::min(suffix_.size(), fewest_ - std::min(fewest_, prefix_.size()));
  if (prefix_.empty() && behind == 0) return fmt::format("such as: {}", first_);
  Words all = prefix_;
  all.emplace_back("…");
  for (std::size_t i = behind; i-- > 0;) all.push_back(suffix_[i]);
  return fmt::format("{}", fmt::join(all, " "));
}

}  // namespace piperun::cli
