#include "lang/source/source.h"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <utility>

namespace piperun::source {

namespace {
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
}

Span cover(Span a, Span b) { return {a.file, std::min(a.begin, b.begin), std::max(a.end, b.end)}; }

SourceFile::SourceFile(std::string path, std::string text) : path_(std::move(path)), text_(std::move(text)) {
  if (text_.size() > std::numeric_limits<std::uint32_t>::max()) throw std::length_error(path_ + ": larger than 4 GiB");
  line_begins_.push_back(content_begin());
  for (std::size_t at = text_.find('\n'); at != std::string::npos; at = text_.find('\n', at + 1)) {
    line_begins_.push_back(static_cast<std::uint32_t>(at + 1));
  }
}

std::uint32_t SourceFile::content_begin() const {
  return text_.starts_with(kByteOrderMark) ? static_cast<std::uint32_t>(kByteOrderMark.size()) : 0;
}

Place SourceFile::place(std::uint32_t offset) const {
  const auto at = std::clamp(offset, content_begin(), static_cast<std::uint32_t>(text_.size()));
  const auto next = std::upper_bound(line_begins_.begin(), line_begins_.end(), at);
  return {static_cast<std::uint32_t>(next - line_begins_.begin()), at - *std::prev(next) + 1};
}

std::uint32_t SourceFile::line_begin(std::uint32_t line) const { return line_begins_[line - 1]; }

std::string_view SourceFile::line_text(std::uint32_t line) const {
  const std::size_t begin = line_begin(line);
  const std::size_t end = line < line_count() ? line_begins_[line] - 1 : text_.size();
  std::string_view found = text().substr(begin, end - begin);
  if (found.ends_with('\r')) found.remove_suffix(1);
  return found;
}

std::uint32_t SourceFile::offset(Place place) const {
  const std::uint32_t line = std::clamp(place.line, 1U, line_count());
  const auto length = static_cast<std::uint32_t>(line_text(line).size());
  return line_begin(line) + std::min(std::max(place.column, 1U) - 1, length);
}

FileId SourceMap::add(std::string path, std::string text) {
  if (files_.size() > std::numeric_limits<std::uint16_t>::max()) throw std::length_error("more than 65,536 source files");
  files_.emplace_back(std::move(path), std::move(text));
  return static_cast<FileId>(files_.size() - 1);
}

std::optional<FileId> SourceMap::find(std::string_view path) const {
  for (std::size_t i = 0; i < files_.size(); ++i) {
    if (files_[i].path() == path) return static_cast<FileId>(i);
  }
  return std::nullopt;
}

std::string_view SourceMap::text(Span span) const { return file(span.file).text().substr(span.begin, span.size()); }

std::string SourceMap::where(Span span) const {
  const Place found = place(span);
  return file(span.file).path() + ":" + std::to_string(found.line) + ":" + std::to_string(found.column);
}

}  // namespace piperun::source
