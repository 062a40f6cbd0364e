// Finds where CSV records end: a line end inside of quotes belongs to the field. As in the decoder, a quote opens only at the start of a
// field: `5" pipe` is one bad row, not the start of a text that swallows the rows behind it. For readers of files; decoding is decoder.h's.
#pragma once
#include <cstddef>
#include <optional>
#include <string_view>

namespace piperun::record {

// Fed with the bytes of a file in pieces of any size.
class CsvSplitter {
 public:
  explicit CsvSplitter(char delimiter) : delimiter_(delimiter) {}

  struct End {
    std::size_t content;  // bytes of `text` before the line end
    std::size_t next;  // bytes of `text` up to behind it
  };

  // The end of the record that `text` begins with; nullopt: `text` ends before the record does. Restartable: give the same text, longer,
  // and only what is new is looked at. After an answer it is ready for the next record.
  std::optional<End> find_end(std::string_view text);

  // Forgets a record begun: at the start of another file.
  void reset() {
    seen_ = 0;
    quoted_ = false;
    may_open_ = true;
  }

 private:
  char delimiter_;
  std::size_t seen_ = 0;
  bool quoted_ = false;
  bool may_open_ = true;  // at the start of a field, or behind a quote that was to close it: a doubled one
};

}  // namespace piperun::record
