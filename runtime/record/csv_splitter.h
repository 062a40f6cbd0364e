// Finds where CSV records end: a line end inside of quotes belongs to the field. For readers of files; decoding is decoder.h's.
#pragma once
#include <cstddef>
#include <optional>
#include <string_view>

namespace piperun::record {

// Fed with the bytes of a file in pieces of any size.
class CsvSplitter {
 public:
  struct End {
    std::size_t content;  // bytes of `text` before the line end
    std::size_t next;     // bytes of `text` up to behind it
  };

  // The end of the record that `text` begins with; nullopt: `text` ends before the record does. Restartable: give the same text, longer,
  // and only what is new is looked at. After an answer it is ready for the next record.
  std::optional<End> find_end(std::string_view text);

  // Forgets a record begun: at the start of another file.
  void reset() {
    seen_ = 0;
    quoted_ = false;
  }

 private:
  std::size_t seen_ = 0;
  bool quoted_ = false;
};

}  // namespace piperun::record
