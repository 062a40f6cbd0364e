// The texts of a program, and positions in them: every later phase speaks of a place as a Span.
#pragma once
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace piperun::source {

enum class FileId : std::uint16_t {};

// Bytes [begin, end) of one file. Empty spans are places between two bytes.
struct Span {
  FileId file{};
  std::uint32_t begin = 0;
  std::uint32_t end = 0;

  std::uint32_t size() const { return end - begin; }
  bool empty() const { return begin == end; }
  bool contains(std::uint32_t offset) const { return begin <= offset && offset < end; }
  Span first() const { return {file, begin, begin}; }  // the place before it
  Span last() const { return {file, end, end}; }       // the place behind it
  friend auto operator<=>(const Span&, const Span&) = default;
};

// The smallest span that covers both; both are of one file.
Span cover(Span a, Span b);

// 1-based; columns count bytes.
struct Place {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
  friend auto operator<=>(const Place&, const Place&) = default;
};

// A text as it was read. Offsets count its bytes, a byte-order mark and the CR of a CRLF included; neither is part of a line's text.
class SourceFile {
 public:
  SourceFile(std::string path, std::string text);

  const std::string& path() const { return path_; }  // as the user wrote it; what diagnostics print
  std::string_view text() const { return text_; }
  std::uint32_t content_begin() const;  // 3 behind a byte-order mark, else 0

  Place place(std::uint32_t offset) const;  // an offset past the end counts as the end
  std::uint32_t line_count() const { return static_cast<std::uint32_t>(line_begins_.size()); }
  std::uint32_t line_begin(std::uint32_t line) const;  // 1 <= line <= line_count()
  std::string_view line_text(std::uint32_t line) const;  // without its line end
  std::uint32_t offset(Place place) const;  // clamped to the line, and to the file

 private:
  std::string path_;
  std::string text_;
  std::vector<std::uint32_t> line_begins_;
};

// Owns the files of one program. Grows only: references and views stay valid as long as the map lives. At most 65,536 files of 4 GiB.
class SourceMap {
 public:
  SourceMap() = default;
  SourceMap(const SourceMap&) = delete;
  SourceMap& operator=(const SourceMap&) = delete;
  SourceMap(SourceMap&&) = default;
  SourceMap& operator=(SourceMap&&) = default;

  FileId add(std::string path, std::string text);
  std::optional<FileId> find(std::string_view path) const;
  const SourceFile& file(FileId id) const { return files_[static_cast<std::size_t>(id)]; }
  std::size_t size() const { return files_.size(); }

  std::string_view text(Span span) const;
  Place place(Span span) const { return file(span.file).place(span.begin); }
  std::string where(Span span) const;  // `orders.pipe:42:13`

 private:
  std::deque<SourceFile> files_;
};

}  // namespace piperun::source
