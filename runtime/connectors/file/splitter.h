// Cuts the text of a file into records: lines, or csv rows, whose quoted fields may hold line ends. Records end in LF or CRLF.
#pragma once
#include <cstddef>
#include <optional>
#include <string_view>

#include "lang/ir/program.h"
#include "runtime/record/csv_splitter.h"

namespace piperun::file {

// May stand at the beginning of a text, and is none of it.
inline constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

class Splitter {
 public:
  struct Piece {
    std::string_view record;  // without its line end
    std::size_t next;         // position in the text of what follows
  };

  // `delimiter`: of csv. Looks at `text` from `begin`. `is_end`: nothing follows, so a last record may lack its line end. Except for raw, where an empty
  // line is a record, blank lines are passed over.
  Splitter(ir::Format format, char delimiter, std::string_view text, bool is_end, std::size_t begin = 0);

  std::optional<Piece> next();  // nullopt: no whole record is left
  std::size_t position() const { return position_; }

 private:
  std::optional<Piece> next_line();
  std::optional<Piece> next_row();

  std::string_view text_;
  std::size_t position_;
  bool is_end_;
  bool skips_blank_;
  bool has_quotes_;
  record::CsvSplitter rows_;
};

// Whether a carriage return stands alone in this record of csv, outside of quotes. It ends no record: a file of such lines is one record.
bool has_lone_return(std::string_view record);

}  // namespace piperun::file
