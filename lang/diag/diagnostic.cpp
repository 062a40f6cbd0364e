#include "lang/diag/diagnostic.h"

#include <algorithm>
#include <cctype>

namespace piperun::diag {

namespace {

constexpr std::string_view trimmed(std::string_view text) {
  while (text.starts_with('\n')) text.remove_prefix(1);
  while (text.ends_with('\n')) text.remove_suffix(1);
  return text;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](unsigned char x, unsigned char y) { return std::toupper(x) == std::toupper(y); });
}

}  // namespace

std::string one_line(std::string words) {
  constexpr std::string_view kBlanks = " \t\r\n";
  for (std::size_t at = words.find('\n'); at != std::string::npos; at = words.find('\n', at)) {
    const std::size_t before = at == 0 ? std::string::npos : words.find_last_not_of(kBlanks, at - 1);
    const std::size_t begin = before == std::string::npos ? 0 : before + 1;
    const std::size_t end = std::min(words.find_first_not_of(kBlanks, at), words.size());
    words.replace(begin, end - begin, 1, ' ');
    at = begin;
  }
  return words;
}

const std::vector<CodeInfo>& all_codes() {
  static const std::vector<CodeInfo> table = {
#define DIAG(code, severity, title, explanation) {Code::code, #code, Severity::severity, title, trimmed(explanation)},
#include "lang/diag/diagnostics.def"
#undef DIAG
  };
  return table;
}

const CodeInfo& info(Code code) { return all_codes()[static_cast<std::size_t>(code)]; }

const CodeInfo* find_code(std::string_view name) {
  const auto& table = all_codes();
  const auto found = std::ranges::find_if(table, [&](const CodeInfo& entry) { return equal_ignoring_case(entry.name, name); });
  return found == table.end() ? nullptr : &*found;
}

}  // namespace piperun::diag
