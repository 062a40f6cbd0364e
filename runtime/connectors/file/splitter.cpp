#include "runtime/connectors/file/splitter.h"

#include <cstring>

namespace piperun::file {

Splitter::Splitter(ir::Format format, char delimiter, std::string_view text, bool is_end, std::size_t begin)
    : text_(text),
      position_(begin),
      is_end_(is_end),
      skips_blank_(format != ir::Format::Raw),
      has_quotes_(format == ir::Format::Csv && text.find('"', begin) != std::string_view::npos),
      rows_(delimiter) {}

std::optional<Splitter::Piece> Splitter::next() {
  for (;;) {
    auto piece = has_quotes_ ? next_row() : next_line();
    if (!piece) return std::nullopt;
    position_ = piece->next;
    if (piece->record.empty() && skips_blank_) continue;
    return piece;
  }
}

std::optional<Splitter::Piece> Splitter::next_line() {
  if (position_ >= text_.size()) return std::nullopt;
  const char* begin = text_.data() + position_;
  const auto* end = static_cast<const char*>(std::memchr(begin, '\n', text_.size() - position_));
  if (end == nullptr && !is_end_) return std::nullopt;
  const std::size_t next = end == nullptr ? text_.size() : static_cast<std::size_t>(end - text_.data()) + 1;
  if (end == nullptr) end = text_.data() + text_.size();
  if (end > begin && end[-1] == '\r') --end;
  return Piece{{begin, static_cast<std::size_t>(end - begin)}, next};
}

std::optional<Splitter::Piece> Splitter::next_row() {
  if (position_ >= text_.size()) return std::nullopt;
  const std::string_view rest = text_.substr(position_);
  rows_.reset();
  const auto end = rows_.find_end(rest);
  if (end) return Piece{rest.substr(0, end->content), position_ + end->next};
  if (!is_end_) return std::nullopt;
  return Piece{rest, text_.size()};
}

bool has_lone_return(std::string_view record) {
  bool quoted = false;
  for (const char c : record) {
    if (c == '"') quoted = !quoted;
    if (c == '\r' && !quoted) return true;
  }
  return false;
}

}  // namespace piperun::file
