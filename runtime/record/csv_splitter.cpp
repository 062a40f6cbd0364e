#include "runtime/record/csv_splitter.h"

namespace piperun::record {

std::optional<CsvSplitter::End> CsvSplitter::find_end(std::string_view text) {
  for (; seen_ < text.size(); ++seen_) {
    const char c = text[seen_];
    if (quoted_) {
      quoted_ = c != '"';
      may_open_ = !quoted_;
      continue;
    }
    quoted_ = c == '"' && may_open_;
    may_open_ = c == delimiter_;
    if (c != '\n') continue;
    const std::size_t content = seen_ > 0 && text[seen_ - 1] == '\r' ? seen_ - 1 : seen_;
    const End end{content, seen_ + 1};
    reset();
    return end;
  }
  return std::nullopt;
}

}  // namespace piperun::record
