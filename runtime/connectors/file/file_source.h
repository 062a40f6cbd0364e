// Reads files by lines or csv rows. A file is a partition, a position is a byte of its (inflated) text.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "lang/ir/program.h"
#include "runtime/base/clock.h"
#include "runtime/connectors/file/file_bytes.h"
#include "runtime/connectors/source.h"

namespace piperun::file {

// A file is known again by the text before a position (Slab::mark): one that was replaced or changed there is an error, one that grew is
// not. The files that match when it is opened, in the order of their names. A file ends where it ended when `partitions` was asked last; a
// last line without its line end is a record, so who appends to a file appends whole lines. Files that match later are found at the
// next start.
class FileSource final : public connectors::Source {
 public:
  // `pattern` as in the shell, relative to `folder`; partitions are called as the pattern is written. CannotOpen if nothing matches.
  static base::Result<std::unique_ptr<connectors::Source>> open(const std::string& folder, const std::string& pattern,
                                                                ir::Format format, char delimiter, bool has_header,
                                                                base::Clock& clock);

  base::Result<std::vector<connectors::Partition>> partitions() override;
  base::Result<std::int64_t> resolve(const std::string& start, std::uint32_t partition) override;
  base::Result<record::Slab> read(std::uint32_t partition, std::int64_t position, std::size_t max_records,
                                  std::size_t max_bytes) override;
  base::Result<void> check(std::uint32_t partition, const std::string& mark) override;
  bool is_finite() const override { return true; }
  void wait(std::int64_t microseconds) override { clock_.sleep(microseconds); }

 private:
  struct File {
    std::string name;
    std::unique_ptr<FileBytes> bytes;
    std::string header;  // csv
    std::int64_t begin = -1;  // behind byte-order mark and header; -1: not looked at yet
    std::int64_t size = 0;
    std::int64_t end = 0;  // behind the last line that is not blank
    std::int64_t modified = 0;
    double record_bytes = 256;  // on average, to read as much as is wanted
    std::string before;  // the text that stands before `read_to`, of which a mark is made
    std::int64_t read_to = -1;  // -1: nothing was read yet
  };
  FileSource(ir::Format format, char delimiter, bool has_header, base::Clock& clock)
      : format_(format), delimiter_(delimiter), has_header_(has_header), clock_(clock) {}
  base::Result<void> look_at(File& file);
  static base::Result<std::string> text_before(File& file, std::int64_t position);
  base::Result<std::size_t> late_line_end(const File& file) const;
  base::Result<void> leave_line_end(File& file);
  static base::Result<void> check_line(const File& file, std::int64_t size, std::int64_t position, std::string_view before);
  static base::Error replaced(const File& file, std::int64_t position);
  static base::Error cut(const File& file, std::int64_t position);
  base::Result<void> find_begin(File& file);
  base::Result<void> find_end(File& file);
  base::Result<std::size_t> fill(record::Slab& slab, File& file, std::int64_t position, std::size_t want,
                                 std::size_t max_records);

  ir::Format format_;
  char delimiter_;
  bool has_header_;
  base::Clock& clock_;
  std::vector<File> files_;
};

// Names that match, sorted by bytes.
std::vector<std::string> matching_files(const std::string& folder, const std::string& pattern);

}  // namespace piperun::file
