#include "runtime/record/csv_splitter.h"

namespace piperun::record {

std::optional<CsvSplitter::End> CsvSplitter::find_end(std::string_view text) {
  for (; seen_ < text.size(); ++seen_) {
    const char c = text[seen_];
    if (c == '"') quoted_ = !quoted_;
    if (c != '\n' || quoted_) continue;
    const std::size_t content = seen_ > 0 && text[seen_ - 1] == '\r' ? seen_ - 1 : seen_;
    const End end{content, seen_ + 1};
    reset();
    return end;
  }
  return std::nullopt;
}

}  // namespace piperun::record
